"""Reported password changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.model.change import PasswordChange
from controller.ports.reach import Reach


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes to list, newest first. Empty means any.

    Attributes:
        before: Only those with a lower sequence, as the next page needs it; 0 means all.
        lane: Only of accounts of this lane.
        since: Only those received then or later.
        reach: Only those that are within it; None means any.
    """

    account: str = ""
    state: str = ""
    limit: int = 100
    before: int = 0
    lane: str = ""
    since: datetime | None = None
    tracking_id: str = ""
    reach: Reach | None = None


class Changes(Protocol):
    """Reported password changes."""

    def add(self, change: PasswordChange) -> int:
        """Insert; returns the sequence that the store gave it. Waits for who works on its account."""

    def add_free(self, changes: Sequence[PasswordChange]) -> list[PasswordChange]:
        """Insert, in their order, those whose accounts no other transaction works on; return them. Waits for nobody."""

    def claim_unrouted(self, limit: int, *, after: int = 0) -> list[PasswordChange]:
        """The oldest accepted changes not yet routed, at most one per account, locked until the transaction ends.

        Only those with a sequence above *after*.

        A change whose account has an older unrouted one is not among them, so that per account the order of
        intake is kept, whoever routes.
        """

    def mark_routed(self, tracking_id: str) -> None:
        """Note that its deliveries are made."""

    def finish(self, tracking_id: str, state: str, reason: str, message: str, *, keeps_password: bool = False) -> None:
        """Set its state; a finished one (not ``accepted``) forgets its sealed passwords, but what it *keeps*."""

    def set_aside(self, tracking_id: str, reason: str, message: str) -> bool:
        """Fail one that cannot be routed now, and keep its sealed passwords; tell whether it waited for routing."""

    def those_set_aside(self, after: int, limit: int) -> list[PasswordChange]:
        """Those that were set aside, with a sequence above *after*, oldest first."""

    def bring_back(self, tracking_id: str) -> bool:
        """Accept one again that was set aside; tell whether it was."""

    def get(self, tracking_id: str) -> PasswordChange | None:
        """One change."""

    def find(self, query: ChangeQuery) -> list[PasswordChange]:
        """Changes, newest first."""

    def purge(self, before: datetime, limit: int) -> int:
        """Delete changes that were finished earlier than *before*, with their deliveries; tell how many changes.

        The oldest first, and at most *limit*. One stays as long as it or an older one of any account is not settled:
        whether the older one may still be delivered is decided by what came after it.
        """

    def has_newer(self, change: PasswordChange) -> bool:
        """Whether the account has a change that was received later than *change*, and did not happen earlier."""

    def count_by_state(self) -> dict[str, int]:
        """How many changes are in each state."""
