"""How often one address may fail to log in."""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from controller.ports.clock import Clock
from controller.web.neighbours import neighbourhood

MOST_FAILURES = 10
"""Failures of one address within ``WINDOW``; then it is not even tried."""
WINDOW = timedelta(minutes=5)
MOST_ADDRESSES = 10_000


class Attempts:
    """Counts failures by address; the oldest addresses are forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, list[datetime]] = OrderedDict()

    def may_try(self, address: str) -> bool:
        """Whether one more try is allowed."""
        with self._lock:
            return len(self._recent(neighbourhood(address))) < MOST_FAILURES

    def note_failure(self, address: str) -> None:
        """Count a failure."""
        place = neighbourhood(address)
        with self._lock:
            self._failures[place] = [*self._recent(place), self._clock()]
            self._failures.move_to_end(place)
            while len(self._failures) > MOST_ADDRESSES:
                self._failures.popitem(last=False)

    def _recent(self, place: str) -> list[datetime]:
        oldest = self._clock() - WINDOW
        return [moment for moment in self._failures.get(place, []) if moment > oldest]
