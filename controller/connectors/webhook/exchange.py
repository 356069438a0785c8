"""One request over HTTPS and its answer, within a time limit. No redirect is followed, and no proxy is used."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage, HTTPSConnection
from threading import Timer
from urllib.parse import urlsplit

from controller.connectors.webhook.options import HTTPS_PORT
from controller.model.errors import ChannelRefused, Unavailable

LONGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read; what goes on is cut off."""
_CONNECT_SECONDS = 10.0


class NoAnswer(Exception):
    """The request went out, but no answer to it came back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status (RFC 9110), headers, and the beginning of its body."""

    status: int
    headers: HTTPMessage = field(default_factory=HTTPMessage)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where to post.

    Attributes:
        seconds: For the whole exchange once it is connected.
    """

    url: str
    ca_file: str | None
    seconds: float

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post *body* and read the answer.

        Raises:
            ChannelRefused: The certificate is not accepted, or TLS cannot be agreed on.
            Unavailable: It cannot be reached; the request did not go out as a whole.
            NoAnswer: The request went out, and no answer that can be read came within the time limit.
        """
        with closing(self._connect()) as connection, _ended_after(self.seconds, connection):
            parts = urlsplit(self.url)
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            try:
                connection.request("POST", target, body, dict(headers))
            except (OSError, HTTPException) as error:
                raise Unavailable(f"{self.url}: the request could not be sent: {error}") from error
            try:
                with connection.getresponse() as response:
                    return Answer(response.status, response.headers, response.read(LONGEST_ANSWER))
            except (OSError, HTTPException) as error:
                raise NoAnswer(str(error) or type(error).__name__) from error

    def _connect(self) -> HTTPSConnection:
        parts = urlsplit(self.url)
        context = _trust(self.url, self.ca_file)
        seconds = min(self.seconds, _CONNECT_SECONDS)
        connection = HTTPSConnection(parts.hostname or "", parts.port or HTTPS_PORT, timeout=seconds, context=context)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise ChannelRefused(
                f"the certificate of {self.url} is not accepted: {error.verify_message}",
                hint="caFile must hold the authority that signed it, and url the host name that it is for",
            ) from error
        except (OSError, UnicodeError) as error:  # TLS that broke off among them: that may be a restart
            raise Unavailable(
                f"{self.url} cannot be reached: {error}", hint="check the name, the port and the firewall"
            ) from error
        return connection


def _trust(url: str, ca_file: str | None) -> ssl.SSLContext:
    """Made anew each time: CA files are replaced on disk."""
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ChannelRefused(
            f"the caFile {ca_file} of {url} cannot be used: {error}",
            hint="it must be a readable file of certificates in PEM form",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def _ended_after(seconds: float, connection: HTTPSConnection) -> Iterator[None]:
    """End the connection after *seconds*, however slowly it goes on: timeouts of sockets are for each read alone."""
    connection.sock.settimeout(seconds)
    timer = Timer(seconds, _end, [connection.sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(connected: socket.socket) -> None:
    try:
        socket.socket.shutdown(connected, socket.SHUT_RDWR)  # of the socket below TLS: what reads from it finds its end
    except OSError:
        return  # it has ended by itself
