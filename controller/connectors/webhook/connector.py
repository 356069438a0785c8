"""Connector type ``webhook``: a signed POST for each password, to a receiver of your own.

The receiver applies the password and answers; what its answers mean stands in ``answers``. A request that had no
answer is repeated with another id: to set the same password twice must do no harm.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import BaseModel

from controller.connectors.checking import diagnose_by_check
from controller.connectors.webhook.answers import is_done, is_in_force, refusal
from controller.connectors.webhook.exchange import Answer, NoAnswer, Receiver
from controller.connectors.webhook.options import WebhookOptions
from controller.connectors.webhook.sealing import sealed
from controller.connectors.webhook.signing import signature_headers, signing_key
from controller.model.constraints import Capabilities
from controller.model.diagnosis import Finding
from controller.model.errors import Indeterminate, PasswordRejected, PolicyUntold, Rejected, Unavailable
from controller.model.observation import Survey
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.ports.connectors import Connector, ConnectorType, ResolveSecret

_NO_ANSWER = "the request was sent, but there was no answer"


@dataclass(slots=True)
class WebhookConnector:
    """Posts to one receiver. It keeps no connection between calls."""

    receiver: Receiver
    key: bytes
    receiver_key_file: str | None
    capabilities: Capabilities
    now: Callable[[], datetime]

    def set_password(self, account: str, new: Secret) -> None:
        """Post ``password.set``.

        Raises:
            ConnectorError: As ``ports.Connector`` says.
        """
        self._write("password.set", account, password=new)

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Post ``password.change``, with the old password.

        Raises:
            ConnectorError: As ``ports.Connector`` says.
        """
        self._write("password.change", account, password=new, oldPassword=old)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Post ``password.verify``.

        Raises:
            Rejected: The options do not say that the receiver can be asked.
            ConnectorError: As ``ports.Connector`` says.
        """
        if not self.capabilities.can_verify:
            raise Rejected(f"{self.receiver.url} verifies no passwords", hint="verify: true, if it does")
        return is_in_force(self._ask("password.verify", account, password=password), self._subject(account))

    def check(self) -> None:
        """Post ``check``, to which the receiver changes nothing.

        Raises:
            Busy, Unavailable, ChannelRefused: It does not take webhooks of ours now.
        """
        self._ask("check", "")

    def policy(self, account: str | None = None) -> PasswordPolicy | None:  # noqa: ARG002  # as ports.Connector
        """Refuse: a receiver is not asked what it makes of passwords.

        Raises:
            PolicyUntold: Always.
        """
        raise PolicyUntold("the receiver of a webhook cannot be asked for its password policy")

    def survey(self, accounts: Sequence[str]) -> Survey:  # noqa: ARG002  # as ports.Connector
        """Tell nothing: this system is not asked about its accounts."""
        return Survey()

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:  # noqa: ARG002  # as ports.Connector
        """Check the channel."""
        return diagnose_by_check(self.check)

    def close(self) -> None:
        """Nothing is kept open."""

    def _write(self, event: str, account: str, **secrets: Secret) -> None:
        try:
            answer = self._post(event, account, secrets)
        except NoAnswer as error:
            raise Indeterminate(f"{self._subject(account)}: {_NO_ANSWER}: {error}") from error
        if not is_done(answer):
            raise refusal(answer, self._subject(account), self.now(), list(secrets.values()))

    def _ask(self, event: str, account: str, **secrets: Secret) -> Answer:
        subject = self._subject(account)
        try:
            answer = self._post(event, account, secrets)
        except NoAnswer as error:
            raise Unavailable(f"{subject}: {_NO_ANSWER}: {error}") from error
        if is_done(answer):
            return answer
        refused = refusal(answer, subject, self.now(), list(secrets.values()))
        if isinstance(refused, Indeterminate):  # it was only asked
            raise Unavailable(f"{subject}: the receiver failed", directory_code=refused.directory_code)
        raise refused

    def _post(self, event: str, account: str, secrets: dict[str, Secret]) -> Answer:
        at = self.now()
        body = json.dumps(
            {
                "type": event,
                "timestamp": at.isoformat(timespec="seconds"),
                "data": {"account": account, **{name: _text(s, account) for name, s in secrets.items()}},
            }
        ).encode("ascii")
        if self.receiver_key_file is not None:
            body = sealed(body, self.receiver_key_file)
        headers = {"Content-Type": "application/json", "User-Agent": "pwsync", "Connection": "close"}
        return self.receiver.post(body, {**headers, **signature_headers(self.key, str(uuid4()), at, body)})

    def _subject(self, account: str) -> str:
        return f"{self.receiver.url}, account {account}" if account else self.receiver.url


def _text(secret: Secret, account: str) -> str:
    if not secret.is_unicode():
        raise PasswordRejected(f"the password of {account!r} has a character that UTF-8 cannot express")
    return secret.reveal()


class WebhookType:
    """The connector type ``webhook``."""

    name = "webhook"
    options: type[BaseModel] = WebhookOptions

    def capabilities(self, options: WebhookOptions) -> Capabilities:
        """Passwords are set without the old one; whether they can be verified is up to the receiver."""
        return Capabilities(can_verify=options.verify, can_read_policy=False, can_survey=False)

    def connect(self, options: WebhookOptions, resolve: ResolveSecret) -> Connector:
        """Make a connector; nothing is opened before its first use.

        Raises:
            SettingsError: The secret is not there, or is none.
        """
        key = signing_key(resolve(options.secret_from), str(options.secret_from))
        receiver = Receiver(options.url, options.ca_file, options.timeout.total_seconds())
        return WebhookConnector(
            receiver, key, options.receiver_key_file, self.capabilities(options), lambda: datetime.now(UTC)
        )


CONNECTOR_TYPE: ConnectorType = WebhookType()
