"""Who stands behind a name of a Windows domain: asked of its directory, and as the store remembers it."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.model.accounts import WindowsAccount
from controller.model.topology import DomainDirectory


class GroupDirectory(Protocol):
    """Tells who stands behind a name of one Windows domain. It only reads. Used by one thread at a time."""

    def members(self, name: WindowsAccount) -> frozenset[WindowsAccount]:
        """The accounts that *name* stands for: a user itself, or the users of a group.

        Users of groups inside it are among them, and those whose primary group is it or one inside it.

        Raises:
            AccountUnknown: The domain has no user and no group of that name.
            Rejected: It has too many members.
            Busy, Unavailable, ChannelRefused: It cannot be found out now.
        """

    def close(self) -> None:
        """Give back the connection. The directory may be used again and reconnects."""


OpenGroupDirectory = Callable[[str, DomainDirectory], GroupDirectory]
"""Makes the look-up of a domain (by name). Raises SettingsError when a secret that it needs is not there."""


@dataclass(frozen=True, slots=True)
class GroupReading:
    """What the directory last told about a name in ``access.users`` of an application.

    Attributes:
        read_at: When its answer was last taken over; None when there never was one.
        members: How many accounts there are in that answer.
        problem: Why there is no newer answer, in words; empty when nothing is wrong.
    """

    read_at: datetime | None
    members: int = 0
    problem: str = ""


class WindowsGroups(Protocol):
    """Who stands behind the names in ``access.users`` of applications, as the directories last told."""

    def readings(self) -> dict[WindowsAccount, GroupReading]:
        """All names that were looked up."""

    def answered(self, names: Collection[WindowsAccount]) -> set[WindowsAccount]:
        """Those of *names* about which there is an answer."""

    def members(self, name: WindowsAccount) -> set[WindowsAccount]:
        """The accounts behind one name."""

    def memberships(
        self, accounts: Collection[WindowsAccount], names: Collection[WindowsAccount]
    ) -> set[tuple[WindowsAccount, WindowsAccount]]:
        """The pairs (account, name) of those given in which the account stands behind the name. Reads an index."""

    def note(self, name: WindowsAccount, reading: GroupReading) -> None:
        """Insert or replace what is known about a name; its members stay."""

    def add(self, name: WindowsAccount, accounts: Iterable[WindowsAccount]) -> None:
        """Put accounts behind a name; no error when one is there already."""

    def remove(self, name: WindowsAccount, accounts: Iterable[WindowsAccount]) -> None:
        """Take accounts away; no error when one is not there."""

    def forget(self, name: WindowsAccount) -> None:
        """Delete all that is known about a name."""
