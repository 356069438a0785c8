"""What slapd's ``sock`` tells (slapd-sock(5)): operations that may set a password, and how they ended. Pure."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from controller.model.errors import InvalidInput
from controller.model.secret import Secret

PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"  # noqa: S105  # an object identifier (RFC 3062)
_ATTRIBUTE = "userpassword"
_SEQUENCE, _NEW = 0x30, 0x82
_LONG_LENGTH, _MOST_LENGTH_BYTES = 0x80, 4
_LINE = re.compile(rb"[^\n]+(?:\n [^\n]*)*")
_HASHED = re.compile(r"\{[A-Za-z0-9./_-]+\}")

Line = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class OperationId:
    """Names an operation among those of all connections."""

    connection: str
    message: str


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """An operation that will set a password, should it succeed."""

    id: OperationId
    dn: str
    password: Secret


@dataclass(frozen=True, slots=True)
class PasswordAnnounced:
    """A password of RFC 3062: slapd sets it by a modification of the same id, which names the entry, or not at all."""

    id: OperationId
    password: Secret


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An operation that will set a password in a form that cannot be read.

    Attributes:
        why: In words.
    """

    id: OperationId
    dn: str
    why: str


@dataclass(frozen=True, slots=True)
class OtherOperation:
    """An operation that sets no password yet."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An operation has ended."""

    id: OperationId
    is_success: bool


Told = PasswordSet | PasswordAnnounced | Unreadable | OtherOperation | Ended


def read_told(content: bytes) -> Told:
    """Read what slapd sends over one connection.

    Raises:
        InvalidInput: It is of another form.
    """
    match content.partition(b"\n")[0].strip():
        case b"ADD":
            return _add(content)
        case b"MODIFY":
            return _modify(content)
        case b"EXTENDED":
            return _extended(content)
        case b"RESULT":
            return Ended(_id(content), _one(content, "code") == b"0")
        case _:
            return OtherOperation()


def _add(content: bytes) -> Told:
    """A new entry is LDIF, the first line after the suffixes its DN."""
    password = next((value for name, value in _lines(content) if name.casefold() == _ATTRIBUTE), None)
    return OtherOperation() if password is None else _password_set(content, password)


def _modify(content: bytes) -> Told:
    password, attribute = None, b""
    for name, value in _lines(content):
        if name in {"add", "replace", "delete"}:
            attribute = value if name != "delete" else b""
        elif name.casefold() == _ATTRIBUTE and attribute.lower() == _ATTRIBUTE.encode():
            password = value
    if password is None:
        return OtherOperation()
    return _password_set(content, password)


def _extended(content: bytes) -> Told:
    if _one(content, "oid") != PASSWORD_MODIFY.encode():
        return OtherOperation()
    password = read_password_modify(_decoded(_one(content, "value")))
    try:
        text = None if password is None else password.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None:  # the server makes one up, or nobody can be told of it: the modification that follows is hashed
        return OtherOperation()
    return PasswordAnnounced(_id(content), Secret(text))


def _password_set(content: bytes, password: bytes) -> Told:
    operation, dn = _id(content), _utf8(_one(content, "dn"))
    try:
        text = password.decode("utf-8")
    except UnicodeDecodeError:
        return Unreadable(operation, dn, "it is not UTF-8")
    if _HASHED.match(text):
        return Unreadable(operation, dn, "it was hashed before it was sent, or made up by the server")
    return PasswordSet(operation, dn, Secret(text))


def read_password_modify(value: bytes) -> bytes | None:
    """The new password of RFC 3062, section 2; None when there is none.

    Raises:
        InvalidInput: It is no such value.
    """
    new = None
    for outer_tag, outer in ber_elements(value):
        if outer_tag != _SEQUENCE:
            raise InvalidInput("the value of a password modify operation is no sequence")
        for tag, content in ber_elements(outer):
            new = content if tag == _NEW else new
    return new


def ber_elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and contents of BER (X.690) with lengths of the definite form."""
    at = 0
    while at < len(data):
        tag, at = data[at], at + 2
        length = data[at - 1] if at <= len(data) else -1
        if length >= _LONG_LENGTH:
            count = length - _LONG_LENGTH
            length = int.from_bytes(data[at : at + count]) if 0 < count <= _MOST_LENGTH_BYTES else -1
            at += count
        if length < 0 or at + length > len(data):
            raise InvalidInput("a value of BER is cut off")
        yield tag, data[at : at + length]
        at += length


def _id(content: bytes) -> OperationId:
    """The id, which must stand before all that a client can put into names: a name may have line breaks.

    Raises:
        InvalidInput: slapd is set up otherwise.
    """
    head = list(islice(_lines(content), 2))
    if [name for name, _ in head] != ["msgid", "connid"]:
        raise InvalidInput("slapd does not tell 'msgid' and 'connid' alone first", hint="write 'extensions connid'")
    return OperationId(_utf8(head[1][1]), _utf8(head[0][1]))


def _lines(content: bytes) -> Iterator[Line]:
    """The lines after the first, unfolded, one after the other: there may be millions."""
    for found in _LINE.finditer(content, content.find(b"\n") + 1):
        name, separator, value = found[0].replace(b"\n ", b"").partition(b":")
        if separator:
            is_encoded = value.startswith(b":")
            yield name.decode("ascii", "replace"), _decoded(value[1:]) if is_encoded else value.removeprefix(b" ")


def _one(content: bytes, name: str) -> bytes:
    return next((value for found, value in _lines(content) if found == name), b"")


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise InvalidInput("slapd sent a value that is no base64") from None


def _utf8(value: bytes) -> str:
    return value.decode("utf-8", "replace")
