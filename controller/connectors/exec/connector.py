"""Connector type ``exec``: a program of yours sets the password.

It gets one JSON object on standard input, never anything as an argument or in its environment, and answers by its exit
code (``codes``). The first line of its standard error is shown to people, unless a password is in it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from controller.connectors.checking import diagnose_by_check
from controller.connectors.exec.codes import DONE, NOT_IN_FORCE, REFUSALS
from controller.connectors.exec.options import ExecOptions
from controller.connectors.exec.process import Ended, NotStarted, TimedOut, run
from controller.connectors.exec.program import expect_trusted
from controller.model.constraints import Capabilities
from controller.model.diagnosis import Finding
from controller.model.errors import (
    ChannelRefused,
    ConnectorError,
    Indeterminate,
    PasswordRejected,
    PolicyUntold,
    Rejected,
    Unavailable,
)
from controller.model.observation import Survey
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.model.words import WITHHELD, quoted
from controller.ports.connectors import Connector, ConnectorType, ResolveSecret


@dataclass(slots=True)
class ExecConnector:
    """Runs the program once for each call."""

    options: ExecOptions
    capabilities: Capabilities

    def set_password(self, account: str, new: Secret) -> None:
        """Run the operation ``set``.

        Raises:
            ConnectorError: As ``ports.Connector`` says.
        """
        self._write("set", account, password=new)

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Run the operation ``change``, with the old password.

        Raises:
            ConnectorError: As ``ports.Connector`` says.
        """
        self._write("change", account, password=new, oldPassword=old)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Run the operation ``verify``.

        Raises:
            Rejected: The options do not say that the program can be asked.
            ConnectorError: As ``ports.Connector`` says.
        """
        if not self.capabilities.can_verify:
            raise Rejected(f"{self.options.command[0]} verifies no passwords", hint="verify: true, if it does")
        ended = self._ask("verify", account, password=password)
        return ended.code == DONE

    def check(self) -> None:
        """Run the operation ``check``, to which the program changes nothing.

        Raises:
            Busy, Unavailable, ChannelRefused: It is not there, or says so.
        """
        ended = self._ask("check", "")
        if ended.code != DONE:
            raise ChannelRefused(f"{self._subject('')}: check ended with exit code {ended.code}")

    def policy(self, account: str | None = None) -> PasswordPolicy | None:  # noqa: ARG002  # as ports.Connector
        """Refuse: a program is not asked what its system makes of passwords.

        Raises:
            PolicyUntold: Always.
        """
        raise PolicyUntold("a program cannot be asked for the password policy of its system")

    def survey(self, accounts: Sequence[str]) -> Survey:  # noqa: ARG002  # as ports.Connector
        """Tell nothing: this system is not asked about its accounts."""
        return Survey()

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:  # noqa: ARG002  # as ports.Connector
        """Check the channel."""
        return diagnose_by_check(self.check)

    def close(self) -> None:
        """Nothing is kept open."""

    def _write(self, operation: str, account: str, **secrets: Secret) -> None:
        subject = self._subject(account)
        try:
            ended = self._run(operation, account, secrets)
        except TimedOut as error:
            raise Indeterminate(f"{subject}: {self._late()}") from error
        if ended.code != DONE:
            raise _refusal(ended, subject, secrets)

    def _ask(self, operation: str, account: str, **secrets: Secret) -> Ended:
        subject = self._subject(account)
        try:
            ended = self._run(operation, account, secrets)
        except TimedOut as error:
            raise Unavailable(f"{subject}: {self._late()}") from error
        if ended.code in {DONE, NOT_IN_FORCE}:
            return ended
        refused = _refusal(ended, subject, secrets)
        if isinstance(refused, Indeterminate):  # it was only asked
            raise Unavailable(refused.message, directory_code=refused.directory_code, words=refused.words)
        raise refused

    def _run(self, operation: str, account: str, secrets: dict[str, Secret]) -> Ended:
        command = self.options.command
        expect_trusted(command[0])
        values = {name: _text(secret, account) for name, secret in secrets.items()}
        given = json.dumps({"operation": operation, "account": account, **values}).encode("ascii") + b"\n"
        seconds, mebibytes = self.options.timeout.total_seconds(), self.options.memory_limit
        try:
            return run(command, given, seconds=seconds, mebibytes=mebibytes)
        except NotStarted as error:
            raise ChannelRefused(f"{self._subject(account)}: it could not be run: {error}") from error

    def _late(self) -> str:
        return f"it did not end within {self.options.timeout.total_seconds():g} s, and was killed"

    def _subject(self, account: str) -> str:
        return f"program {self.options.command[0]}" + (f", account {account}" if account else "")


def _refusal(ended: Ended, subject: str, secrets: dict[str, Secret]) -> ConnectorError:
    how = f"exit code {ended.code}" if ended.code >= 0 else f"signal {-ended.code}"
    kind, what = REFUSALS.get(ended.code, (Indeterminate, f"it ended with {how}; what it did is not known"))
    return kind(f"{subject}: {what}", directory_code=str(ended.code), words=_words(ended, secrets))


def _words(ended: Ended, secrets: dict[str, Secret]) -> str:
    """The first line of its complaints; nothing of them when a password is in them, also as JSON writes it."""
    said = ended.complaints.decode("utf-8", "replace")
    spelt = [*secrets.values(), *(Secret(json.dumps(secret.reveal())[1:-1]) for secret in secrets.values())]
    if quoted(said, *spelt) == WITHHELD:
        return WITHHELD
    return quoted(next((line for line in said.splitlines() if line.strip()), ""))


def _text(secret: Secret, account: str) -> str:
    if not secret.is_unicode():
        raise PasswordRejected(f"the password of {account!r} has a character that UTF-8 cannot express")
    return secret.reveal()


class ExecType:
    """The connector type ``exec``."""

    name = "exec"
    options: type[BaseModel] = ExecOptions

    def capabilities(self, options: ExecOptions) -> Capabilities:
        """Passwords are set without the old one; whether they can be verified is up to the program."""
        return Capabilities(can_verify=options.verify, can_read_policy=False, can_survey=False)

    def connect(self, options: ExecOptions, resolve: ResolveSecret) -> Connector:  # noqa: ARG002  # has no secret
        """Make a connector; the program is first looked at when it is run."""
        return ExecConnector(options, self.capabilities(options))


CONNECTOR_TYPE: ConnectorType = ExecType()
