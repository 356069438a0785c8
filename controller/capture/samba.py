"""Samba AD DC: the program of ``samba-tool user syncpasswords``. Facts: samba-tool(8).

It is handed one LDIF record (RFC 2849) for each account whose password has changed, and must print ``DONE-EXIT:`` once
it has taken it. The record holds the account's present state, and ``pwdLastSet`` says since when.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controller.capture.taking import Capture
from controller.model.errors import InvalidInput
from controller.model.secret import Secret

ATTRIBUTES = (
    "objectGUID,objectSid,sAMAccountName,userPrincipalName,userAccountControl,pwdLastSet,"
    "msDS-KeyVersionNumber,virtualClearTextUTF8"
)
DONE = "DONE-EXIT:"
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER = "0"
_COMPUTER = 0x1000 | 0x2000 | 0x0800
"""Of userAccountControl (MS-ADTS 2.2.16): workstation, server and domain trust accounts are no people."""


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """The parts of a record that matter. It holds a password, and is not shown."""

    name: str
    password: Secret | None
    set_at: datetime | None
    is_computer: bool
    is_deleted: bool


def take_record(capture: Capture, ldif: bytes, now: datetime) -> str:
    """Take the change of a record; returns what to tell samba-tool.

    What is of no use to anybody is passed over, and said: samba-tool ends with a program that fails.

    Raises:
        SpoolFull, SettingsError: It was not taken.
    """
    try:
        record = read_record(ldif)
        if record.is_deleted or record.is_computer:
            return f"{DONE} nothing to hand over"
        if record.password is None:
            return _without_password(capture, record, now)
        is_taken = capture.take(record.name, record.password, record.set_at or now)
    except InvalidInput as error:
        return f"{DONE} not taken: {error.message}"
    return f"{DONE} {'taken' if is_taken else 'left out'}"


def _without_password(capture: Capture, record: Record, now: datetime) -> str:
    """Tell a lost change from an account whose password Samba never kept, such as one from before the capture.

    Raises:
        SettingsError: It could not be noted.
    """
    if record.set_at is None or not capture.miss(record.name, record.set_at, now):
        return f"{DONE} nothing to hand over"
    return (
        f"{DONE} not taken: the new password of {record.name} is not in the record; "
        "see that samba-tool finds the OpenPGP key (GNUPGHOME) and was set up with --decrypt-samba-gpg"
    )


def read_record(ldif: bytes) -> Record:
    """Read a record.

    Raises:
        InvalidInput: It is no LDIF, names no account, or a value that matters is of another form.
    """
    attributes = _attributes(ldif)
    name = _text(attributes, "sAMAccountName", "")
    if not name:
        raise InvalidInput("the record on standard input names no sAMAccountName", hint="is this samba-tool's program?")
    password = "virtualClearTextUTF8"  # noqa: S105  # the name of an attribute
    set_at = _text(attributes, "pwdLastSet", _NEVER)
    return Record(
        name,
        Secret(_text(attributes, password, "")) if password in attributes else None,
        None if set_at in {_NEVER, "-1"} else _instant(set_at),
        bool(_number(_text(attributes, "userAccountControl", "0")) & _COMPUTER),
        _text(attributes, "isDeleted", "FALSE").upper() == "TRUE",
    )


def _attributes(ldif: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for line in ldif.replace(b"\r\n", b"\n").replace(b"\n ", b"").split(b"\n"):
        name, separator, value = line.partition(b":")
        if separator and not name.startswith(b"#"):
            found[name.decode("ascii", "replace")] = _value(value)
    return found


def _value(text: bytes) -> bytes:
    if not text.startswith(b":"):
        return text.removeprefix(b" ")
    try:
        return base64.b64decode(text[1:].strip(), validate=True)
    except binascii.Error:
        raise InvalidInput("the record on standard input has a value that is no base64") from None


def _text(attributes: dict[str, bytes], name: str, otherwise: str) -> str:
    try:
        return attributes.get(name, otherwise.encode()).decode()
    except UnicodeDecodeError:
        pass
    # raised out here: the decoder's own error carries the value
    raise InvalidInput(f"{name} of the record on standard input is not UTF-8")


def _instant(filetime: str) -> datetime:
    """A FILETIME: units of 100 ns since 1601-01-01 UTC."""
    return _FILETIME_EPOCH + timedelta(microseconds=_number(filetime) // 10)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput("the record on standard input has a number that is none") from None
