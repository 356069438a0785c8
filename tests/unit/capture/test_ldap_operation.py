"""What slapd tells over its socket, read exactly, and never guessed."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.capture.ldap_operation import (
    Ended,
    OperationId,
    OtherOperation,
    PasswordAnnounced,
    PasswordSet,
    Unreadable,
    read_password_modify,
    read_told,
)
from controller.model.errors import InvalidInput
from controller.model.secret import Secret

DN = "uid=alice,ou=people,dc=example,dc=com"
HEAD = b"msgid: 3\nconnid: 1007\n"
ID = OperationId("1007", "3")


def element(tag: int, content: bytes) -> bytes:
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes(2)
    return bytes([tag, 0x80 + len(length)]) + length + content


def password_modify(identity: bytes | None, old: bytes | None, new: bytes | None) -> bytes:
    parts = [(0x80, identity), (0x81, old), (0x82, new)]
    return element(0x30, b"".join(element(tag, value) for tag, value in parts if value is not None))


def extended(value: bytes, oid: str = "1.3.6.1.4.1.4203.1.11.1") -> bytes:
    return b"EXTENDED\n" + HEAD + f"oid: {oid}\nvalue: ".encode() + base64.b64encode(value) + b"\n\n"


def modify(*lines: bytes) -> bytes:
    return b"MODIFY\n" + HEAD + f"suffix: dc=example,dc=com\ndn: {DN}\n".encode() + b"\n".join(lines) + b"\n\n"


def test_a_password_modify_announces_a_password() -> None:
    for identity, password in ((DN.encode(), "n3w"), (b"dn:" + DN.encode(), "n3w"), (None, "ß" * 100)):
        told = read_told(extended(password_modify(identity, b"old", password.encode())))
        assert told == PasswordAnnounced(ID, Secret(password))


@pytest.mark.parametrize(
    "content",
    [
        extended(b""),
        extended(password_modify(DN.encode(), None, None)),
        extended(password_modify(DN.encode(), None, b"\xff")),
    ],
)
def test_a_password_that_the_server_makes_or_that_cannot_be_read_is_none(content: bytes) -> None:
    assert read_told(content) == OtherOperation()


def test_a_new_entry_may_have_a_password() -> None:
    entry = f"ADD\nmsgid: 3\nconnid: 1007\nsuffix: dc=example,dc=com\ndn: {DN}\nobjectClass: person\nuid: alice\n"
    encoded = base64.b64encode(" n3w ß".encode()).decode()

    assert read_told(f"{entry}userPassword:: {encoded}\n\n".encode()) == PasswordSet(ID, DN, Secret(" n3w ß"))
    assert read_told(f"{entry}\n".encode()) == OtherOperation()


def test_a_modify_that_adds_or_replaces_the_password_sets_it() -> None:
    folded = base64.b64encode(" n3w ß".encode())
    assert read_told(modify(b"replace: userPassword", b"userPassword:: " + folded)) == PasswordSet(
        ID, DN, Secret(" n3w ß")
    )
    both = (b"delete: userPassword", b"userPassword: old", b"-", b"add: userPassword", b"userPassword: n3w", b"-")
    assert read_told(modify(*both)) == PasswordSet(ID, DN, Secret("n3w"))


@pytest.mark.parametrize(
    "content",
    [
        b"MODRDN\n\n",
        extended(b"", "1.2.3"),
        modify(b"replace: description", b"description: userPassword: x"),
        modify(b"delete: userPassword", b"userPassword: old"),
    ],
)
def test_what_sets_no_password_is_passed_over_without_a_word(content: bytes) -> None:
    assert read_told(content) == OtherOperation()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (modify(b"replace: userPassword", b"userPassword: {SSHA512}abc"), "hashed"),
        (modify(b"replace: userPassword", b"userPassword:: " + base64.b64encode(b"\xff")), "UTF-8"),
    ],
)
def test_a_password_that_cannot_be_read_is_said(content: bytes, why: str) -> None:
    told = read_told(content)
    assert isinstance(told, Unreadable)
    assert (told.id, told.dn) == (ID, DN)
    assert why in told.why


@pytest.mark.parametrize(
    "head",
    [
        b"msgid: 3\n",
        b"msgid: 3\nbinddn: uid=eve\nconnid: 1007\n",
        b"msgid: 3\npeername: x\nconnid: 1007\n",
        b"connid: 1007\nmsgid: 3\n",
    ],
)
def test_what_a_client_could_write_stands_behind_the_id(head: bytes) -> None:
    """A name may have line breaks: it must not name the operation of somebody else."""
    for told in (modify(b"replace: userPassword", b"userPassword: x"), b"RESULT\n" + HEAD + b"code: 1\n\n"):
        with pytest.raises(InvalidInput, match="alone first"):
            read_told(told.replace(HEAD, head))


def test_how_an_operation_ended() -> None:
    head = b"RESULT\nmsgid: 3\nconnid: 1007\n"
    assert read_told(head + b"code: 0\n\n") == Ended(ID, is_success=True)
    assert read_told(head + b"code: 53\nmatched: x\n\n") == Ended(ID, is_success=False)


@pytest.mark.parametrize("value", [b"\x30", b"\x30\x05\x80", b"\x30\x80", b"\x30\x85\x01\x01\x01\x01\x01", b"\x04\x00"])
def test_a_value_that_is_cut_off_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_password_modify(value)


def test_a_value_that_is_no_base64_is_refused() -> None:
    with pytest.raises(InvalidInput, match="base64"):
        read_told(modify(b"replace: userPassword", b"userPassword:: ???"))


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(content: bytes) -> None:
    with suppress(InvalidInput):
        assert isinstance(read_told(content), PasswordSet | PasswordAnnounced | Unreadable | OtherOperation | Ended)
    with suppress(InvalidInput):
        assert isinstance(read_password_modify(content), bytes | None)
