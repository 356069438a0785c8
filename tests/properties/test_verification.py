"""Whatever happens, no account is tried twice in a period, or where its system tells of a failure."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from controller.model.actor import Actor
from controller.model.errors import AccountRefused, ConnectorError, Unavailable
from controller.model.observation import Standing
from controller.model.secret import Secret
from controller.model.topology import Adapter, ConnectorSpec
from controller.model.verification import SETTLED_FOR, SHORTEST_PERIOD, VerificationPolicy
from controller.ports.connectors import Connector
from controller.reconcile.observer import Observer
from controller.reconcile.verifying import Verifier
from tests.doubles.memory import MemoryConnector
from tests.doubles.pipeline import ALL_ON, PipelineBench

NAMES = ("al", "AL", "bo")
SEEN: Counter[str] = Counter()
names = st.sampled_from(NAMES)
passwords = st.sampled_from(["A-1", "B-1"])
orders = st.lists(st.floats(0, 1), min_size=1, max_size=3)
hours = st.sampled_from([1, 3, 20, 24, 26, 60]).map(lambda count: timedelta(hours=count))


class _Killed(BaseException):
    """The process is gone."""


class Budget(RuleBasedStateMachine):
    """An adapter with three accounts, two of which its system takes for one (it ignores case)."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = PipelineBench(in_memory=True)
        self.period = SHORTEST_PERIOD
        self.tries: list[tuple[str, datetime, timedelta, Standing, datetime]] = []
        self.refused: dict[str, str] = {}
        self.killed_when: str | None = None
        self.bench.adapter("x", Adapter(ConnectorSpec("memory"), sync_to_adapter=True), *NAMES)
        for name in NAMES:
            self.bench.map("X", f"user-{NAMES.index(name)}", name)
        self.directory = self.bench.directories["adapter/x"]
        self.set_policy(SHORTEST_PERIOD, True)
        for name in NAMES:
            self.store(name, "A-1")
            self.set_in_the_system(name, "A-1" if name != "bo" else "B-1")
        self.bench.wait(SETTLED_FOR * 2)

    @rule(duration=hours)
    def wait(self, duration: timedelta) -> None:
        """Time passes."""
        self.bench.wait(duration)

    @rule(name=names, password=passwords)
    def store(self, name: str, password: str) -> None:
        """An administrator stores a password."""
        self.bench.credentials.set("X", name, Secret(password), by=Actor("tester"))
        self.refused.pop(name.lower(), None)

    @rule(name=names, password=passwords)
    def set_in_the_system(self, name: str, password: str) -> None:
        """Somebody sets the password where it is."""
        for spelling in (n for n in NAMES if n.lower() == name.lower()):
            self.directory.accounts[spelling] = password
            self.directory.set_at[spelling] = self.bench.now
            self.directory.standings[spelling] = Standing.CLEAN

    @rule(name=names, standing=st.sampled_from([*Standing, Standing.CLEAN, Standing.CLEAN]))
    def stand(self, name: str, standing: Standing) -> None:
        """What the system tells of an account changes."""
        for spelling in (n for n in NAMES if n.lower() == name.lower()):
            self.directory.standings[spelling] = standing

    @rule(period=st.sampled_from([SHORTEST_PERIOD, SHORTEST_PERIOD * 3]), enabled=st.booleans() | st.just(True))
    def set_policy(self, period: timedelta, enabled: bool) -> None:  # a rule's argument
        """The System says otherwise."""
        self.period = period
        policy = VerificationPolicy(enabled=enabled, period=period)
        self.bench.system(replace(ALL_ON, credential_verification=policy))

    @rule(ends=st.sampled_from(["well", "away", "refused"]), order=orders, times=st.integers(1, 3), after=hours)
    def look(self, ends: str, order: list[float], times: int, after: timedelta) -> None:
        """Later a controller looks, or several one after the other."""
        self._look(ends, order, times, after)

    @rule(ends=st.sampled_from(["killed before", "killed after"]), order=orders, times=st.integers(1, 3), after=hours)
    def die(self, ends: str, order: list[float], times: int, after: timedelta) -> None:
        """The same, but the last one is killed before or after its first try."""
        self._look(ends, order, times, after)

    def _look(self, ends: str, order: list[float], times: int, after: timedelta) -> None:
        self.bench.wait(after)
        for number in range(times):
            turns = iter(order * 50)
            self.killed_when = ends if number == times - 1 else "well"
            verifier = Verifier(self.bench.store, self.bench.sealer, lambda: next(turns))  # noqa: B023  # used at once
            try:
                Observer(self.bench.store, self._connect, verifier).look()
            except _Killed:
                SEEN["killed"] += 1

    def _connect(self, _: object) -> Connector:
        machine = self

        class Watched(MemoryConnector):
            def verify_password(self, account: str, password: Secret) -> bool:
                return machine.note(account, lambda: MemoryConnector.verify_password(self, account, password))

        return Watched(self.directory)

    def note(self, account: str, probe: Any) -> bool:  # a call
        """Note a try, and let it end as it shall."""
        if self.killed_when == "killed before":
            raise _Killed
        standing, set_at = self.directory.standings.get(account, Standing.CLEAN), self.directory.set_at[account]
        self.tries.append((account.lower(), self.bench.now, self.period, standing, set_at))
        SEEN["tried"] += 1
        errors: dict[str | None, ConnectorError] = {"away": Unavailable("away"), "refused": AccountRefused("no")}
        if self.killed_when in errors:
            raise errors[self.killed_when]
        is_right: bool = probe()
        if self.killed_when == "killed after":
            raise _Killed
        if not is_right:
            SEEN["differs"] += 1
            assert account.lower() not in self.refused or self.refused[account.lower()] != account
            self.refused[account.lower()] = account
        return is_right

    @invariant()
    def the_budget_holds(self) -> None:
        """Of each account: a period between any two tries, and none where a failure was told or the password new."""
        last: dict[str, datetime] = {}
        for account, at, period, standing, set_at in self.tries:
            assert account not in last or at - last[account] >= period
            assert standing is Standing.CLEAN
            assert at - set_at >= SETTLED_FOR
            last[account] = at


def test_no_sequence_of_events_exceeds_the_budget() -> None:
    chosen = settings(
        max_examples=40,
        stateful_step_count=25,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(Budget, settings=chosen)
    assert min(SEEN["tried"], SEEN["differs"], SEEN["killed"]) > 0
