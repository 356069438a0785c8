"""A receiver of webhooks over HTTPS: verifies signatures by itself, opens sealed bodies, keeps accounts in memory."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.servers.certificates import LOOPBACK_NAMES, Authority

SECRET = "whsec_" + base64.b64encode(b"a key that both sides have got: 32b").decode()
SHORTEST = 8
_TOLERANCE = 300
_DRIP = 0.1
_INFO = b"pwsync.webhook.v1"


@dataclass
class Scripted:
    """An answer that comes instead of the receiver's own one."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Receiver:
    """Takes webhooks on a free port of 127.0.0.1.

    Attributes:
        accounts: Account name -> password in force.
        scripted: The next answers, one for each request; what they answer is not carried out.
        requests: Headers and bodies as they came.
        drips: Answers come one byte after another, for ever.
        is_silent: What comes is carried out, and the connection ended without an answer.
    """

    def __init__(self, folder: Path) -> None:
        self.accounts: dict[str, str] = {}
        self.scripted: list[Scripted] = []
        self.requests: list[tuple[Mapping[str, str], bytes]] = []
        self.is_silent = False
        self.drips = False
        self.private_key = X25519PrivateKey.generate()
        self.key_file = folder / "receiver.pem"
        public = self.private_key.public_key()
        self.key_file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        authority = Authority(folder / "authority")
        self.ca_file = authority.ca_file
        certificate = authority.issue(*LOOPBACK_NAMES)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Within the block nothing is answered."""
        self.is_silent = True
        try:
            yield
        finally:
            self.is_silent = False

    def answer(self, headers: Mapping[str, str], body: bytes) -> Scripted:
        """Carry out one request."""
        self.requests.append((headers, body))
        if self.scripted:
            return self.scripted.pop(0)
        if not _is_signed(headers, body):
            return Scripted(401, b'{"message": "bad signature"}')
        message = json.loads(body)
        if "sealed" in message:
            suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
            message = json.loads(suite.decrypt(base64.b64decode(message["sealed"]), self.private_key, _INFO))
        return self._carry_out(message["type"], message["data"])

    def _carry_out(self, event: str, data: Mapping[str, Any]) -> Scripted:
        if event == "check":
            return Scripted(204)
        account, password = data["account"], data["password"]
        if account not in self.accounts:
            return _refused("accountUnknown", f"no {account}")
        if event == "password.verify":
            return Scripted(200, json.dumps({"inForce": self.accounts[account] == password}).encode())
        if event == "password.change" and self.accounts[account] != data["oldPassword"]:
            return _refused("oldPasswordWrong", "the old one is another")
        if len(password) < SHORTEST:
            return _refused("passwordRejected", f"'{password}' is too short")
        self.accounts[account] = password
        return Scripted(204)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is part of the tests."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver.answer({k.lower(): v for k, v in self.headers.items()}, body)
            if receiver.is_silent:
                with suppress(OSError):
                    socket.socket.shutdown(self.connection, socket.SHUT_RDWR)
                self.close_connection = True
                return
            if receiver.drips:
                self._drip()
            else:
                self._send(answer)

        def _send(self, answer: Scripted) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def _drip(self) -> None:
            """Send an answer so slowly that it never comes to its end, until the client has had enough."""
            with suppress(OSError):
                for byte in b"HTTP/1.1 204 " + b"x" * 1000:
                    self.wfile.write(bytes([byte]))
                    time.sleep(_DRIP)
            self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # as the base class has it
            """Write no log."""

    return Handler


def _refused(code: str, message: str) -> Scripted:
    return Scripted(422, json.dumps({"code": code, "message": message}).encode())


def _is_signed(headers: Mapping[str, str], body: bytes) -> bool:
    """As the Standard Webhooks specification says, not as our connector does it."""
    timestamp, key = headers["webhook-timestamp"], base64.b64decode(SECRET.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{timestamp}.{body.decode()}"
    expected = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    is_new = abs(time.time() - int(timestamp)) < _TOLERANCE
    return is_new and f"v1,{expected}" in headers["webhook-signature"].split(" ")
