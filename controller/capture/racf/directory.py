"""The z/OS LDAP server: its change log (back end GDBM) and the envelopes of users (back end SDBM).

The log is read in windows of numbers: neither paged nor sorted results are asked for, which a server may not have.
"""

from collections.abc import Sequence
from typing import Protocol

from controller.capture.change_log.reader import ChangeLog
from controller.capture.change_log.search import ChangeLogSearch
from controller.capture.racf.changelog import Kind, LogEntry
from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.session import Session
from controller.connectors.ldap.times import generalized_time

BASE = "cn=changelog"
_ATTRIBUTES = ("changenumber", "targetdn", "changetype", "changetime", "changes", "ibm-changeinitiatorsname")


class Directory(ChangeLog[LogEntry], Protocol):
    """What the reader asks."""

    def envelope(self, dn: str, kind: Kind) -> bytes | None:
        """The envelope of a user; None when there is none."""


class LdapDirectory:
    """The real one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._search = ChangeLogSearch(session, BASE, _ATTRIBUTES)

    def entries(self, first: int, last: int) -> Sequence[LogEntry]:
        """All of them: a server that leaves some out says so, and that is an error."""
        return [_read(number, entry) for number, entry in self._search.between(first, last)]

    def has(self, first: int, last: int | None = None) -> bool:
        """Ask for one entry."""
        return self._search.has(first, last)

    def envelope(self, dn: str, kind: Kind) -> bytes | None:
        """Ask for the entry, and for nothing else of it."""
        entry = self._session.read(dn, (kind.envelope,))
        values = entry.attributes.get(kind.envelope.lower(), ()) if entry is not None else ()
        return values[0] if values else None

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


def _read(number: int, entry: Entry) -> LogEntry:
    time = entry.text("changetime") or ""
    return LogEntry(
        number,
        time,
        generalized_time(time),
        entry.text("targetdn") or "",
        entry.text("changetype") or "",
        entry.text("ibm-changeinitiatorsname") or "",
        entry.text("changes") or "",
    )
