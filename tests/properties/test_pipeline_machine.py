"""Any interleaving of real changes, echoes, repeats, failures and crashes ends on the newest real password.

The world of this machine: alice has an account in Active Directory and in two external systems, all in full sync.
She changes her password wherever she likes; each system's capture reports every change of its account, in order,
sooner or later, whether she made it or we did. Passwords repeat on purpose: A, B, A are three changes.
"""

import os
import tempfile
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from controller.model.accounts import account_of
from controller.model.errors import Busy, ConnectorError, Indeterminate, Unavailable
from controller.model.secret import Secret
from controller.pipeline.attempt import MOST_PROBES
from controller.pipeline.damping import CLOCK_TOLERANCE
from controller.pipeline.dispatch import LEASE
from controller.ports import DeliveryQuery
from tests.doubles.pipeline import FULL_ADAPTER, PipelineBench

LANES = {"domain/CORP": "alice", "adapter/ldap": "alice", "adapter/racf": "ALICE1"}
lanes = st.sampled_from(sorted(LANES))
passwords = st.sampled_from(["A-1", "B-1", "C-1"])


class Pipeline(RuleBasedStateMachine):
    """Rules are what the world may do to us; at the end everything calms down and must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="pwsync-machine-")
        self.bench = PipelineBench(Path(self.folder.name))
        self.newest: str | None = None
        self.to_report: dict[str, deque[tuple[str, datetime]]] = {lane: deque() for lane in LANES}
        self.seen_writes = dict.fromkeys(LANES, 0)
        self.echoes: list[str] = []
        self.hard_failures = dict.fromkeys(LANES, 0)
        self.store_is_ahead = timedelta()

    @initialize(password_change=st.sampled_from(["reset", "change"]))
    def set_up(self, password_change: str) -> None:
        """Everything is on."""
        self.bench.system()
        self.bench.domain(password_change=password_change)
        self.bench.adapter("ldap", FULL_ADAPTER, "alice")
        self.bench.adapter("racf", FULL_ADAPTER, "ALICE1")
        self.bench.map("LDAP", "alice", "alice")
        self.bench.map("RACF", "alice", "ALICE1")
        self.bench.set_stored_windows("alice", "old")

    @rule(lane=lanes, password=passwords)
    def change_by_hand(self, lane: str, password: str) -> None:
        """Alice changes her password; capture reports all of that system's changes up to this one at once.

        She never sets the password she has: no directory would take that as a change. Nor the one that we may be
        writing there at the moment: nobody could tell her change from our write (docs/critiques.md).
        """
        self._tick()
        directory = self.bench.directories[lane]
        if directory.accounts[LANES[lane]] == password or self._is_being_written(lane, password):
            return
        self._capture(lane)
        self.report_all(lane)
        directory.accounts[LANES[lane]] = password
        self.newest = password
        self._report(lane, password, self._sources_now())

    @rule(lane=lanes)
    def report_all(self, lane: str) -> None:
        """Capture hands over what it has seen of our writes."""
        self._capture(lane)
        while self.to_report[lane]:
            password, at = self.to_report[lane].popleft()
            self.echoes.append(self._report(lane, password, at))

    @rule(lane=lanes)
    def report_one(self, lane: str) -> None:
        """Capture hands over the oldest of what it has seen."""
        self._capture(lane)
        if self.to_report[lane]:
            password, at = self.to_report[lane].popleft()
            self.echoes.append(self._report(lane, password, at))

    @rule()
    def route_one(self) -> None:
        """The router takes one change."""
        self._tick()
        self.bench.router.route_next()

    @rule(lane=lanes)
    def deliver_one(self, lane: str) -> None:
        """A worker makes one attempt and settles it."""
        self._tick()
        self.bench.deliver(lane, most=1)

    @rule(lane=lanes)
    def die_in_the_middle(self, lane: str) -> None:
        """A worker writes and the process dies before it could note so."""
        self._tick()
        self.bench.new_worker(lane).step()
        self.bench.restart()

    @rule(lane=lanes, error=st.sampled_from([Unavailable, Busy, Indeterminate]), applied=st.booleans())
    def fail_next(self, lane: str, error: type[ConnectorError], applied: bool) -> None:  # drawn by hypothesis
        """The next write meets an error; an answer may be lost before or after the change."""
        if not issubclass(error, Unavailable):
            self.hard_failures[lane] += 1
            if self.hard_failures[lane] > MOST_PROBES:
                return  # more of them in a row do ask for a person
        is_after = applied and issubclass(error, Indeterminate)
        self.bench.directories[lane].fail_next(error("by chance"), when="after" if is_after else "before")

    @rule(seconds=st.integers(1, 90))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.bench.wait(timedelta(seconds=seconds))

    @rule(difference=st.integers(-CLOCK_TOLERANCE.seconds, CLOCK_TOLERANCE.seconds))
    def step_clock(self, difference: int) -> None:
        """The store's clock jumps, back or forth; it never differs from the sources' by more than is tolerated."""
        step = timedelta(seconds=difference) - self.store_is_ahead
        self.bench.wait(step)
        self.store_is_ahead += step

    def teardown(self) -> None:
        """Everything calms down: all agree on the newest, and no echo went anywhere."""
        try:
            if self.newest is not None:
                self._calm_down()
                have = {lane: self.bench.password(lane, account) for lane, account in LANES.items()}
                assert set(have.values()) == {self.newest}, have
                stored = {self.bench.stored("LDAP", "alice"), self.bench.stored("RACF", "ALICE1")}
                assert stored == {self.newest}
                assert {self.bench.outcome(e)[0] for e in self.echoes} <= {"discarded"}
                assert self._parked() == []
        finally:
            self.bench.close()
            self.folder.cleanup()

    def _calm_down(self) -> None:
        for _ in range(200):
            self.bench.settle()
            for lane in LANES:
                self.report_all(lane)
            self.bench.wait(LEASE + timedelta(seconds=1))
            with self.bench.store.read() as tx:
                if not tx.changes.count_by_state().get("accepted") and not tx.deliveries.next_due():
                    return
        raise AssertionError("it never calms down")

    def _parked(self) -> list[str]:
        with self.bench.store.read() as tx:
            return [d.message for d in tx.deliveries.find(DeliveryQuery(state="parked"))]

    def _is_being_written(self, lane: str, password: str) -> bool:
        account = account_of(lane, LANES[lane])
        with self.bench.store.read() as tx:
            known = tx.fingerprints.get(account)
        return known.writing == self.bench.sealer.fingerprint(Secret(password), account)

    def _sources_now(self) -> datetime:
        return self.bench.now - self.store_is_ahead

    def _tick(self) -> None:
        self.bench.wait(timedelta(seconds=1))

    def _capture(self, lane: str) -> None:
        """Note our writes that a system's capture has not seen yet."""
        writes = self.bench.directories[lane].writes
        for write in writes[self.seen_writes[lane] :]:
            self.to_report[lane].append((write.password, self._sources_now()))
        self.seen_writes[lane] = len(writes)

    def _report(self, lane: str, password: str, at: datetime) -> str:
        if lane == "domain/CORP":
            return self.bench.windows("alice", password, at=at)
        return self.bench.external(lane.removeprefix("adapter/"), LANES[lane], password, at=at)


IS_SOAK = bool(os.environ.get("PWSYNC_SOAK"))
"""Set by tests/benchmarks/soak: at least 20,000 steps, others each time. Without: few, the same each time."""

Pipeline.TestCase.settings = settings(
    max_examples=1600 if IS_SOAK else 25,
    stateful_step_count=25,
    derandomize=not IS_SOAK,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestPipeline = pytest.mark.timeout(3600 if IS_SOAK else 120)(Pipeline.TestCase)
