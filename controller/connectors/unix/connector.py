"""Connector type ``unix``: ``chpasswd`` on a host, over SSH, with the password on its standard input alone."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from controller.connectors.checking import diagnose_by_check
from controller.connectors.unix.options import UnixOptions
from controller.model.constraints import Capabilities, Constraints
from controller.model.diagnosis import Finding
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    ChannelRefused,
    Indeterminate,
    OldPasswordWrong,
    PasswordRejected,
    PolicyUntold,
    Rejected,
    SettingsError,
    Unavailable,
)
from controller.model.observation import Survey
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.model.words import quoted
from controller.ports.connectors import Connector, ConnectorType, ResolveSecret

if TYPE_CHECKING:
    from controller.connectors.unix.session import Ended, Session

_CONSTRAINTS = Constraints(min_length=1, max_bytes=511, forbidden="\n\x00")
"""chpasswd reads one line for each account; crypt(3) takes at most 511 bytes."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?")
_UNKNOWN_TO_ID = 1
_ROOT = b"0"


@dataclass(slots=True)
class UnixConnector:
    """Sets passwords on one host. It keeps no connection between calls."""

    session: "Session"
    command: list[str]
    capabilities: Capabilities

    def set_password(self, account: str, new: Secret) -> None:
        """Run ``chpasswd`` for an account that is there.

        Raises:
            PasswordRejected: It cannot stand in a line, or chpasswd refuses it.
            AccountUnknown: The host has no such account.
            AccountRefused: It is root's.
            ConnectorError: As ``ports.Connector`` says.
        """
        line = self._line(account, new)
        self._expect_account(account)
        ended = self.session.run(self.command, line)
        if ended.code != 0:
            self.check()  # a command that fails without any input, too, is not about this password
            raise PasswordRejected(
                f"{self._subject(account)}: {self.command[0]} refuses the password",
                directory_code=str(ended.code),
                words=_words(ended, new),
            )

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Set the password when a login proves that *old* is in force.

        Raises:
            OldPasswordWrong: It is not.
            AccountRefused: The options do not say that logins may be tried.
            ConnectorError: As for ``set_password``.
        """
        if not self.capabilities.can_verify:
            raise AccountRefused(
                f"{self._subject(account)}: the old password cannot be proved",
                hint="verify: true, or sendOldPassword: false",
            )
        if not self.verify_password(account, old):
            raise OldPasswordWrong(f"{self._subject(account)}: the old password is wrong")
        self.set_password(account, new)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Log in as the account over SSH, once; a wrong try may count towards lockout (pam_faillock).

        Raises:
            Rejected: The options do not say that logins may be tried.
            AccountUnknown: The host has no such account.
            ConnectorError: As ``ports.Connector`` says.
        """
        if not self.capabilities.can_verify:
            raise Rejected(f"{self.session} verifies no passwords", hint="verify: true, if it lets accounts log in")
        self._expect_account(account)
        if _CONSTRAINTS.violation(password) is not None or not password.is_unicode():
            return False
        return self.session.lets_in(account, password)

    def check(self) -> None:
        """Make sure of host, key and command, by running it with nothing to do.

        Raises:
            Unavailable, ChannelRefused: As ``ports.Connector`` says.
        """
        try:
            ended = self.session.run(self.command, b"")
        except Indeterminate as error:
            raise Unavailable(error.message) from error
        if ended.code != 0:
            raise ChannelRefused(
                f"{self.session}: {shlex.join(self.command)} ends with exit code {ended.code}",
                directory_code=str(ended.code),
                words=_words(ended),
                hint="who is not root needs sudo: command: [sudo, -n, /usr/sbin/chpasswd]",
            )

    def policy(self, account: str | None = None) -> PasswordPolicy | None:  # noqa: ARG002  # as ports.Connector
        """Refuse: what PAM asks of passwords stands in no place that is the same everywhere.

        Raises:
            PolicyUntold: Always.
        """
        raise PolicyUntold("a Unix host cannot be asked for its password policy")

    def survey(self, accounts: Sequence[str]) -> Survey:  # noqa: ARG002  # as ports.Connector
        """Tell nothing: this system is not asked about its accounts."""
        return Survey()

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:  # noqa: ARG002  # as ports.Connector
        """Check the channel."""
        return diagnose_by_check(self.check)

    def close(self) -> None:
        """Nothing is kept open."""

    def _line(self, account: str, new: Secret) -> bytes:
        violation = _CONSTRAINTS.violation(new)
        if violation is None and not new.is_unicode():
            violation = "with a character that cannot be written in UTF-8"
        if violation is not None:
            raise PasswordRejected(f"{self._subject(account)}: the password is {violation}")
        return f"{account}:{new.reveal()}\n".encode()

    def _expect_account(self, account: str) -> None:
        if not _NAME.fullmatch(account):
            raise AccountUnknown(f"{self._subject(account)}: no account is spelt so")
        try:
            found = self.session.run(["id", "-u", "--", account], b"")
        except Indeterminate as error:  # it was only asked
            raise Unavailable(error.message) from error
        if found.code == _UNKNOWN_TO_ID:
            raise AccountUnknown(f"{self._subject(account)}: the host has no such account")
        if found.code != 0:
            raise ChannelRefused(f"{self.session}: id ends with exit code {found.code}", words=_words(found))
        if found.output.strip() == _ROOT:
            raise AccountRefused(f"{self._subject(account)}: the password of root is not set this way")

    def _subject(self, account: str) -> str:
        return f"{self.session}, account {account!r}"


def _words(ended: "Ended", *secrets: Secret) -> str:
    return quoted(ended.output.decode("utf-8", "replace"), *secrets)


class UnixType:
    """The connector type ``unix``."""

    name = "unix"
    options: type[BaseModel] = UnixOptions

    def capabilities(self, options: UnixOptions) -> Capabilities:
        """Passwords are set without the old one; they can be verified where accounts may log in by password."""
        return Capabilities(
            can_verify=options.verify, can_read_policy=False, can_survey=False, constraints=_CONSTRAINTS
        )

    def connect(self, options: UnixOptions, resolve: ResolveSecret) -> Connector:
        """Make a connector; nothing is opened before its first use.

        Raises:
            SettingsError: The private key is not there, or is none; or the library is not installed.
        """
        try:
            from controller.connectors.unix.session import Session, private_key
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"the connector type unix needs {error.name}, which is not installed", hint="pip install 'pwsync[unix]'"
            ) from error
        key = private_key(resolve(options.private_key_from), str(options.private_key_from))
        seconds = options.timeout.total_seconds()
        session = Session(options.host, options.port, options.user, options.known_hosts, key, seconds)
        return UnixConnector(session, options.command, self.capabilities(options))


CONNECTOR_TYPE: ConnectorType = UnixType()
