"""Waiting: for how long, and until somebody says stop."""

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from controller.sdk.errors import ControllerAway, Stopped

T = TypeVar("T")

FIRST = 1.0
LONGEST = 60.0
SPREAD = 0.25

log = logging.getLogger("pwsync.sdk")


class StopSign:
    """Says that the adapter shall end. ``set`` may be called in a signal handler: ``SimpleQueue.put`` is reentrant."""

    def __init__(self) -> None:
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._is_set = False

    @property
    def is_set(self) -> bool:
        """Whether it shall end."""
        return self._is_set

    def set(self) -> None:
        """Let it end, and wake all that wait."""
        self._is_set = True
        self._wakes.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it shall end; tell whether it shall."""
        try:
            self._wakes.get(timeout=seconds)
        except Empty:
            return self._is_set
        self._wakes.put(None)  # for the next one that waits
        return True


class Backoff:
    """How long to wait after each failure in a row: twice as long each time, and never all adapters at once."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._next = FIRST

    def reset(self) -> None:
        """It went well."""
        self._next = FIRST

    def seconds(self, at_least: float = 0) -> float:
        """How long to wait now; not less than the controller asks for."""
        spread = 1 + SPREAD * (2 * self._jitter() - 1)
        seconds = max(self._next * spread, min(at_least, LONGEST) * (1 + SPREAD * self._jitter()))
        self._next = min(self._next * 2, LONGEST)
        return seconds


class Patience:
    """Repeats what the controller does not answer, until the adapter is stopped."""

    def __init__(self, stop: StopSign, jitter: Callable[[], float]) -> None:
        self._stop = stop
        self._jitter = jitter

    @property
    def is_over(self) -> bool:
        """Whether the adapter is stopped."""
        return self._stop.is_set

    def new_backoff(self) -> Backoff:
        """For one row of failures."""
        return Backoff(self._jitter)

    def insist(self, call: Callable[[], T]) -> T:
        """Make a call until the controller answers it; once, when the adapter is stopped already.

        Raises:
            Stopped: The adapter was stopped before there was an answer.
        """
        backoff = self.new_backoff()
        while True:
            try:
                return call()
            except ControllerAway as away:
                if self.is_over:
                    raise Stopped("the adapter was stopped before the controller had answered") from away
                self.pause(backoff, away.message, away.retry_after)

    def pause(self, backoff: Backoff, why: str, at_least: float = 0) -> None:
        """Wait before the next try."""
        if self.is_over:
            return
        seconds = backoff.seconds(at_least)
        log.warning("The adapter waits: seconds=%.1f problem=%s", seconds, why)
        self._stop.wait(seconds)
