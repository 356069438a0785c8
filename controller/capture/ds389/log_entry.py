"""Entries of the Retro Changelog: what they say about passwords, and the same without them. Pure.

``changes`` is LDIF (RFC 2849) of a modification, and ends with a NUL. Where ``nsslapd-unhashed-pw-switch`` is on, the
clear text of a new ``userPassword`` follows the hash as a modification of ``unhashed#user#password``.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from controller.model.secret import Secret

TAKEN = b"# pwsync has taken the new password out of this entry\n"
NOT_IN_CLEAR = "the log does not have it in clear: was it hashed before it was sent, or is the switch off?"
NO_HASH = "the log has a clear text without the userPassword that it would be of: somebody wrote it there"
_END_OF_MODIFICATION = b"-\n"
_PASSWORD, _CLEAR, _MODIFIER = b"userpassword", b"unhashed#user#password", b"modifiersname"
_SETTING = {b"add", b"replace"}


@dataclass(frozen=True, slots=True, repr=False)
class LogEntry:
    """One entry of the log. It may hold a password, and is not shown.

    Attributes:
        time: As the server wrote it.
        at: The same, when it could be read.
        target: DN of what was changed.
        changes: As the server wrote them.
    """

    number: int
    time: str
    at: datetime | None
    target: str
    change_type: str
    changes: bytes


@dataclass(frozen=True, slots=True)
class NewPassword:
    """An entry got a new password.

    Attributes:
        password: None when it cannot be had; *why* says so then.
    """

    password: Secret | None
    why: str = ""


def new_password(entry: LogEntry) -> NewPassword | None:
    """The password that an entry of the log set last; None when it set none, or it was taken already."""
    if entry.change_type.casefold() != "modify" or entry.changes.startswith(TAKEN):
        return None
    modifications = list(_modifications(entry.changes))
    values = list(_set_values(modifications))
    names = {name for name, _ in values}
    clear = [value for name, value in values if name == _CLEAR]
    if clear:
        return _read(clear[-1]) if _PASSWORD in names else NewPassword(None, NO_HASH)
    # Without a modifier it is the server, which hashes anew what somebody logged in with (nsslapd-enable-upgrade-hash).
    return NewPassword(None, NOT_IN_CLEAR) if {_PASSWORD, _MODIFIER} <= names else None


def without_password(entry: LogEntry) -> bytes | None:
    """The changes without any password in clear, marked as such; None when there is none in them."""
    modifications = list(_modifications(entry.changes))
    kept = [modification for modification in modifications if _attribute(modification) != _CLEAR]
    if len(kept) == len(modifications):
        return None
    return TAKEN + b"".join(modification + _END_OF_MODIFICATION for modification in kept)


def _read(value: bytes) -> NewPassword:
    try:
        return NewPassword(Secret(_decoded(value).decode("utf-8")))
    except (UnicodeDecodeError, binascii.Error):
        return NewPassword(None, "it is not UTF-8")


def _decoded(value: bytes) -> bytes:
    return base64.b64decode(value[1:].strip(), validate=True) if value.startswith(b":") else value.removeprefix(b" ")


def _modifications(changes: bytes) -> Iterator[bytes]:
    """Each modification up to the line that ends it."""
    lines: list[bytes] = []
    for line in changes.rstrip(b"\x00").splitlines(keepends=True):
        if line.rstrip(b"\r\n") == b"-":
            yield b"".join(lines)
            lines = []
        else:
            lines.append(line)
    if b"".join(lines).strip():
        yield b"".join(lines)


def _attribute(modification: bytes) -> bytes:
    """What a modification is about: ``replace: userPassword`` is its first line."""
    return modification.split(b"\n", 1)[0].partition(b":")[2].strip().lower()


def _set_values(modifications: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Attribute and value, as encoded, of all that was added or replaced."""
    for modification in modifications:
        first, *rest = modification.replace(b"\n ", b"").split(b"\n")
        if first.partition(b":")[0].strip().lower() in _SETTING:
            for line in rest:
                name, separator, value = line.partition(b":")
                if separator:
                    yield name.strip().lower(), value
