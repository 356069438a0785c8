"""The calls of the HTTP API that an adapter makes, each once: whether to repeat one is for the caller to say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from controller.model.secret import Secret
from controller.sdk.exchange import exchange, read, view_of
from controller.sdk.handlers import Status
from controller.sdk.notifications import Notification, PasswordChange, notification_of
from controller.sdk.tokens import TokenSource
from controller.sdk.transport import Answer, Request, Transport

ANSWER_SECONDS = 30.0
"""How long the controller may take to answer, beside what a call may wait."""


@dataclass(frozen=True, slots=True)
class ReportedChange:
    """What became of a change that was reported.

    Attributes:
        state: ``accepted`` while it is under way, then ``completed``, ``failed`` or ``discarded``.
        reason: Of the end, as a stable name.
        message: The same in words.
    """

    tracking_id: str
    state: str
    reason: str
    message: str


class Calls:
    """The calls of one adapter. All but reports are made in its session.

    Each of them raises ControllerAway, CallRefused (SessionMissing and SessionReplaced are such) and Unusable.
    """

    def __init__(self, transport: Transport, adapter: str, token: TokenSource | None) -> None:
        self._transport = transport
        self._path = f"/v1/adapters/{quote(adapter, safe='')}"
        self._token = token
        self._session = ""

    def initialize(self) -> bool:
        """Begin a session; tell whether there was one already."""
        view = view_of(self._call("POST", "/session"))
        self._session = read(view, lambda v: str(v["session"]))
        return read(view, lambda v: bool(v["reconnected"]))

    def receive(self, wait: int) -> Notification | None:
        """Receive; None when there is nothing within *wait* seconds."""
        path = f"{self._path}/notifications?wait={wait}"
        answer = self._send(Request("GET", path, seconds=wait + ANSWER_SECONDS, may_wait=True))
        return None if answer.status == HTTPStatus.NO_CONTENT else read(view_of(answer), notification_of)

    def complete(self, change: PasswordChange, error_code: int, message: str) -> str:
        """Say what became of a notification; returns the state of its delivery."""
        body = {"errorCode": error_code, "message": message, "account": change.account}
        path = f"/notifications/{quote(change.tracking_id, safe='')}/complete"
        return read(view_of(self._call("POST", path, body)), lambda v: str(v["state"]))

    def report_status(self, status: Status) -> None:
        """Say whether passwords can be handed to the adapter."""
        body = {"online": status.is_online, "errorCode": status.error_code, "message": status.message}
        self._call("POST", "/status", body)

    def shut_down(self) -> int:
        """End the session; tells how many notifications went back unconfirmed."""
        return read(view_of(self._call("DELETE", "/session")), lambda v: int(v["returned"]))

    def report_change(
        self, account: str, password: Secret, old_password: Secret | None, occurred_at: datetime | None
    ) -> str:
        """Report a change that a user of the system has made; returns its tracking ID once it is durable."""
        body = {"account": account, "password": password.reveal()}
        if old_password is not None:
            body["oldPassword"] = old_password.reveal()
        if occurred_at is not None:
            body["occurredAt"] = occurred_at.isoformat()
        return read(view_of(self._call("POST", "/changes", body)), lambda v: str(v["trackingId"]))

    def report_expired(self, account: str) -> list[str]:
        """Say that an account's password has expired; returns the applications whose credentials are marked."""
        view = view_of(self._call("POST", "/expirations", {"account": account}))
        return read(view, lambda v: [str(name) for name in v["applications"]])

    def change(self, tracking_id: str) -> ReportedChange:
        """Read what became of a change that this adapter's principal has reported."""
        view = view_of(self._send(Request("GET", f"/v1/changes/{quote(tracking_id, safe='')}")))
        return read(view, lambda v: ReportedChange(v["trackingId"], v["state"], v["reason"], v["message"]))

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        return self._send(Request(method, self._path + path, body=content))

    def _send(self, request: Request) -> Answer:
        headers = {"Pwsync-Session": self._session} if self._session else {}
        return exchange(self._transport, self._token, replace(request, headers=headers))
