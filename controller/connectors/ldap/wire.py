"""One connection: sends a request and reads its answer, in lockstep, within a deadline.

ldap3's codec is used without its ``Connection``: that one keeps the bind password, follows the same path for
requests that were and were not sent, and leaves sockets open when connecting fails.
"""

import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ldap3.strategy.base import BaseStrategy
from ldap3.utils.asn1 import decode_message_fast

from controller.connectors.ldap import requests, tls
from controller.connectors.ldap.endpoint import Endpoint, Patience
from controller.connectors.ldap.errors import clean
from controller.connectors.ldap.messages import Answer, Entry
from controller.connectors.ldap.requests import Request
from controller.model.errors import ChannelRefused, Unavailable

_CHUNK = 65536
_SEQUENCE = 0x30
_LARGEST_ANSWER = 64 * 1024 * 1024
_UNSOLICITED = 0
_SEARCH_ENTRY, _SEARCH_REFERENCE, _INTERMEDIATE = 4, 19, 25

_Element = tuple[int, bool, int, Any]
"""What ldap3's fast decoder makes of one BER element: class, constructed, tag, value."""


class NotSent(Exception):
    """The request did not go out as a whole, so that the directory cannot have carried it out."""


class NoAnswer(Exception):
    """The request went out, but no answer to it that can be read came back."""


class TimedOut(NoAnswer):
    """No answer within the deadline."""


class Wire:
    """One connection to a directory, secured, not yet bound.

    Raises:
        Unavailable, ChannelRefused: As ``tls`` says, or the directory refuses startTLS.
    """

    def __init__(self, endpoint: Endpoint, patience: Patience) -> None:
        self._patience = patience
        self._received = b""
        self._message_id = 0
        self._in_flight = False
        self._socket = tls.connect(endpoint, patience)
        with self._closed_on_error():
            if endpoint.start_tls:
                self._ask_for_tls(endpoint)
            self._socket = self._secured = tls.secure(self._socket, endpoint)

    def certificate_ends(self) -> str:
        """Until when the server's certificate is valid, as OpenSSL writes it."""
        return str((self._secured.getpeercert() or {})["notAfter"])

    def is_usable(self) -> bool:
        """Tell whether the directory still holds the connection, without sending anything."""
        if self._in_flight or self._received:
            return False
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except (ssl.SSLWantReadError, BlockingIOError):
            return True
        except OSError:
            return False
        return False  # closed, or a notice of disconnection (RFC 4511 section 4.4.1)

    def send(self, request: Request) -> None:
        """Send one request.

        Raises:
            NotSent: It did not go out; the connection is of no further use.
        """
        self._message_id += 1
        encoded = request.encoded(self._message_id)
        self._in_flight = True
        self._socket.settimeout(self._patience.answer.total_seconds())
        try:
            self._socket.sendall(encoded)
        except OSError as error:
            raise NotSent(str(error)) from error

    def receive(self) -> tuple[list[Entry], Answer]:
        """Read the answer to the request that was sent last, with the entries that precede it.

        Raises:
            NoAnswer: None came within the deadline, or none that can be read; the connection is of no further use.
        """
        deadline = time.monotonic() + self._patience.answer.total_seconds()
        entries: list[Entry] = []
        with _unreadable_as_no_answer():
            while True:
                message = _decoded(self._next_message(deadline))
                if message["messageID"] != self._message_id:
                    raise NoAnswer(_out_of_turn(message))
                match message["protocolOp"]:
                    case int(kind) if kind == _SEARCH_ENTRY:
                        entries.append(_entry(message["payload"]))
                    case int(kind) if kind in {_SEARCH_REFERENCE, _INTERMEDIATE}:
                        continue  # referrals are not followed: they would take passwords to servers nobody declared
                    case _:
                        answer = _answer(message["payload"], message["controls"])
                        self._in_flight = False
                        return entries, answer

    def close(self) -> None:
        """Say good-bye and close; no error when the connection is already gone."""
        with suppress(NotSent):  # the directory left first
            if not self._in_flight:
                self.send(requests.unbind())
        self._socket.close()

    def _ask_for_tls(self, endpoint: Endpoint) -> None:
        try:
            self.send(requests.start_tls())
            _, answer = self.receive()
        except (NotSent, NoAnswer) as error:
            raise Unavailable(f"{endpoint} did not answer startTLS: {error}") from error
        if not answer.is_success:
            raise ChannelRefused(
                f"{endpoint} refuses startTLS: {answer.name}",
                words=clean(answer.words, ()),
                hint="does it have a certificate?",
            )
        if self._received:  # else it would pass for answers that came over TLS (RFC 4511 section 4.14.1)
            raise ChannelRefused(
                f"{endpoint} sent more than its answer to startTLS before TLS began",
                hint="someone between here and the directory may be inserting answers; use ldaps://",
            )
        self._socket.settimeout(self._patience.connect.total_seconds())

    def _next_message(self, deadline: float) -> bytes:
        while True:
            if self._received and self._received[0] != _SEQUENCE:
                raise NoAnswer("what came back is not LDAP")
            size = _announced_size(self._received)
            if size > _LARGEST_ANSWER:
                raise NoAnswer(f"an answer of {size} bytes is announced")
            if 0 <= size <= len(self._received):
                message, self._received = self._received[:size], self._received[size:]
                return message
            self._received += self._read(deadline)

    def _read(self, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._timed_out()
        self._socket.settimeout(left)
        try:
            chunk = self._socket.recv(_CHUNK)
        except TimeoutError as error:
            raise self._timed_out() from error
        except OSError as error:
            raise NoAnswer(f"the connection broke: {error}") from error
        if not chunk:
            raise NoAnswer("the directory closed the connection")
        return chunk

    def _timed_out(self) -> TimedOut:
        return TimedOut(f"no answer within {self._patience.answer.total_seconds():g} s")

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._socket.close()
            raise


def _decoded(message: bytes) -> dict[str, Any]:
    return dict(decode_message_fast(message))  # type: ignore[no-untyped-call]  # bare in the stubs


def _announced_size(data: bytes) -> int:
    """Size of the message that *data* begins; -1 when there is too little to tell."""
    return int(BaseStrategy.compute_ldap_message_size(data))  # type: ignore[no-untyped-call]  # bare in the stubs


@contextmanager
def _unreadable_as_no_answer() -> Iterator[None]:
    try:
        yield
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise NoAnswer(f"the answer cannot be read ({type(error).__name__})") from error


def _out_of_turn(message: dict[str, Any]) -> str:
    if message["messageID"] == _UNSOLICITED:
        return f"the directory ended the connection: {_answer(message['payload'], None).name}"
    return "the directory answered another request"


def _answer(payload: Sequence[_Element], controls: Sequence[_Element] | None) -> Answer:
    code, _, words = (element[3] for element in payload[:3])
    return Answer(int(code), words.decode("utf-8", "replace"), dict(_control(element[3]) for element in controls or ()))


def _control(elements: Sequence[_Element]) -> tuple[str, bytes]:
    """Object identifier and value; the criticality between them, if sent, means nothing in an answer."""
    values = [value for _, _, _, value in elements]
    return values[0].decode("ascii"), values[-1] if isinstance(values[-1], bytes) and len(values) > 1 else b""


def _entry(payload: Sequence[_Element]) -> Entry:
    dn, attributes = payload[0][3], payload[1][3]
    found: dict[str, tuple[bytes, ...]] = {}
    for _, _, _, (name, values) in attributes:
        found[name[3].decode("ascii").lower()] = tuple(value for _, _, _, value in values[3])
    return Entry(dn.decode("utf-8"), found)
