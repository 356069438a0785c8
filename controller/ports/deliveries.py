"""The queue of deliveries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from controller.model.accounts import Account
from controller.model.delivery import Delivery
from controller.ports.reach import Reach


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which deliveries to list, newest first. Empty means any.

    Attributes:
        before: Only those with a lower number, as the next page needs it; 0 means all.
        since: Only those created then or later.
        reach: Only those that are within it; None means any.
    """

    tracking_id: str = ""
    lane: str = ""
    account: str = ""
    state: str = ""
    limit: int = 100
    before: int = 0
    since: datetime | None = None
    reach: Reach | None = None


class Deliveries(Protocol):
    """The queue."""

    def add(self, delivery: Delivery) -> None:
        """Insert one."""

    def open_for(self, account: Account) -> list[Delivery]:
        """Deliveries to one account that are pending, retrying or in flight, oldest first, locked."""

    def newest_sequence(self, account: Account) -> int:
        """Highest sequence of any delivery to the account, whatever its state but superseded; 0 when none."""

    def claim(self, lane: str, *, limit: int, lease: str, lease_for: timedelta, outstanding: int) -> list[Delivery]:
        """Take due deliveries of a lane for the worker with token *lease*: state in flight, attempts + 1.

        Due means: pending or retrying with ``due_at`` reached, or in flight with its lease run out (then
        ``must_probe`` is set). One account has at most one in flight. No more than *outstanding* of the lane are
        in flight together. Oldest sequence first. An account that has an accepted change which is not routed yet is
        left out: that change may be newer than what waits for it.
        """

    def save(self, delivery: Delivery, *, lease: str | None = None) -> bool:
        """Write back all of a delivery. With *lease*: only while that token still holds it; tells whether it did."""

    def get(self, delivery_id: str) -> Delivery | None:
        """One delivery."""

    def of_change(self, tracking_id: str) -> list[Delivery]:
        """All deliveries of one change, in order of creation."""

    def find(self, query: DeliveryQuery) -> list[Delivery]:
        """Deliveries, newest first."""

    def open_of_lane(self, lane: str) -> list[Delivery]:
        """All of a lane that are pending, retrying or in flight."""

    def overdue(self, limit: int) -> list[Delivery]:
        """Those that are not settled and whose ``expires_at`` is reached, the longest overdue first.

        What somebody holds, or held until he was given up, is among them once that lease has run out.
        """

    def next_due(self) -> dict[str, datetime]:
        """For each lane with open deliveries: when the next one is due (or its lease runs out)."""

    def count_by_state(self) -> dict[tuple[str, str], int]:
        """How many deliveries each (lane, state) has."""

    def oldest_open(self) -> dict[str, datetime]:
        """For each lane with open deliveries: when the one with the lowest sequence was created."""
