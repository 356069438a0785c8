"""One connection, spoken to by hand over a pair of Unix sockets: what was sent, what was answered, what was not."""

import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from controller.connectors.ldap import requests, tls
from controller.connectors.ldap.endpoint import Endpoint, Patience
from controller.connectors.ldap.messages import Answer, Entry
from controller.connectors.ldap.wire import NoAnswer, NotSent, TimedOut, Wire
from controller.model.errors import ChannelRefused, Unavailable

_PATIENCE = Patience(answer=timedelta(milliseconds=200))
_BIND = requests.bind("cn=a", b"Hidden-1")


def tlv(tag: int, *parts: bytes) -> bytes:
    """One BER element with a short or two-byte length."""
    content = b"".join(parts)
    length = bytes([len(content)]) if len(content) < 128 else b"\x82" + len(content).to_bytes(2, "big")
    return bytes([tag]) + length + content


def result(message_id: int, operation: int = 0x61, code: int = 0, words: bytes = b"", more: bytes = b"") -> bytes:
    """An LDAPMessage with an LDAPResult, by default the answer to a bind."""
    body = tlv(0x0A, bytes([code])) + tlv(0x04) + tlv(0x04, words)
    return tlv(0x30, tlv(0x02, bytes([message_id])), tlv(operation, body), more)


def entry(message_id: int) -> bytes:
    attribute = tlv(0x30, tlv(0x04, b"Mail"), tlv(0x31, tlv(0x04, b"a@x"), tlv(0x04, b"\xff")))
    return tlv(0x30, tlv(0x02, bytes([message_id])), tlv(0x64, tlv(0x04, "cn=ü".encode()), tlv(0x30, attribute)))


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Our end and the directory's end."""
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(tls, "connect", lambda *_: ours)
    monkeypatch.setattr(tls, "secure", lambda plain, _: plain)
    with closing(ours), closing(theirs):
        yield ours, theirs


@pytest.fixture
def directory(ends: tuple[socket.socket, socket.socket]) -> socket.socket:
    return ends[1]


@pytest.fixture
def connection(directory: socket.socket) -> Iterator[Wire]:
    assert directory.fileno() != -1
    with closing(_wire()) as opened:
        yield opened


def _wire(*, start_tls: bool = False) -> Wire:
    return Wire(Endpoint("host", 1, start_tls, None), _PATIENCE)


def test_an_answer_is_read_with_code_words_and_controls(connection: Wire, directory: socket.socket) -> None:
    value = tlv(0x30, tlv(0x04, b"1.2.3"), tlv(0x01, b"\xff"), tlv(0x04, b"value"))
    plain = tlv(0x30, tlv(0x04, b"1.2.4"))
    directory.sendall(result(1, code=49, words=b"no \xff", more=tlv(0xA0, value, plain)))
    connection.send(_BIND)

    assert connection.receive() == ([], Answer(49, "no \ufffd", {"1.2.3": b"value", "1.2.4": b""}))


def test_entries_come_before_the_result_and_references_are_not_followed(
    connection: Wire, directory: socket.socket
) -> None:
    reference = tlv(0x30, tlv(0x02, b"\x01"), tlv(0x73, tlv(0x04, b"ldap://elsewhere")))
    directory.sendall(entry(1) + reference + entry(1) + result(1, operation=0x65))
    connection.send(requests.search("", "(a=*)", ["1.1"], scope="base"))

    found = Entry("cn=ü", {"mail": (b"a@x", b"\xff")})
    assert connection.receive() == ([found, found], Answer(0))
    assert (found.text("mail"), found.text("cn")) == ("a@x", None)


def test_an_answer_may_come_in_pieces(connection: Wire, directory: socket.socket) -> None:
    whole = result(1, words=b"x" * 300)
    directory.sendall(whole[:3])
    connection.send(_BIND)
    directory.sendall(whole[3:])

    assert connection.receive()[1].words == "x" * 300


