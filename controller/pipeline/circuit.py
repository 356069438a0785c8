"""A lane's circuit: while its target is away, the lane waits as one, instead of every delivery by itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from controller.model.delivery import RetryPolicy
from controller.model.errors import ChannelRefused, PwsyncError, Unavailable
from controller.ports import Jitter

AWAY = RetryPolicy(count=1, delay=timedelta(seconds=1), longest=timedelta(minutes=1))
REFUSED = RetryPolicy(count=1, delay=timedelta(seconds=30), longest=timedelta(minutes=15))
"""Longer, since each try with a wrong service password may count towards a lockout of the service account."""
TRIAL = timedelta(seconds=30)
"""While one trial is under way, no second one starts before this time."""


@dataclass(slots=True)
class Circuit:
    """Shared by the workers of one lane. Times are the store's."""

    jitter: Jitter
    error: PwsyncError | None = None
    retry_at: datetime | None = None
    _failures: int = 0
    _lock: Lock = field(default_factory=Lock)

    def try_enter(self, now: datetime) -> bool:
        """Whether a delivery may be attempted now; of an open circuit only one trial at a time."""
        with self._lock:
            if self.retry_at is None:
                return True
            if now < self.retry_at:
                return False
            self.retry_at = now + TRIAL
            return True

    def leave(self) -> None:
        """Give back a place for which there was no delivery."""
        with self._lock:
            if self.retry_at is not None:
                self.retry_at -= TRIAL

    def record(self, error: PwsyncError | None, now: datetime) -> None:
        """Note how an attempt ended: only a target that is away, or refuses us, opens the circuit."""
        with self._lock:
            if not isinstance(error, Unavailable | ChannelRefused):
                self.error, self.retry_at, self._failures = None, None, 0
                return
            policy = REFUSED if isinstance(error, ChannelRefused) else AWAY
            self._failures += 1
            self.error = error
            self.retry_at = now + policy.wait(self._failures, self.jitter())
