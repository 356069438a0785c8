"""Recorded events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.model.events import Event, RecordedEvent


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events to list, newest first. Empty means any.

    Attributes:
        before: Only those with a lower sequence, as the next page needs it; 0 means all.
        since: Only those recorded then or later.
        of_adapters: Only those about one of these; None means any, and about none.
    """

    tracking_id: str = ""
    adapter: str = ""
    account: str = ""
    name: str = ""
    limit: int = 100
    level: str = ""
    before: int = 0
    since: datetime | None = None
    of_adapters: frozenset[str] | None = None


class Events(Protocol):
    """Recorded events, bounded: the oldest go first."""

    def add(self, event: Event) -> None:
        """Record one."""

    def add_all(self, events: Sequence[Event]) -> None:
        """Record many, in their order."""

    def find(self, query: EventQuery) -> list[RecordedEvent]:
        """Events, newest first."""

    def count_since(self, moment: datetime) -> dict[str, int]:
        """How many events of each name were recorded at *moment* or later, as far as they are kept."""
