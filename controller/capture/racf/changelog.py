"""Entries of the change log: what they say about passwords. Pure.

Facts: IBM, z/OS Security Server RACF Security Administrator's Guide, "LDAP change log entries".
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.capture.distinguished_name import account_name

HAS_ENVELOPE = "*ComeAndGetIt*"
_USER_ID = re.compile(r"[A-Z0-9#$@]{1,8}")
_SEPARATOR = "-"


class Kind(StrEnum):
    """The two passwords that a user ID can have."""

    PASSWORD = "password"  # noqa: S105  # a word of the settings
    PHRASE = "phrase"

    @property
    def attribute(self) -> str:
        """Its attribute."""
        return "racfPassword" if self is Kind.PASSWORD else "racfPassPhrase"

    @property
    def envelope(self) -> str:
        """The attribute of its envelope."""
        return f"{self.attribute}Envelope"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the log.

    Attributes:
        time: As the server wrote it.
        at: The same, when it could be read.
        target: DN of what was changed.
        initiator: DN of who changed it; empty when it is not told.
        changes: LDIF.
    """

    number: int
    time: str
    at: datetime | None
    target: str
    change_type: str
    initiator: str
    changes: str


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A user ID has a new password or phrase.

    Attributes:
        user: None when the profile is not one of a user below the suffix.
        has_envelope: Whether it can be had.
    """

    user: str | None
    kind: Kind
    has_envelope: bool


def user_of(dn: str, suffix: str) -> str | None:
    """The user ID of a profile below *suffix*, in upper case; None when it is something else."""
    name = account_name(dn, "racfid", f"profiletype=USER,{suffix}")
    folded = (name or "").upper()
    return folded if _USER_ID.fullmatch(folded) else None


def new_passwords(entry: LogEntry, suffix: str, kinds: Sequence[Kind]) -> list[NewPassword]:
    """What an entry says about passwords of these kinds."""
    if entry.change_type.casefold() != "modify":
        return []
    user = user_of(entry.target, suffix)
    wanted = {kind.attribute.casefold(): kind for kind in kinds}
    return [
        NewPassword(user, wanted[name], value == HAS_ENVELOPE)
        for name, value in _values(entry.changes)
        if name in wanted
    ]


def _values(ldif: str) -> Iterator[tuple[str, str]]:
    """Names, in lower case, and values of what is added or replaced (RFC 2849)."""
    is_deleted = is_begun = False
    for line in ldif.replace("\r\n", "\n").replace("\n ", "").split("\n"):
        name, separator, value = line.partition(":")
        name = name.strip().casefold()
        if line.strip() == _SEPARATOR:
            is_deleted = is_begun = False
        elif separator and not is_begun and name in {"add", "replace", "delete"}:
            is_deleted, is_begun = name == "delete", True
        elif separator and not is_deleted:
            yield name, _decoded(value)


def _decoded(value: str) -> str:
    if not value.startswith(":"):
        return value.strip()
    try:
        return base64.b64decode(value[1:].strip(), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""  # it does not say that there is an envelope, which is what is told then
