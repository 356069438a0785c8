"""The running controller: the reconcile loop and the pipeline's threads, started and stopped together."""

import threading
import time
from datetime import timedelta

import structlog

from controller.model.errors import PwsyncError, StoreUnavailable
from controller.model.topology import ReconcilePolicy
from controller.pipeline.topology import TopologyReader
from controller.ports.store import Store
from controller.reconcile.reconciler import Outcome, Reconciler, ReconcileResult
from controller.runtime.actors import process_name
from controller.runtime.desired import LastingReading, Paths
from controller.runtime.housekeeping import HousekeepingRounds
from controller.runtime.observing import ObserverRounds
from controller.runtime.policies import PolicyRounds
from controller.runtime.reading import make_users
from controller.runtime.rounds import Rounds
from controller.runtime.scheduler import Scheduler
from controller.runtime.users import UserRounds
from controller.runtime.watching import ManifestWatch
from controller.runtime.wiring import Installation
from controller.runtime.workers import Workers

log = structlog.get_logger()

LEASE_NAME = "reconcile"
LEADERSHIP = timedelta(minutes=2)
"""How long the right to reconcile outlives the round that its holder owes next."""


class Controller:
    """Reconciles now and periodically, and delivers all the time. The System says how often."""

    def __init__(self, installation: Installation, reconciler: Reconciler) -> None:
        self._store: Store = installation.store
        self._reconciler = reconciler
        self._workers: Workers = installation.make_workers()
        self._interval = ReconcilePolicy().interval
        self._scheduler = Scheduler(self._round, self._interval)
        self._housekeeping = HousekeepingRounds(installation.make_housekeeping())
        self._policies = PolicyRounds(installation.store, installation.catalogue)
        self._observer = ObserverRounds(installation.store, installation.sealer, installation.catalogue)
        self._users = UserRounds(make_users(installation.store))
        self._topology = TopologyReader()
        self._replay = installation.replay
        self._metrics = installation.metrics
        self._holder = process_name()
        self.rounds = Rounds()
        self._round_lock = threading.Lock()
        self._watch: ManifestWatch | None = None
        self._stopping = threading.Lock()
        self._has_stopped = False

    def watch(self, paths: Paths, reading: LastingReading, poll: timedelta) -> None:
        """From the start on, reconcile also when manifests have changed."""
        self._watch = ManifestWatch(paths, reading, poll, self._round)

    def start(self) -> None:
        """Reconcile once, then start all threads."""
        self._round()
        self._workers.start()
        self._scheduler.start()
        self._users.start()
        self._policies.start()
        self._observer.start()
        self._housekeeping.start()
        if self._watch is not None:
            self._watch.start()

    def wake(self) -> None:
        """Say that there is a new change."""
        self._workers.wake()

    def stop(self) -> None:
        """Finish what is under way, settle it, and give back the lead. A second call waits for the first."""
        with self._stopping:
            if not self._has_stopped:
                self._has_stopped = True
                self._stop()

    def _stop(self) -> None:
        if self._watch is not None:
            self._watch.stop()
        self._reconciler.stop()
        self._users.stop()
        self._policies.stop()
        self._observer.stop()
        self._scheduler.stop()
        self._workers.stop()
        try:
            self._housekeeping.stop()
            with self._store.write() as tx:
                tx.leases.release(LEASE_NAME, self._holder)
        except StoreUnavailable as error:
            log.warning("Leases are not given back; they run out by themselves", code=error.code, problem=str(error))

    def _round(self) -> None:
        try:
            with self._round_lock:
                self._lead_or_follow()
        except PwsyncError as error:
            log.warning("A round of the reconcile loop is skipped", code=error.code, problem=str(error))

    def _lead_or_follow(self) -> None:
        with self._store.write() as tx:
            token = tx.leases.acquire(LEASE_NAME, self._holder, self._interval + LEADERSHIP)
        if self._metrics is not None:
            self._metrics.note_lead(None if token is None else self._interval + LEADERSHIP)
        result: ReconcileResult | None = None
        if token is None:
            log.debug("Another controller has the lead")
        else:
            result = self._reconcile()
            self._users.wake()
            self._observer.wake()
            self._workers.wake()
        with self._store.read() as tx:
            topology, now = self._topology.read(tx), tx.now
        if self._replay is not None:
            self._replay.learn(topology, now)
        self._interval = topology.system.reconcile.interval
        self._scheduler.set_interval(self._interval)
        self.rounds.note(result, now, self._interval)
        if self._metrics is not None:
            self._metrics.note_interval(self._interval)

    def _reconcile(self) -> ReconcileResult:
        start = time.monotonic()
        result = self._reconciler.reconcile()
        if self._metrics is not None:
            self._metrics.note_round(result, time.monotonic() - start)
        log_result(result)
        return result


def log_result(result: ReconcileResult) -> None:
    """Log how a round of the reconcile loop ended."""
    match result.outcome:
        case Outcome.IN_SYNC:
            log.debug("The actual state is as declared")
        case Outcome.APPLIED:
            log.info("A plan was applied", changes=len(result.plan.changes) if result.plan is not None else 0)
        case Outcome.HELD:
            holds = result.plan.holds if result.plan is not None else ()
            log.error("A plan is held", reasons=[hold.message for hold in holds][:20])
        case Outcome.SUSPENDED:
            log.warning("The reconcile loop is suspended: nothing is applied")
        case Outcome.OVERTAKEN:
            log.info("Another apply came first; the next round decides")
        case Outcome.FAILED:
            log.error("The reconcile loop could not finish", problem=str(result.error))