def test_silence_ends_at_the_deadline(connection: Wire, directory: socket.socket) -> None:
    directory.sendall(result(1)[:5])
    connection.send(_BIND)

    with pytest.raises(TimedOut, match=r"no answer within 0\.2 s"):
        connection.receive()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is not LDAP"),
        (b"\x30\x84\x7f\xff\xff\xff", "bytes is announced"),
        (result(9), "answered another request"),
        (result(0, operation=0x78, code=52), "ended the connection: unavailable"),
        (tlv(0x30, tlv(0x02, b"\x01"), tlv(0x61, tlv(0x0A, b"\x00"))), "cannot be read"),
        (tlv(0x30, tlv(0x02, b"\x01"), tlv(0x61, tlv(0xA9, b"\x00"))), "cannot be read"),
    ],
)
def test_what_cannot_be_an_answer_is_none(connection: Wire, directory: socket.socket, sent: bytes, why: str) -> None:
    directory.sendall(sent)
    connection.send(_BIND)

    with pytest.raises(NoAnswer, match=why):
        connection.receive()
    assert not connection.is_usable()


def test_a_connection_closed_while_waiting_gives_no_answer(connection: Wire, directory: socket.socket) -> None:
    connection.send(_BIND)
    directory.shutdown(socket.SHUT_RDWR)

    with pytest.raises(NoAnswer, match="closed the connection"):
        connection.receive()


def test_a_request_on_a_broken_connection_is_not_sent(connection: Wire, directory: socket.socket) -> None:
    directory.close()

    with pytest.raises(NotSent):
        connection.send(_BIND)


def test_an_unused_connection_knows_whether_the_directory_is_still_there(
    connection: Wire, directory: socket.socket
) -> None:
    assert connection.is_usable()
    directory.sendall(result(0, operation=0x78, code=52))
    assert not connection.is_usable()


def test_a_connection_whose_answer_is_outstanding_is_not_used_again(connection: Wire) -> None:
    connection.send(_BIND)

    assert not connection.is_usable()


def test_closing_says_good_bye(directory: socket.socket) -> None:
    _wire().close()

    assert directory.recv(100) == tlv(0x30, tlv(0x02, b"\x01"), b"\x42\x00")
    assert directory.recv(100) == b""


def test_tls_begins_after_the_directory_agreed(directory: socket.socket) -> None:
    directory.sendall(result(1, operation=0x78))

    with closing(_wire(start_tls=True)) as opened:
        assert opened.is_usable()
    assert b"1.3.6.1.4.1.1466.20037" in directory.recv(100)


def test_a_directory_that_refuses_tls_is_not_spoken_to(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    theirs.sendall(result(1, operation=0x78, code=2, words=b"unsupported"))

    with pytest.raises(ChannelRefused, match="refuses startTLS: protocolError") as caught:
        _wire(start_tls=True)
    assert caught.value.words == "unsupported"
    assert ours.fileno() == -1


def test_words_sent_before_tls_are_made_harmless_and_short(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[1].sendall(result(1, operation=0x78, code=2, words=b"no\x1b[2J\n" + b"x" * 60_000))

    with pytest.raises(ChannelRefused) as caught:
        _wire(start_tls=True)
    assert caught.value.words.startswith("no [2J xxx")
    assert len(caught.value.words) == 500


@pytest.mark.parametrize("inserted", [result(2), b"\x30"], ids=["a whole answer", "a part of one"])
def test_an_answer_inserted_before_tls_never_counts_as_one_that_came_over_tls(
    ends: tuple[socket.socket, socket.socket], inserted: bytes
) -> None:
    ours, theirs = ends
    theirs.sendall(result(1, operation=0x78) + inserted)

    with pytest.raises(ChannelRefused, match="before TLS began"):
        _wire(start_tls=True)
    assert ours.fileno() == -1


def test_a_directory_that_does_not_answer_the_wish_for_tls_is_unavailable(directory: socket.socket) -> None:
    with pytest.raises(Unavailable, match="did not answer startTLS"):
        _wire(start_tls=True)
    assert b"1.3.6.1.4.1.1466.20037" in directory.recv(100)
