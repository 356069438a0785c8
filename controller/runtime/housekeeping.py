"""Housekeeping at run time: a round every minute, in a thread of its own."""

from datetime import timedelta
from threading import Event

import structlog

from controller.model.errors import PwsyncError
from controller.pipeline.housekeeping import Housekeeping
from controller.runtime.scheduler import Scheduler

log = structlog.get_logger()

INTERVAL = timedelta(minutes=1)


def keep_house_once(housekeeping: Housekeeping) -> int:
    """Do all that is due now, unless another process is at it; tells how many steps that took.

    Raises:
        StoreUnavailable: The store cannot be reached; what was done stays done.
    """
    steps = sum(1 for _ in housekeeping.steps())
    housekeeping.release()
    return steps


class HousekeepingRounds:
    """Keeps house now and then; a round with much to do ends early when the controller stops."""

    def __init__(self, housekeeping: Housekeeping, interval: timedelta = INTERVAL) -> None:
        self._housekeeping = housekeeping
        self._is_stopping = Event()
        self._scheduler = Scheduler(self._round, interval)

    def start(self) -> None:
        """Begin; the first round comes after one interval."""
        self._scheduler.start()

    def stop(self) -> None:
        """End after the step that is being made, and let another controller keep house.

        Raises:
            StoreUnavailable: The others have to wait until the lease runs out.
        """
        self._is_stopping.set()
        self._scheduler.stop()
        self._housekeeping.release()

    def _round(self) -> None:
        try:
            for _ in self._housekeeping.steps():
                if self._is_stopping.is_set():
                    return
        except PwsyncError as error:
            log.warning("A round of housekeeping is skipped", code=error.code, problem=str(error))
