"""Deleting what is finished for long never changes what becomes of any report, however late it comes.

Two installations live through the same, one with the shortest retention there is, the other with one that never ends.
Whatever is reported, each change ends alike in both, and so do the passwords.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, example, given, settings

from controller.model.actor import Actor
from controller.model.change import ChangeState
from controller.model.errors import Refused, Unavailable
from tests.doubles.pipeline import ALL_ON, FULL_ADAPTER, PipelineBench, pipeline_bench

HOUR = timedelta(hours=1)
SHORT = timedelta(0)
ENDLESS = timedelta(days=36_500)
LANE = "adapter/ldap"

reports = st.tuples(
    st.just("report"),
    st.sampled_from(["windows", "external"]),
    st.sampled_from(["A-1", "B-1", "Long-Password-1"]),
    st.none() | st.integers(0, 119),
)
waits = st.tuples(st.just("wait"), st.sampled_from([1, 45, 130, 260]))
events = st.lists(reports | waits | st.tuples(st.sampled_from(["away", "settle", "route", "retry"])), max_size=8)


class _World:
    """One installation."""

    def __init__(self, bench: PipelineBench) -> None:
        self.bench = bench
        self.outcomes: dict[int, tuple[str, str] | str] = {}
        self.changes: dict[int, str] = {}

    def live_through(self, number: int, event: tuple[object, ...]) -> None:
        match event:
            case ("report", where, str(password), None | int() as minutes):
                at = None if minutes is None else self.bench.now - timedelta(minutes=minutes)
                try:
                    if where == "windows":
                        self.changes[number] = self.bench.windows("alice", password, at=at)
                    else:
                        self.changes[number] = self.bench.external("ldap", "alice", password, at=at)
                except Refused as refusal:
                    self.outcomes[number] = refusal.reason
            case ("wait", int() as minutes):
                self.bench.wait(timedelta(minutes=minutes))
            case ("away",):
                self.bench.directories[LANE].fail_next(Unavailable("away"))
            case ("settle",):
                self.bench.settle()
            case ("route",):
                self.bench.route()
            case _:
                self.bench.operations.retry(self.bench.operations.parked(), by=Actor("ops"))
        self.note_ends()

    def note_ends(self) -> None:
        """Keep house, and note what has become of each change while it is there."""
        self.bench.keep_house()
        with self.bench.store.read() as tx:
            found = {number: tx.changes.get(change) for number, change in self.changes.items()}
        for number, change in found.items():
            if change is not None and change.state is not ChangeState.ACCEPTED:
                self.outcomes[number] = (change.state.value, change.reason)


@contextmanager
def _world(retention: timedelta) -> Iterator[_World]:
    with tempfile.TemporaryDirectory(prefix="pwsync-purging-") as folder, pipeline_bench(Path(folder)) as bench:
        bench.system(replace(ALL_ON, retention=retention, max_sync_age=2 * HOUR))
        bench.domain(password_change="reset")
        bench.adapter("ldap", FULL_ADAPTER, "alice").policy = lambda p: "too long" if len(p) > 10 else None
        bench.map("LDAP", "alice", "alice")
        yield _World(bench)


REFUSED_THEN_LATE = [
    ("report", "windows", "Long-Password-1", None),
    ("settle",),
    ("wait", 130),
    ("wait", 260),
    ("report", "windows", "A-1", 119),
]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events)
@example(REFUSED_THEN_LATE)
def test_no_decision_depends_on_what_was_deleted(happening: list[tuple[object, ...]]) -> None:
    with _world(SHORT) as tidy, _world(ENDLESS) as untidy:
        for number, event in enumerate([*happening, ("settle",), ("wait", 300), ("settle",)]):
            for world in (tidy, untidy):
                world.live_through(number, event)
        assert tidy.outcomes == untidy.outcomes
        for lane, directory in untidy.bench.directories.items():
            assert tidy.bench.directories[lane].accounts == directory.accounts
