"""Writers of one process take turns here, instead of polling SQLite's lock, which is neither fair nor quick."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from controller.model.errors import StoreUnavailable
from controller.store.engine import BUSY_SECONDS


class Turn:
    """Lets one thread of this process write at a time, in the order in which they came.

    Who ends hands over to who waits longest: one that writes again and again would else go on alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._waiting: deque[_Place] = deque()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn and hold it.

        Raises:
            StoreUnavailable: Others held it for too long.
            RuntimeError: This thread holds it already.
        """
        self._take()
        try:
            yield
        finally:
            self._hand_over()

    def _take(self) -> None:
        place = _Place(threading.get_ident())
        with self._lock:
            if self._owner == place.thread:
                raise RuntimeError("a writing transaction inside another one of the same thread would wait for itself")
            if self._owner is None:
                self._owner = place.thread
                return
            self._waiting.append(place)
        try:
            has_come = place.has_come.acquire(timeout=BUSY_SECONDS)
        except BaseException:  # a signal
            if not self._leave(place):
                self._hand_over()
            raise
        if not has_come and self._leave(place):
            raise StoreUnavailable(f"other threads have been writing for {BUSY_SECONDS} s", hint="try again")

    def _leave(self, place: "_Place") -> bool:
        """Wait no longer; tell False when the turn has come meanwhile."""
        with self._lock:
            is_waiting = place in self._waiting
            if is_waiting:
                self._waiting.remove(place)
            return is_waiting

    def _hand_over(self) -> None:
        with self._lock:
            if self._waiting:
                place = self._waiting.popleft()
                self._owner = place.thread
                place.has_come.release()
            else:
                self._owner = None


class _Place:
    """Where a thread waits."""

    def __init__(self, thread: int) -> None:
        self.thread = thread
        self.has_come = threading.Lock()
        self.has_come.acquire()
