"""Any interleaving of real changes, echoes, repeats, failures and crashes ends on the newest real password.

The world of this machine: alice has an account in Active Directory and in two external systems, all in full sync.
She changes her password wherever she likes; each system's capture reports every change of its account, in order,
sooner or later, whether she made it or we did, and some of them twice. Passwords repeat on purpose: A, B, A are three
changes. What has happened is counted over all examples: a machine in which nothing happens shows nothing.
"""

import os
from collections import Counter, deque
from datetime import datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from controller.model.accounts import account_of
from controller.model.errors import Busy, ConnectorError, Indeterminate, Unavailable
from controller.model.secret import Secret
from controller.pipeline.attempt import MOST_PROBES
from controller.pipeline.dispatch import LEASE
from controller.pipeline.echoes import CLOCK_TOLERANCE
from controller.ports.deliveries import DeliveryQuery
from tests.doubles.pipeline import FULL_ADAPTER, PipelineBench

LANES = {"domain/CORP": "alice", "adapter/ldap": "alice", "adapter/racf": "ALICE1"}
MOST_SECONDS_APART = CLOCK_TOLERANCE.seconds - 1
"""Of clocks: what happens within one step is told of up to a second later."""
lanes = st.sampled_from(sorted(LANES))
passwords = st.sampled_from(["A-1", "B-1", "C-1"])


