"""A lane's circuit: while its target is away, the lane waits as one, instead of every delivery by itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from controller.model.delivery import RetryPolicy, words_of
from controller.model.errors import ChannelRefused, PwsyncError, Unavailable
from controller.pipeline.lanes import note_offline, note_online
from controller.ports.clock import Jitter
from controller.ports.store import Transaction

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
    _told: str | None = None
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

    def tell(self, tx: Transaction, lane: str) -> None:
        """Note in the store what has become of the target: that it is away once, until it is so for another reason.

        The store may say that it is away although this circuit is closed: another process, or an earlier one, said so.
        """
        error = self.error
        if error is None:
            note_online(tx, lane)
        elif error.code != self._told:
            note_offline(tx, lane, error.code, words_of(error))

    def note_told(self) -> None:
        """What was told is committed."""
        self._told = None if self.error is None else self.error.code
