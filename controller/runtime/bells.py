"""Tells those who wait for notifications of an adapter that there may be one, or that the controller stops."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

Ring = Callable[[], object]
"""Called in any thread; must return at once."""


class Bells:
    """One bell per lane. Rung by the pipeline's threads, heard by whoever listens."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Ring]] = {}
        self._lock = Lock()
        self._is_stopping = False

    @property
    def is_stopping(self) -> bool:
        """Whether the controller stops: nobody should wait any more."""
        return self._is_stopping

    @contextmanager
    def listening(self, lane: str, ring: Ring) -> Iterator[None]:
        """Let *ring* be called each time that the bell of *lane* rings."""
        with self._lock:
            self._listeners.setdefault(lane, []).append(ring)
        try:
            yield
        finally:
            with self._lock:
                remaining = self._listeners[lane]
                remaining.remove(ring)
                if not remaining:
                    del self._listeners[lane]

    def ring(self, lane: str) -> None:
        """Say that a delivery of *lane* is due."""
        with self._lock:
            listeners = list(self._listeners.get(lane, ()))
        for ring in listeners:
            ring()

    def stop(self) -> None:
        """Say to all that the controller stops."""
        self._is_stopping = True
        with self._lock:
            lanes = list(self._listeners)
        for lane in lanes:
            self.ring(lane)
