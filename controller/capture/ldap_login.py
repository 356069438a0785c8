"""Logs in to slapd on this machine, to see whether a password is in force, and of which entry.

A simple bind (RFC 4513), and "Who am I?" (RFC 4532), over ldapi.

The socket is a file of this machine, so that nothing crosses a network in clear.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from controller.capture.ldap_operation import ber_elements
from controller.model.errors import InvalidInput, SettingsError
from controller.model.secret import Secret

_SEQUENCE, _INTEGER, _OCTETS, _BIND, _BIND_ANSWER, _SIMPLE, _UNBIND = 0x30, 0x02, 0x04, 0x60, 0x61, 0x80, 0x42
_EXTENDED, _EXTENDED_ANSWER, _NAME, _VALUE = 0x77, 0x78, 0x80, 0x8B
_WHO_AM_I = b"1.3.6.1.4.1.4203.1.11.3"
_SHORT = 0x80
_SUCCESS = b"\x00"
_SECONDS = 10.0
_LARGEST = 65536


@dataclass(frozen=True, slots=True)
class Login:
    """An entry and the password that is said to open it."""

    dn: str
    password: Secret


@dataclass(frozen=True, slots=True)
class LoginSocket:
    """Where slapd listens for ldapi."""

    path: Path

    def opens(self, login: Login) -> str | None:
        """The DN of the entry that the password opens, None when slapd refuses it.

        It is spelled as the entry itself is, where slapd tells that: it need not tell users who must change passwords.

        Raises:
            OSError: It does not answer.
            InvalidInput: What answers is no LDAP server.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(str(self.path))
            connection.sendall(bind_request(login))
            dn = None
            if read_bind_answer(_received(connection)) == _SUCCESS:
                connection.sendall(_message(2, _element(_EXTENDED, _element(_NAME, _WHO_AM_I))))
                dn = read_identity(_received(connection)) or login.dn
            connection.sendall(_message(3, _element(_UNBIND, b"")))
        return dn

    def check(self) -> None:
        """See that it can be used.

        Raises:
            SettingsError: It cannot.
        """
        try:
            self.opens(Login("", Secret("")))  # an anonymous bind: whether it is allowed does not matter
        except (OSError, InvalidInput) as error:
            reason = error.message if isinstance(error, InvalidInput) else error.strerror or error
            raise SettingsError(
                f"slapd does not answer on {self.path}: {reason}",
                hint="let it listen for ldapi:/// too (slapd -h), and name its file in openldap.loginSocket",
            ) from error


def bind_request(login: Login) -> bytes:
    """A simple bind as the first message (RFC 4511, section 4.2)."""
    parts = _element(_INTEGER, b"\x03") + _element(_OCTETS, login.dn.encode())
    bind = _element(_BIND, parts + _element(_SIMPLE, login.password.reveal().encode()))
    return _message(1, bind)


def read_bind_answer(content: bytes) -> bytes:
    """The result code of an answer.

    Raises:
        InvalidInput: It is no answer to a bind.
    """
    return next((code for _, code in _answer(content, _BIND_ANSWER)), b"")


def read_identity(content: bytes) -> str | None:
    """The DN in an answer to "Who am I?"; None when it tells none.

    Raises:
        InvalidInput: It is no such answer.
    """
    values = (value for tag, value in _answer(content, _EXTENDED_ANSWER) if tag == _VALUE and value.startswith(b"dn:"))
    return next((value.removeprefix(b"dn:").decode("utf-8", "replace") for value in values), None)


def _answer(content: bytes, wanted: int) -> Iterator[tuple[int, bytes]]:
    for _, message in ber_elements(content):
        for tag, answer in ber_elements(message):
            if tag == wanted:
                return ber_elements(answer)
    raise InvalidInput("what answers is no LDAP server")


def _received(connection: socket.socket) -> bytes:
    """One whole message: LDAP has no other mark of its end than its length."""
    content = b""
    while len(content) < _LARGEST and not _is_whole(content):
        part = connection.recv(4096)
        if not part:
            break
        content += part
    return content


def _is_whole(content: bytes) -> bool:
    try:
        return bool(list(ber_elements(content)))
    except InvalidInput:
        return False


def _message(number: int, operation: bytes) -> bytes:
    return _element(_SEQUENCE, _element(_INTEGER, bytes([number])) + operation)


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < _SHORT:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, _SHORT + len(size)]) + size + content
