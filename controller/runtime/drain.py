"""Moves changes in the calling thread: for ``run --once`` and for commands that wait on an embedded store."""

import threading
from datetime import timedelta

from controller.pipeline.circuit import Circuit
from controller.pipeline.dispatch import LaneWorker
from controller.runtime.wiring import Installation

POLL = timedelta(milliseconds=250)
"""How soon the work of another process is noticed."""


class Drain:
    """Routes and delivers what is due, one after another."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._workers: dict[str, tuple[LaneWorker, Circuit]] = {}
        self._tick = threading.Event()

    def work_off(self) -> int:
        """Route and deliver until nothing is due now; tells how many attempts were made.

        Raises:
            StoreUnavailable: The store cannot be reached; nothing is lost.
            SettingsError: The replay files cannot be used.
        """
        attempts = 0
        while True:
            while self._installation.replay is not None and self._installation.replay.step():
                pass
            while self._installation.router.route_next():
                pass
            made = sum(self._work_off_lane(lane) for lane in self._due_lanes())
            if made == 0:
                return attempts
            attempts += made

    def wait_for(self, tracking_id: str, patience: timedelta) -> bool:
        """Work, and watch others work, until a change is finished or patience has run out; tells whether it is."""
        rounds = max(1, int(patience / POLL))
        for _ in range(rounds):
            self.work_off()
            if self._is_finished(tracking_id):
                return True
            self._tick.wait(POLL.total_seconds())
        return False

    def close(self) -> None:
        """Give back all connections."""
        for worker, _ in self._workers.values():
            worker.close()

    def _due_lanes(self) -> list[str]:
        with self._installation.store.read() as tx:
            return [lane for lane, when in tx.deliveries.next_due().items() if when <= tx.now]

    def _work_off_lane(self, lane: str) -> int:
        if lane not in self._workers:
            circuit = self._installation.make_circuit()
            self._workers[lane] = (self._installation.make_worker(lane, circuit), circuit)
        worker = self._workers[lane][0]
        attempts = 0
        while worker.step():
            attempts += 1
        worker.finish()
        return attempts

    def _is_finished(self, tracking_id: str) -> bool:
        with self._installation.store.read() as tx:
            change = tx.changes.get(tracking_id)
            return change is not None and change.finished_at is not None
