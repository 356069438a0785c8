"""Writers of one process take turns here, instead of polling SQLite's lock, which is neither fair nor quick."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from controller.model.errors import StoreUnavailable
from controller.store.engine import BUSY_SECONDS


class Turn:
    """Lets one thread of this process write at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn and hold it.

        Raises:
            StoreUnavailable: Another thread held it for too long.
            RuntimeError: This thread holds it already.
        """
        if self._owner == threading.get_ident():
            raise RuntimeError("a writing transaction inside another one of the same thread would wait for itself")
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise StoreUnavailable(f"another thread has been writing for {BUSY_SECONDS} s", hint="try again")
        self._owner = threading.get_ident()
        try:
            yield
        finally:
            self._owner = None
            self._lock.release()
