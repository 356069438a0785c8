"""The clock of the process: calls the reconcile loop at its interval (decision 10)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

JITTER = timedelta(seconds=5)
"""So that several controllers do not all come at the same moment."""


class Scheduler:
    """Calls one piece of work again and again; a missed call is made up for by a single later one."""

    def __init__(self, work: Callable[[], None], interval: timedelta) -> None:
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._interval = interval
        self._job = self._scheduler.add_job(
            work,
            "interval",
            seconds=interval.total_seconds(),
            jitter=_jitter_of(interval),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC) + interval,
        )

    def start(self) -> None:
        """Start; the first call comes after one interval."""
        self._scheduler.start()

    def set_interval(self, interval: timedelta) -> None:
        """Use another interval from now on."""
        if interval != self._interval:
            self._interval = interval
            self._job.reschedule("interval", seconds=interval.total_seconds(), jitter=_jitter_of(interval))

    def stop(self) -> None:
        """Stop; returns when a call under way has ended."""
        self._scheduler.shutdown(wait=True)


def _jitter_of(interval: timedelta) -> int:
    return int(min(JITTER, interval / 10).total_seconds())
