"""Takes over what a directory tells of a name by which applications give their users, unless it looks wrong."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from controller.model import events
from controller.model.accounts import WindowsAccount
from controller.model.errors import PwsyncError
from controller.model.events import Event, EventType
from controller.planning.safety import exceeds
from controller.ports.store import Store
from controller.ports.windows_groups import GroupReading
from controller.reconcile.inquiry import Answer

PIECE = 10_000
"""Accounts that one transaction writes."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """One name that was asked about.

    Attributes:
        before: What was known of it.
        applications: That give their users by it.
        limit: The share of its accounts, in percent, that it may lose at once.
        force: Takes over what would be held.
    """

    store: Store
    name: WindowsAccount
    before: GroupReading
    applications: list[str]
    limit: int
    force: bool

    def take_over(self, answer: Answer) -> str:
        """Make *answer* the one in force, if it is one and does not look wrong; else tell why not."""
        if isinstance(answer, PwsyncError):
            return self._keep(events.WINDOWS_GROUP_UNREAD, str(answer))
        with self.store.read() as tx:
            current = tx.windows_groups.members(self.name)
        removed = current - answer
        if exceeds(len(removed), len(current), self.limit) and not self.force:
            gone = f"{len(removed):,} of {len(current):,} accounts are gone"
            hint = f"maxPrunePercent is {self.limit}; if it is meant, 'pwsync apply --force' takes it over"
            return self._keep(events.WINDOWS_GROUP_HELD, f"{gone} ({hint})")
        self._replace(answer - current, removed, len(answer))
        return ""

    def _keep(self, type_: EventType, problem: str) -> str:
        """Leave what is known as it is; an event tells of each problem once."""
        if problem != self.before.problem:
            with self.store.write() as tx:
                tx.windows_groups.note(self.name, replace(self.before, problem=problem))
                tx.events.add(self._event(type_, problem=problem))
        return problem

    def _replace(self, added: frozenset[WindowsAccount], removed: set[WindowsAccount], count: int) -> None:
        """Write piece by piece: others want to write too, and each row is right by itself."""
        for some in _pieces(added):
            with self.store.write() as tx:
                tx.windows_groups.add(self.name, some)
        for some in _pieces(removed):
            with self.store.write() as tx:
                tx.windows_groups.remove(self.name, some)
        with self.store.write() as tx:
            tx.windows_groups.note(self.name, GroupReading(tx.now, count))
            if added or removed:
                tx.events.add(self._event(events.WINDOWS_GROUP_CHANGED, added=len(added), removed=len(removed)))

    def _event(self, type_: EventType, **fields: object) -> Event:
        fields = {"applications": self.applications, **fields}
        return Event(type_, account=str(self.name), fields=fields)


def _pieces(accounts: Collection[WindowsAccount]) -> Iterator[list[WindowsAccount]]:
    in_order = iter(sorted(accounts))
    while piece := list(islice(in_order, PIECE)):
        yield piece
