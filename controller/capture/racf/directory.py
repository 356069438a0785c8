"""The z/OS LDAP server: its change log (back end GDBM) and the envelopes of users (back end SDBM).

The log is read in windows of numbers: neither paged nor sorted results are asked for, which a server may not have.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from controller.capture.racf.changelog import Kind, LogEntry
from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.session import Session
from controller.connectors.ldap.times import generalized_time
from controller.model.errors import ChannelRefused

BASE = "cn=changelog"
_ATTRIBUTES = ("changenumber", "targetdn", "changetype", "changetime", "changes", "ibm-changeinitiatorsname")


class Directory(Protocol):
    """What the reader asks.

    Every call may raise:

        ConnectorError: It was not answered; ask again later.
    """

    def entries(self, first: int, last: int) -> Sequence[LogEntry]:
        """All entries with these numbers, in their order."""

    def has(self, first: int, last: int | None = None) -> bool:
        """Whether there is any entry from *first* on, up to *last*."""

    def envelope(self, dn: str, kind: Kind) -> bytes | None:
        """The envelope of a user; None when there is none."""

    def close(self) -> None:
        """Close the connection."""


class LdapDirectory:
    """The real one."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def entries(self, first: int, last: int) -> Sequence[LogEntry]:
        """All of them: a server that leaves some out says so, and that is an error."""
        found = self._session.find_all(BASE, _between(first, last), _ATTRIBUTES)
        return sorted(self._read(found), key=lambda entry: entry.number)

    def has(self, first: int, last: int | None = None) -> bool:
        """Ask for one entry."""
        return bool(self._session.find(BASE, _between(first, last), limit=1))

    def envelope(self, dn: str, kind: Kind) -> bytes | None:
        """Ask for the entry, and for nothing else of it."""
        entry = self._session.read(dn, (kind.envelope,))
        values = entry.attributes.get(kind.envelope.lower(), ()) if entry is not None else ()
        return values[0] if values else None

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _read(self, entries: Sequence[Entry]) -> Iterator[LogEntry]:
        for entry in entries:
            number, time = entry.text("changenumber") or "", entry.text("changetime") or ""
            if not number.isascii() or not number.isdigit():
                raise ChannelRefused(f"{self._session}: {entry.dn} has no changenumber", hint="is this a change log?")
            yield LogEntry(
                int(number),
                time,
                generalized_time(time),
                entry.text("targetdn") or "",
                entry.text("changetype") or "",
                entry.text("ibm-changeinitiatorsname") or "",
                entry.text("changes") or "",
            )


def _between(first: int, last: int | None) -> str:
    at_least = f"(changenumber>={first})"
    return at_least if last is None else f"(&{at_least}(changenumber<={last}))"
