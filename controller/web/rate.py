"""How often somebody may call: the time is an argument, and nothing waits here."""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from controller.model.topology import RateLimit

MOST_KEYS = 10_000
"""Of those that are remembered; of more, those that called longest ago are forgotten."""
NO_WAIT = timedelta()


def take(limit: RateLimit, free_at: datetime | None, now: datetime) -> tuple[datetime, timedelta]:
    """Take one of what *limit* allows (generic cell rate algorithm, ITU-T I.371).

    Args:
        limit: How often.
        free_at: When all that was taken before will have been given back; None when nothing was taken.
        now: The time.

    Returns:
        The new *free_at*, and how long to wait: not at all when it was allowed; else nothing was taken.
    """
    before = now if free_at is None else max(free_at, now)
    after = before + limit.per / limit.burst
    wait = after - now - limit.per
    return (before, wait) if wait > NO_WAIT else (after, NO_WAIT)


class Rates:
    """How often each of many has called. Used by all threads of a process; each process counts by itself."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._free_at: OrderedDict[str, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, limit: RateLimit, now: datetime) -> timedelta:
        """Take one for *key*; tells how long it has to wait, which is not at all when it was allowed."""
        with self._lock:
            self._free_at[key], wait = take(limit, self._free_at.get(key), now)
            self._free_at.move_to_end(key)
            if len(self._free_at) > self._most:
                self._free_at.popitem(last=False)
        return wait

    def wait(self, key: str, limit: RateLimit, now: datetime) -> timedelta:
        """How long *key* would have to wait for one; nothing is taken."""
        with self._lock:
            return take(limit, self._free_at.get(key), now)[1]
