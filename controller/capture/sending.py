"""Hands one captured change to the first controller that answers."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from controller.capture.record import CapturedChange
from controller.capture.settings import CaptureSpec
from controller.model.accounts import WindowsAccount
from controller.sdk.errors import ControllerAway
from controller.sdk.exchange import exchange, read, view_of
from controller.sdk.tokens import TokenFile, TokenSource
from controller.sdk.transport import ClientCertificate, Controller, Request, Transport
from controller.sealing.file_access import refuse_open_file


@dataclass(slots=True)
class Sender:
    """Controllers of one installation, on one store. The one that answered last is asked first."""

    servers: Sequence[Transport]
    token: TokenSource | None
    _first: int = 0

    def send(self, change: CapturedChange) -> str:
        """Report a change; returns its tracking ID once it is durable.

        Raises:
            ControllerAway: None of them answers; the change may have arrived.
            CallRefused: The one that answers does not take it.
            Unusable: There is no token.
        """
        request = _request(change)
        problems: list[ControllerAway] = []
        for step in range(len(self.servers)):
            index = (self._first + step) % len(self.servers)
            try:
                answer = exchange(self.servers[index], self.token, request)
                tracking_id = read(view_of(answer), lambda view: str(view["trackingId"]))
            except ControllerAway as away:
                problems.append(away)
            else:
                self._first = index
                return tracking_id
        words = "; ".join(problem.message for problem in problems)
        raise ControllerAway(words, retry_after=min(problem.retry_after for problem in problems))

    def check_token(self) -> None:
        """See that there is a token, where one is needed; it is read for each change, so that it can be renewed.

        Raises:
            Unusable: There is none.
        """
        if self.token is not None:
            self.token.read()

    def close(self) -> None:
        """Give back the connections."""
        for server in self.servers:
            server.close()


def make_sender(spec: CaptureSpec) -> Sender:
    """Make a sender; no connection is opened yet.

    Raises:
        Unusable: An address or a file cannot be used.
        SettingsError: Every user of this machine can read the token or the key.
    """
    proof = spec.certificate
    if proof is not None:
        _refuse_open(proof.key_file or proof.file, "the key")
    if spec.token_file is not None:
        _refuse_open(spec.token_file, "the token file")
    certificate = None if proof is None else ClientCertificate(proof.file, proof.key_file)
    servers = [Controller(url, ca_file=spec.ca_file, certificate=certificate) for url in spec.servers]
    return Sender(servers, None if spec.token_file is None else TokenFile(spec.token_file))


def _refuse_open(file: str, what: str) -> None:
    path = Path(file)
    try:
        found = path.stat()
    except OSError:
        return  # it may be there when it is needed, and who reads it says otherwise
    refuse_open_file(path, found, what)


def _request(change: CapturedChange) -> Request:
    account = change.account
    if isinstance(account, WindowsAccount):
        path, name = f"/v1/domains/{quote(account.domain, safe='')}/captures", str(account)
    else:
        path, name = f"/v1/adapters/{quote(account.adapter, safe='')}/captures", account.name
    body = {
        "account": name,
        "sealedPassword": base64.b64encode(change.sealed).decode(),
        "occurredAt": change.occurred_at.isoformat(),
    }
    return Request("POST", path, body=json.dumps(body).encode())
