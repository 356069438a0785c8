"""HTTP to the controller, with the standard library alone: connections that stay open, TLS that is always verified."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from socket import SHUT_RDWR, socket
from threading import Lock
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from controller.sdk.errors import ControllerAway, Unusable

CONNECT_SECONDS = 10.0
MOST_BYTES = 1024 * 1024
"""No answer of the controller is nearly as long."""
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    Attributes:
        retry_after: Its header ``Retry-After`` in seconds; 0 without one.
    """

    status: int
    body: bytes = b""
    retry_after: float = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A call. Headers and body hold secrets, and are not shown.

    Attributes:
        seconds: How long the answer may take.
        may_wait: Whether it waits for something to happen, so that it can be interrupted.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    seconds: float = 30
    may_wait: bool = False


class Transport(Protocol):
    """Carries calls to the controller. Used by several threads."""

    def send(self, request: Request) -> Answer:
        """Make a call.

        Raises:
            ControllerAway: There was no answer; the call may have arrived.
        """

    def interrupt(self) -> None:
        """End the call that waits, and let none wait from now on. May be called in a signal handler."""

    def close(self) -> None:
        """Give back the connections."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Proves who the adapter is, instead of or beside a token.

    Attributes:
        key_file: The private key; None when it stands in *file* too. It has no passphrase.
    """

    file: str | Path
    key_file: str | Path | None = None


class Controller:
    """The controller at an address. Clear text is spoken to this machine only, since answers hold passwords."""

    def __init__(
        self, url: str, *, ca_file: str | Path | None = None, certificate: ClientCertificate | None = None
    ) -> None:
        """Take the address; no connection is opened yet.

        Args:
            url: ``https://pwsync.example.com:8443``.
            ca_file: Authorities that may have signed its certificate; the system's own when absent.
            certificate: Of the adapter.

        Raises:
            Unusable: The address or a file cannot be used.
        """
        parts = _address(url)
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._tls = _context(ca_file, certificate) if parts.scheme == "https" else None
        self._idle: list[HTTPConnection] = []
        self._lock = Lock()
        self._waiting: socket | None = None
        self._is_interrupted = False

    def send(self, request: Request) -> Answer:
        """Make a call, over a connection that is open already where there is one."""
        kept = self._take()
        try:
            return self._exchange(kept or self._connect(), request)
        except (OSError, HTTPException) as error:
            if kept is None or not isinstance(error, ConnectionError | ssl.SSLEOFError):
                raise self._away(error) from error
        try:  # the controller had closed that connection: every call may be made twice
            return self._exchange(self._connect(), request)
        except (OSError, HTTPException) as error:
            raise self._away(error) from error

    def interrupt(self) -> None:
        """End the call that waits: it takes no lock, since a signal may have come in the middle of anything."""
        self._is_interrupted = True
        waiting = self._waiting
        if waiting is not None:
            try:
                socket.shutdown(waiting, SHUT_RDWR)  # of the socket below TLS: what waits for it reads its end
            except OSError:
                return  # it has ended by itself

    def close(self) -> None:
        """Give back the connections."""
        while (connection := self._take()) is not None:
            connection.close()

    def _take(self) -> HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _connect(self) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        return HTTPSConnection(self._host, self._port, timeout=CONNECT_SECONDS, context=self._tls)

    def _exchange(self, connection: HTTPConnection, request: Request) -> Answer:
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(request.seconds)
            if request.may_wait:
                self._let_wait(connection.sock)
            connection.request(request.method, request.path, body=request.body, headers=dict(request.headers))
            response = connection.getresponse()
            body = _content(response)
        except BaseException:
            connection.close()
            raise
        finally:
            if request.may_wait:
                self._waiting = None
        with self._lock:
            self._idle.append(connection)
        return Answer(response.status, body, _seconds(response.getheader("Retry-After", "")))

    def _let_wait(self, sock: socket) -> None:
        self._waiting = sock
        if self._is_interrupted:
            raise InterruptedError("the adapter ends")

    def _away(self, error: Exception) -> ControllerAway:
        words = str(error) or type(error).__name__
        return ControllerAway(f"the controller at {self._host}:{self._port} gives no answer: {words}")


def _content(response: HTTPResponse) -> bytes:
    content = response.read(MOST_BYTES)
    if not response.isclosed():
        raise HTTPException("the answer is cut off, or too long")
    return content


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_plain = parts.port is None or parts.port > 0
    except ValueError:
        raise Unusable("the address of the controller cannot be read", hint=_EXAMPLE) from None
    if parts.scheme not in _PORTS or not parts.hostname or not is_plain:
        raise Unusable("the address of the controller is not a web address", hint=_EXAMPLE)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise Unusable("the address of the controller has more than scheme, host and port", hint=_EXAMPLE)
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise Unusable(
            "the controller is on another machine, and others could read what goes there",
            hint="use https://; for an authority of your own, give its certificate too (caFile)",
        )
    return parts


_EXAMPLE = "for example https://pwsync.example.com:8443"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _context(ca_file: str | Path | None, certificate: ClientCertificate | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ValueError) as error:
        words = f"the authorities in {ca_file} cannot be read"
        raise Unusable(words, hint=_cause(error, "PEM, certificates alone")) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        try:
            context.load_cert_chain(certificate.file, certificate.key_file, password="")  # never asks the terminal
        except (OSError, ValueError) as error:
            words = f"the certificate in {certificate.file} cannot be used"
            raise Unusable(words, hint=_cause(error, "PEM, with a key that fits and has no passphrase")) from error
    return context


def _cause(error: OSError | ValueError, wanted: str) -> str:
    words = isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror
    return f"{wanted} ({words or type(error).__name__})"


def _seconds(text: str) -> float:
    """A count of seconds; the other form, a date, says nothing that matters here."""
    return float(text) if text.isascii() and text.isdigit() else 0.0