class Pipeline(RuleBasedStateMachine):
    """Rules are what the world may do to us; at the end everything calms down and must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = PipelineBench(in_memory=True)
        self.newest: str | None = None
        self.to_report: dict[str, deque[tuple[str, datetime]]] = {lane: deque() for lane in LANES}
        self.seen_writes = dict.fromkeys(LANES, 0)
        self.told: dict[str, list[tuple[str, datetime]]] = {lane: [] for lane in LANES}
        self.echoes: list[str] = []
        self.by_hand: list[str] = []
        self.hard_failures = dict.fromkeys(LANES, 0)
        self.lost: dict[str, set[str]] = {lane: set() for lane in LANES}
        self.store_is_ahead = timedelta()

    @initialize(password_change=st.sampled_from(["reset", "change"]), lane=lanes)
    def set_up(self, password_change: str, lane: str) -> None:
        """Everything is on, and alice has changed her password for the first time."""
        self.bench.system()
        self.bench.domain(password_change=password_change)
        self.bench.adapter("ldap", FULL_ADAPTER, "alice")
        self.bench.adapter("racf", FULL_ADAPTER, "ALICE1")
        self.bench.map("LDAP", "alice", "alice")
        self.bench.map("RACF", "alice", "ALICE1")
        self.bench.set_stored_windows("alice", "old")
        self.change_by_hand(lane, "A-1")

    @rule(lane=lanes, password=passwords)
    def change_by_hand(self, lane: str, password: str) -> None:
        """Alice changes her password; capture reports all of that system's changes up to this one at once.

        She never sets the password she has: no directory would take that as a change. Nor one that we have tried to
        write there, and of which nobody was told that this came to nothing, as long as its echo may be still to come:
        nobody could tell her change from that write (docs/critiques.md).
        """
        self._tick()
        directory = self.bench.directories[lane]
        if directory.accounts[LANES[lane]] == password or self._could_be_ours(lane, password):
            return
        SEEN["returns to a lost write"] += password in self.lost[lane]
        self._capture(lane)
        self.report_all(lane)
        self._tick()  # two changes of one account at the same moment could not be told from a repeat
        directory.accounts[LANES[lane]] = password
        self.newest = password
        self.by_hand.append(self._report(lane, password, self._sources_now()))

    @rule(lane=lanes, password=passwords, to=lanes)
    def change_and_deliver(self, lane: str, password: str, to: str) -> None:
        """She changes it, and one system has an attempt made at it."""
        self.change_by_hand(lane, password)
        self.bench.route()
        self.bench.deliver(to, most=1)

    @rule(lane=lanes, password=passwords, to=lanes)
    def change_and_die(self, lane: str, password: str, to: str) -> None:
        """She changes it, and the process dies while it writes to one system."""
        self.change_by_hand(lane, password)
        self.bench.route()
        self.die_in_the_middle(to)

    @rule()
    def settle(self) -> None:
        """Everything that is due is routed and delivered."""
        self._tick()
        self.bench.settle()

    @rule(lane=lanes, password=passwords)
    def change_and_settle(self, lane: str, password: str) -> None:
        """She changes it, and all that is due is done."""
        self.change_by_hand(lane, password)
        self.settle()

    @rule(lane=lanes, back=st.integers(1, 3))
    def repeat_report(self, lane: str, back: int) -> None:
        """Capture had no answer to one of its reports and sends it again."""
        if len(self.told[lane]) >= back:
            SEEN["repeats"] += 1
            password, at = self.told[lane][-back]
            self.echoes.append(self._send(lane, password, at))

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
        probes = self.bench.directories[lane].probes
        before = len(probes)
        SEEN["deaths under way"] += self.bench.new_worker(lane).step()
        self.lost[lane] |= {password for _, password in probes[before:]}
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

    @rule(difference=st.integers(-MOST_SECONDS_APART, MOST_SECONDS_APART))
    def step_clock(self, difference: int) -> None:
        """The store's clock jumps, back or forth; it never differs from the sources' by more than is tolerated."""
        step = timedelta(seconds=difference) - self.store_is_ahead
        self.bench.wait(step)
        self.store_is_ahead += step

    def teardown(self) -> None:
        """Everything calms down: all agree on the newest, and no echo went anywhere."""
        try:
            self._count()
            if self.newest is not None:
                self._calm_down()
                have = {lane: self.bench.password(lane, account) for lane, account in LANES.items()}
                assert set(have.values()) == {self.newest}, have
                stored = {self.bench.stored("LDAP", "alice"), self.bench.stored("RACF", "ALICE1")}
                assert stored == {self.newest}
                assert {self.bench.outcome(e)[0] for e in self.echoes} <= {"discarded"}
                assert ("discarded", "damped") not in {self.bench.outcome(change) for change in self.by_hand}
                assert self._parked() == []
        finally:
            self.bench.close()

    def _count(self) -> None:
        """Note what has happened before everything calms down."""
        SEEN["examples"] += 1
        SEEN["changes"] += len(self.by_hand)
        SEEN["echoes"] += len(self.echoes)
        SEEN["writes"] += sum(len(directory.writes) for directory in self.bench.directories.values())
        events = self.bench.events()
        SEEN.update(event.name for event in events)
        SEEN["lost answers"] += sum(event.fields.get("code") == Indeterminate.code for event in events)

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

    def _could_be_ours(self, lane: str, password: str) -> bool:
        """Whether an attempt to write this password wrote nothing, its answer was lost, and its echo is awaited."""
        account = account_of(lane, LANES[lane])
        with self.bench.store.read() as tx:
            writes = tx.fingerprints.get(account).writes
        wanted = self.bench.sealer.fingerprint(Secret(password), account)
        return password in self.lost[lane] and wanted in {write.password for write in writes}

    def _sources_now(self) -> datetime:
        return self.bench.now - self.store_is_ahead

    def _tick(self) -> None:
        self.bench.wait(timedelta(seconds=1))

    def _capture(self, lane: str) -> None:
        """Note our writes that a system's capture has not seen yet."""
        writes = self.bench.directories[lane].writes
        for number, write in enumerate(writes[self.seen_writes[lane] :]):
            at = self._sources_now() + timedelta(milliseconds=number)  # no two changes at the same moment
            self.to_report[lane].append((write.password, at))
        self.seen_writes[lane] = len(writes)

    def _report(self, lane: str, password: str, at: datetime) -> str:
        self.told[lane].append((password, at))
        return self._send(lane, password, at)

    def _send(self, lane: str, password: str, at: datetime) -> str:
        if lane == "domain/CORP":
            return self.bench.windows("alice", password, at=at)
        return self.bench.external(lane.removeprefix("adapter/"), LANES[lane], password, at=at)

    def check_invariants(self, *args: Any, **kwargs: Any) -> None:  # as hypothesis calls it
        """Count the step, and note the time of each write that was made in it."""
        SEEN["steps"] += 1
        for lane, directory in self.bench.directories.items():
            self._capture(lane)
            self.lost[lane] |= {write.password for write in directory.refused}
        super().check_invariants(*args, **kwargs)


SEEN: Counter[str] = Counter()
"""What happened in all examples together."""
IS_SOAK = bool(os.environ.get("PWSYNC_SOAK"))
"""Set by tests/benchmarks/soak: at least 20,000 steps, others each time. Without: few, the same each time."""
EXAMPLES = 700 if IS_SOAK else 30
LEAST = {
    "steps": 20,
    "changes": 2,
    "writes": 1.5,
    "echoes": 1.5,
    "repeats": 0.3,
    "returns to a lost write": 0.03,
    "deaths under way": 0.05,
    "lost answers": 0.03,
    "deliveryConfirmed": 1.5,
    "deliveryRetrying": 0.03,
    "deliverySuperseded": 0.5,
    "changeDamped": 1,
    "changeStale": 0.1,
}
"""How often each must have happened, per example."""


@pytest.mark.timeout(3600 if IS_SOAK else 200)
def test_any_interleaving_ends_on_the_newest_password_everywhere() -> None:
    SEEN.clear()
    profile = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        derandomize=not IS_SOAK,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Pipeline, settings=profile)
    assert {name: SEEN[name] for name, least in LEAST.items() if SEEN[name] < least * EXAMPLES} == {}
    assert not IS_SOAK or SEEN["steps"] >= 20_000
