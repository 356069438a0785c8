"""The threads that move changes: one router, and per lane a few workers that its deliveries are handed to."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from controller.model.errors import PwsyncError, SettingsError
from controller.pipeline.circuit import Circuit
from controller.pipeline.dispatch import LEASE, LaneWorker
from controller.pipeline.replay import Replay
from controller.pipeline.router import Router
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.store import Store
from controller.runtime.bells import Bells

WORKERS_PER_LANE = 4
POLL = timedelta(milliseconds=500)
"""How soon work that another process put into the store is noticed."""
PATIENCE = timedelta(seconds=2)
"""Before the next try when the store is away."""

log = structlog.get_logger()

MakeWorker = Callable[[str, Circuit], LaneWorker]
MakeCircuit = Callable[[], Circuit]


class _Nudges:
    """Wakes waiting workers, no more than there are: a nudge that nobody waits for is kept, a crowd of them is not."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._changed = threading.Condition()

    def give(self, count: int = 1) -> None:
        with self._changed:
            self._count = min(self._count + count, self._most)
            self._changed.notify(count)

    def take(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count > 0)
            self._count -= 1


@dataclass(slots=True)
class _Crew:
    """The workers of one lane."""

    circuit: Circuit
    nudges: _Nudges = field(default_factory=lambda: _Nudges(WORKERS_PER_LANE))
    workers: list[LaneWorker] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)


class Workers:
    """Starts and stops all threads of the pipeline."""

    def __init__(
        self,
        store: Store,
        router: Router,
        make_worker: MakeWorker,
        make_circuit: MakeCircuit,
        replay: Replay | None = None,
        *,
        bells: Bells,
        watch: Callable[[], None],
    ) -> None:
        self._store = store
        self._replay = replay
        self._router = router
        self._make_worker = make_worker
        self._make_circuit = make_circuit
        self._bells = bells
        self._watch = watch
        self._topology = TopologyReader()
        self._told: Topology | None = None
        self._crews: dict[str, _Crew] = {}
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start; returns at once."""
        for target in (self._route, self._renew):
            thread = threading.Thread(target=target, name=f"pwsync{target.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Say that there is a new change."""
        self._news.set()

    def stop(self) -> None:
        """Let every delivery under way finish and be settled; take no new one; return when all threads have ended."""
        self._stopping.set()
        self._news.set()
        for crew in self._crews.values():
            crew.nudges.give(len(crew.threads))
        for thread in [*self._threads, *(t for crew in self._crews.values() for t in crew.threads)]:
            thread.join()

    def _route(self) -> None:
        while not self._stopping.is_set():
            try:
                self._take_over_kept()
                while not self._stopping.is_set() and self._router.route_next():
                    self._summon()
                self._summon()
            except Exception as error:  # noqa: BLE001  # a defect must not end routing for good
                warn("Routing is held up", error)
                self._stopping.wait(PATIENCE.total_seconds())
            self._news.wait(POLL.total_seconds())
            self._news.clear()

    def _take_over_kept(self) -> None:
        """Take over what was accepted while the store was away. Files that cannot be used hold up nothing else."""
        try:
            while self._replay is not None and not self._stopping.is_set() and self._replay.step():
                pass
        except SettingsError as error:
            log.warning("Replay is held up", code=error.code, problem=str(error))

    def _summon(self) -> None:
        """Wake as many workers of each lane as there may be work for, or the remote adapter that waits for it."""
        with self._store.read() as tx:
            due, now = tx.deliveries.next_due(), tx.now
            topology = self._topology.read(tx)
        self._tell_groups(topology)
        remote = {f"adapter/{name}" for name in topology.remote_adapters()}
        for lane, when in due.items():
            if when > now:
                continue
            if lane in remote:
                self._bells.ring(lane)
            else:
                self._crew(lane).nudges.give()

    def _tell_groups(self, topology: Topology) -> None:
        """Wake the group adapters when anything was applied since they were last woken: their members may be others."""
        if topology is not self._told:
            self._told = topology
            for name in topology.group_adapters():
                self._bells.ring(f"adapter/{name}")

    def _crew(self, lane: str) -> _Crew:
        crew = self._crews.get(lane)
        if crew is None:
            crew = _Crew(self._make_circuit())
            for number in range(WORKERS_PER_LANE):
                worker = self._make_worker(lane, crew.circuit)
                name = f"pwsync-{lane}-{number}"
                thread = threading.Thread(target=self._deliver, args=(crew, worker), name=name, daemon=True)
                crew.workers.append(worker)
                crew.threads.append(thread)
            self._crews[lane] = crew
            for thread in crew.threads:
                thread.start()
        return crew

    def _deliver(self, crew: _Crew, worker: LaneWorker) -> None:
        while not self._stopping.is_set():
            crew.nudges.take()
            while not self._work_off(crew, worker):
                if self._stopping.wait(PATIENCE.total_seconds()):
                    break
        worker.close()

    def _work_off(self, crew: _Crew, worker: LaneWorker) -> bool:
        """Deliver what is due and settle it; tell whether nothing is left over.

        The router is told of what was settled alone: it summons again for what is due, also while the target is away.
        """
        has_news = worker.has_unsettled
        try:
            while not self._stopping.is_set() and worker.step():
                has_news = True
                crew.nudges.give()
            worker.finish()
        except Exception as error:  # noqa: BLE001  # a defect must not end a worker for good
            warn("A delivery is held up", error)
            return False
        if has_news:
            self._news.set()
        return True

    def _renew(self) -> None:
        while not self._stopping.wait(LEASE.total_seconds() / 3):
            for crew in list(self._crews.values()):
                for worker in crew.workers:
                    try:
                        worker.renew()
                    except Exception as error:  # noqa: BLE001  # nor the renewing of leases
                        warn("A lease cannot be renewed", error)
            try:
                self._watch()
            except Exception as error:  # noqa: BLE001  # nor the watch over remote adapters
                warn("Remote adapters cannot be watched", error)


def warn(sentence: str, error: Exception) -> None:
    """Log what went wrong: our own errors in words, a defect by its type alone, since its text may hold a secret."""
    if isinstance(error, PwsyncError):
        log.warning(sentence, code=error.code, problem=str(error))
    else:
        log.error(sentence, code="internal", problem=type(error).__name__)
