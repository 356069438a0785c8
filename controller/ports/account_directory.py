"""Which accounts a domain's directory has: what mapping rules ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from controller.model.rule_reading import FoundAccount, NotedResult, RuleResult
from controller.model.topology import DomainDirectory


@dataclass(frozen=True, slots=True)
class AccountSearch:
    """Which accounts to find, and what to tell of each.

    Attributes:
        base_dn: Where; None is the base DN of the domain.
        filter: Which (RFC 4515).
        account_attribute: Holds the name of the Windows account.
        external_attribute: Holds the external account.
    """

    base_dn: str | None
    filter: str
    account_attribute: str
    external_attribute: str


@dataclass(frozen=True, slots=True)
class Position:
    """How far the changes of a directory have been read.

    Attributes:
        server: Which one it is, and since when it counts: another one counts otherwise.
        usn: The last change (``uSNChanged``, MS-ADTS 3.1.1.1.9).
    """

    server: bytes
    usn: int


@dataclass(frozen=True, slots=True)
class Matches:
    """All accounts that match a search.

    Attributes:
        accounts: By what the directory tells them apart by, which stays when they are renamed.
        position: How far its changes are in here; None when the directory does not count them.
    """

    accounts: Mapping[bytes, FoundAccount]
    position: Position | None = None


class AccountDirectory(Protocol):
    """Tells which accounts there are in one Windows domain. It only reads. Used by one thread at a time."""

    def matches(self, search: AccountSearch, before: Matches | None = None) -> Matches:
        """All accounts that match, page by page; referrals to other servers are not followed.

        With *before*, an earlier answer to the same search, only what changed since is asked for, where the directory
        counts its changes. What was deleted, or moved to where it is not seen, then still is among the matches.

        Raises:
            Rejected: It does not come to an end.
            Busy, Unavailable, ChannelRefused: It cannot be found out now, or not to the end.
        """

    def names(self, attribute: str) -> frozenset[str]:
        """The names of all accounts of the domain, by the attribute that holds them, in lower case.

        Raises:
            ConnectorError: As for ``matches``.
        """

    def close(self) -> None:
        """Give back the connection. The directory may be used again and reconnects."""


OpenAccountDirectory = Callable[[str, DomainDirectory], AccountDirectory]
"""Makes the look-up of a domain (by name). Raises SettingsError when a secret that it needs is not there."""


class RuleResults(Protocol):
    """What came of each mapping rule when the controller last planned."""

    def read(self) -> dict[str, NotedResult]:
        """All, by name of the rule."""

    def put(self, name: str, result: RuleResult) -> None:
        """Insert or replace, with the time of the transaction."""

    def remove(self, name: str) -> None:
        """Forget; no error when it is not there."""
