"""Change logs as servers keep them: entries with a ``changeNumber`` below one base (draft-good-ldap-changelog).

The log is read in windows of numbers: neither paged nor sorted results are asked for, which a server may not have.
"""

from collections.abc import Sequence

from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.session import Session
from controller.model.errors import ChannelRefused

_NUMBER = "changenumber"


class ChangeLogSearch:
    """Looks for entries of one log."""

    def __init__(self, session: Session, base: str, attributes: Sequence[str]) -> None:
        self._session = session
        self._base = base
        self._attributes = attributes

    def between(self, first: int, last: int) -> list[tuple[int, Entry]]:
        """All entries with these numbers, in their order: a server that leaves some out says so: that is an error.

        Raises:
            ConnectorError: It was not answered.
        """
        found = self._session.find_all(self._base, _between(first, last), self._attributes)
        return sorted(((self._number(entry), entry) for entry in found), key=lambda numbered: numbered[0])

    def has(self, first: int, last: int | None = None) -> bool:
        """Whether there is any entry from *first* on, up to *last*.

        Raises:
            ConnectorError: It was not answered.
        """
        return bool(self._session.find(self._base, _between(first, last), limit=1))

    def _number(self, entry: Entry) -> int:
        number = entry.text(_NUMBER) or ""
        if not number.isascii() or not number.isdigit():
            raise ChannelRefused(f"{self._session}: {entry.dn} has no changenumber", hint="is this a change log?")
        return int(number)


def _between(first: int, last: int | None) -> str:
    at_least = f"({_NUMBER}>={first})"
    return at_least if last is None else f"(&{at_least}({_NUMBER}<={last}))"
