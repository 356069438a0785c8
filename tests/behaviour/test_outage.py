"""72 hours without a target, and without the store: rows Q3, Q5, Q8, T3 and R4 together."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from controller.model.change import ChangeState
from controller.model.delivery import DeliveryState
from controller.pipeline.circuit import AWAY
from controller.ports.changes import ChangeQuery
from controller.ports.deliveries import DeliveryQuery
from controller.replay.appending import Limits
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import ALL_ON, OPEN_ADAPTER, PipelineBench, pipeline_bench
from tests.doubles.replay import replay_bench

HOUR = timedelta(hours=1)
STEP = HOUR
OUTAGE = 72 * HOUR
LANE = "adapter/ldap"
USERS = [f"user{number:02}" for number in range(12)]


class Town:
    """Users who change their passwords all the time, some of them often.

    Attributes:
        newest: The last password of each user.
        changes: Tracking IDs of each user's changes with the hour of the outage, oldest first.
    """

    def __init__(self, bench: PipelineBench) -> None:
        self.bench = bench
        self.newest: dict[str, str] = {}
        self.changes: dict[str, list[tuple[str, timedelta]]] = {user: [] for user in USERS}

    def change(self, user: str, since: timedelta) -> None:
        """A user chooses a new password."""
        self.newest[user] = f"{user}-{len(self.changes[user])}"
        self.changes[user].append((self.bench.windows(user, self.newest[user]), since))

    def live(self, since: timedelta) -> None:
        """Every hour one of the first ten, in turn; every five hours the first one once more; the others once each."""
        hours = since // HOUR
        self.change(USERS[hours % 10], since)
        if hours % 5 == 0:
            self.change(USERS[0], since)
        if hours in {3, 70}:
            self.change(USERS[10 if hours == 3 else 11], since)

    def newest_changes(self) -> Iterator[tuple[str, str, timedelta]]:
        """User, tracking ID of the last change, and when it was made."""
        for user, made in self.changes.items():
            yield (user, *made[-1])


def _bench_with_users(bench: PipelineBench, max_sync_age: timedelta) -> MemoryDirectory:
    bench.system(replace(ALL_ON, max_sync_age=max_sync_age))
    bench.domain()
    directory = bench.adapter("ldap", OPEN_ADAPTER, *USERS)
    for user in USERS:
        bench.map("LDAP", user, user)
    return directory


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[PipelineBench]:
    """An installation without any object."""
    with pipeline_bench(tmp_path) as made:
        yield made


def _live_without_the_target(bench: PipelineBench, directory: MemoryDirectory) -> Town:
    town = Town(bench)
    with directory.down():
        since = timedelta()
        while since < OUTAGE:
            town.live(since)
            bench.settle()
            bench.keep_house()
            bench.wait(STEP)
            since += STEP
    return town


def _attempts(bench: PipelineBench) -> int:
    with bench.store.read() as tx:
        return sum(d.attempts for d in tx.deliveries.find(DeliveryQuery(limit=10_000)))


def test_72_hours_without_a_target_end_with_the_newest_passwords_everywhere(bench: PipelineBench) -> None:
    directory = _bench_with_users(bench, 96 * HOUR)
    town = _live_without_the_target(bench, directory)
    waiting = [d for user, change, _ in town.newest_changes() for d in bench.deliveries(change)]
    assert {d.state for d in waiting} <= {DeliveryState.PENDING, DeliveryState.RETRYING}
    assert {d.counted_attempts for d in waiting} == {0}, "being away burns no tries"
    assert _attempts(bench) <= OUTAGE / STEP, "no more than one at each look"

    bench.settle()
    assert directory.accounts == town.newest
    assert [w.account for w in directory.writes] == _users_by_their_newest_change(bench, town), "oldest first"
    for made in town.changes.values():
        outcomes = [bench.outcome(change) for change, _ in made]
        assert outcomes == [("discarded", "superseded")] * (len(made) - 1) + [("completed", "")]
    assert [len(bench.events(name)) for name in ("adapterOffline", "adapterOnline")] == [1, 1]
    assert bench.events("deliveryParked") == bench.events("deliveryExpired") == []


def _users_by_their_newest_change(bench: PipelineBench, town: Town) -> list[str]:
    by_sequence = {bench.change(change).sequence: user for user, change, _ in town.newest_changes()}
    return [by_sequence[sequence] for sequence in sorted(by_sequence)]


def test_the_attempts_of_an_outage_are_bounded_however_often_the_lane_is_looked_at(bench: PipelineBench) -> None:
    directory = _bench_with_users(bench, 96 * HOUR)
    for user in USERS:
        bench.windows(user, "New-1")
    with directory.down():
        for _ in range(600):
            bench.settle()
            bench.wait(timedelta(seconds=1))
    after = (1, 2, 4, 8, 16, 32)  # seconds between the first attempts; then as many as AWAY.longest allows
    assert _attempts(bench) == 1 + len(after) + (timedelta(seconds=600 - sum(after)) // AWAY.longest)


def test_after_72_hours_what_is_older_than_the_sync_age_has_expired_and_said_so(bench: PipelineBench) -> None:
    directory = _bench_with_users(bench, 24 * HOUR)
    town = _live_without_the_target(bench, directory)
    bench.settle()
    late = {user: change for user, change, since in town.newest_changes() if since <= OUTAGE - 24 * HOUR}
    assert list(late) == ["user10"], "who has not changed the password within the last day"
    assert bench.outcome(late["user10"]) == ("failed", "deliveryExpired")
    assert [(e.account, e.tracking_id) for e in bench.events("deliveryExpired")] == [("user10", late["user10"])]
    assert [e.tracking_id for e in bench.events("changeFailed")] == [late["user10"]]
    assert directory.accounts == town.newest | {"user10": "old"}


def test_after_72_hours_without_the_store_what_is_younger_than_the_sync_age_is_taken_over(tmp_path: Path) -> None:
    with replay_bench(tmp_path, Limits(file=8192)) as bench:
        directory = _bench_with_users(bench, 24 * HOUR)
        bench.learn()
        town = Town(bench)
        with bench.away():
            for hours in range(72):
                town.live(hours * HOUR)
                bench.wait(HOUR)
            bench.restart()
        files = len(bench.files())
        bench.catch_up()
        bench.settle()
        made = [change for changes in town.changes.values() for change in changes]
        expired = {change for change, since in made if since <= OUTAGE - 24 * HOUR}
        assert {c for c, _ in made if bench.outcome(c) == ("discarded", "expired")} == expired
        young = {user for user, _, since in town.newest_changes() if since > OUTAGE - 24 * HOUR}
        assert directory.accounts == {user: town.newest[user] if user in young else "old" for user in USERS}
        assert 0 < len(bench.events("replayFileExpired")) < files
        assert (bench.files(), bench.set_aside()) == ([], [])
        with bench.store.read() as tx:
            found = tx.changes.find(ChangeQuery(limit=1000))
        assert {c.tracking_id for c in found} == {change for change, _ in made}, "each tells what became of it"
        assert {c.state for c in found} <= {ChangeState.COMPLETED, ChangeState.DISCARDED}
