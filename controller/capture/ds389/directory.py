"""The Retro Changelog of a 389 Directory Server, read and cleared of passwords."""

from collections.abc import Sequence
from typing import Protocol

from controller.capture.change_log.reader import ChangeLog
from controller.capture.change_log.search import ChangeLogSearch
from controller.capture.ds389.log_entry import LogEntry
from controller.connectors.ldap.messages import Entry, Modification
from controller.connectors.ldap.session import Session
from controller.connectors.ldap.times import generalized_time
from controller.model.errors import ChannelRefused

BASE = "cn=changelog"
_ATTRIBUTES = ("changenumber", "targetdn", "changetype", "changetime", "changes")


class Directory(ChangeLog[LogEntry], Protocol):
    """What the reader asks."""

    def values(self, dn: str, attribute: str) -> Sequence[str]:
        """The values of an attribute of an entry; none of one that is gone, or that is not ours to read."""

    def replace_changes(self, number: int, changes: bytes) -> None:
        """Write these changes into an entry of the log; one that is gone is left alone.

        Raises:
            ConnectorError: They were not written, or nobody knows.
        """


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

    def values(self, dn: str, attribute: str) -> Sequence[str]:
        """Read the entry, and nothing else of it."""
        entry = self._session.read(dn, (attribute,))
        values = () if entry is None else entry.attributes.get(attribute.lower(), ())
        return [value.decode("utf-8", "replace") for value in values]

    def replace_changes(self, number: int, changes: bytes) -> None:
        """Modify the entry. The directory's words are not told: nobody knows whether they quote what was there."""
        dn = f"changenumber={number},{BASE}"
        answer = self._session.modify(dn, [Modification("replace", "changes", changes)])
        if not answer.is_success and self._session.read(dn) is not None:
            raise ChannelRefused(
                f"{self._session}: the password cannot be taken out of {dn} ({answer.name})",
                hint="give the reader the right to write 'changes': 'pwsync capture setup ds389' prints the aci",
            )

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


def _read(number: int, entry: Entry) -> LogEntry:
    time, changes = entry.text("changetime") or "", entry.attributes.get("changes", ())
    return LogEntry(
        number,
        time,
        generalized_time(time),
        entry.text("targetdn") or "",
        entry.text("changetype") or "",
        changes[0] if changes else b"",
    )
