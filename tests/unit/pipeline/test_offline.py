"""An adapter that keeps no queue while it is offline: only the trial stays (behaviour Q5)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.delivery import DeliveryState
from controller.model.errors import Indeterminate
from controller.model.topology import Kind, NotificationPolicy
from controller.pipeline import housekeeping
from controller.pipeline.lanes import note_offline
from controller.pipeline.offline import droppable
from tests.contracts.store.examples import delivery
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench

MINUTE = timedelta(minutes=1)
LANE = "adapter/ldap"
NO_QUEUE = replace(OPEN_ADAPTER, notifications=NotificationPolicy(store_when_offline=False))
USERS = ("alice", "bob", "carol", "dave")


@pytest.fixture
def directory(bench: PipelineBench) -> MemoryDirectory:
    """Four users are mapped on the adapter ``ldap``, which keeps no queue; this is its directory."""
    made = bench.adapter("ldap", NO_QUEUE, *USERS)
    for user in USERS:
        bench.map("LDAP", user, user)
    return made


def _take_away(bench: PipelineBench) -> None:
    with bench.store.write() as tx:
        note_offline(tx, LANE, "unavailable", "away")


def _states(bench: PipelineBench, *changes: str) -> list[tuple[str, str]]:
    return [(d.state.value, d.code) for change in changes for d in bench.deliveries(change)]


@pytest.mark.usefixtures("directory")
def test_while_it_is_offline_only_the_first_change_is_queued_as_the_trial(bench: PipelineBench) -> None:
    _take_away(bench)
    trial, second, third = (bench.windows(user, "New-1") for user in USERS[:3])
    bench.route()
    assert _states(bench, trial, second, third) == [
        ("pending", ""),
        ("expired", "adapterOffline"),
        ("expired", "adapterOffline"),
    ]
    assert bench.outcome(second) == ("failed", "deliveryExpired")
    assert bench.deliveries(second)[0].sealed_password is None
    assert [e.fields["code"] for e in bench.events("deliveryExpired")] == ["adapterOffline"] * 2


def test_the_trial_finds_out_that_the_target_is_back_and_all_is_queued_again(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    _take_away(bench)
    trial = bench.windows("alice", "New-1")
    bench.settle()
    later = bench.windows("bob", "New-2")
    bench.settle()
    assert [bench.outcome(change) for change in (trial, later)] == [("completed", "")] * 2
    assert directory.accounts["bob"] == "New-2"


@pytest.mark.usefixtures("directory")
def test_a_newer_change_of_the_same_account_takes_the_trial_s_place(bench: PipelineBench) -> None:
    _take_away(bench)
    older, newer = bench.windows("alice", "Older"), bench.windows("alice", "Newer")
    bench.route()
    assert _states(bench, older, newer) == [("superseded", "superseded"), ("pending", "")]


def test_a_dropped_change_is_newer_than_the_attempt_under_way(bench: PipelineBench, directory: MemoryDirectory) -> None:
    older = bench.windows("alice", "Older")
    bench.route()
    with directory.down():
        assert bench.worker(LANE).step()
        _take_away(bench)
        newer = bench.windows("alice", "Newer")
        bench.route()
        bench.worker(LANE).finish()
    assert _states(bench, older, newer) == [("superseded", "superseded"), ("expired", "adapterOffline")]


@pytest.mark.usefixtures("directory")
def test_an_adapter_that_keeps_its_queue_is_not_affected(bench: PipelineBench) -> None:
    bench.put(Kind.ADAPTER, "ldap", OPEN_ADAPTER)
    _take_away(bench)
    changes = [bench.windows(user, "New-1") for user in USERS]
    bench.route()
    bench.keep_house()
    assert _states(bench, *changes) == [("pending", "")] * 4


@pytest.mark.usefixtures("directory")
def test_what_was_queued_before_is_dropped_by_the_next_housekeeping_but_for_the_trial(
    bench: PipelineBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    changes = [bench.windows(user, "New-1") for user in USERS]
    bench.route()
    bench.keep_house()
    assert _states(bench, *changes) == [("pending", "")] * 4
    _take_away(bench)
    bench.keep_house()
    assert _states(bench, *changes) == [("pending", "")] + [("expired", "adapterOffline")] * 3
    bench.keep_house()
    assert _states(bench, *changes)[0] == ("pending", "")


def test_an_attempt_in_doubt_stays_until_its_target_was_asked(bench: PipelineBench, directory: MemoryDirectory) -> None:
    directory.fail_next(Indeterminate("no answer"))
    doubtful, waiting = bench.windows("alice", "New-1"), bench.windows("bob", "New-2")
    bench.route()
    bench.deliver(LANE, most=1)
    _take_away(bench)
    bench.keep_house()
    assert _states(bench, doubtful, waiting) == [("retrying", "indeterminate"), ("expired", "adapterOffline")]


@pytest.mark.usefixtures("directory")
def test_dropping_ends_when_the_target_is_back(bench: PipelineBench) -> None:
    changes = [bench.windows(user, "New-1") for user in USERS[:3]]
    bench.route()
    _take_away(bench)
    steps = housekeeping.Housekeeping(bench.store, bench.sealer, bench.new_id, "bench").steps()
    next(steps)
    bench.deliver(LANE, most=1)
    list(steps)
    assert [state for state, _ in _states(bench, *changes)] == ["confirmed", "expired", "pending"]


@pytest.mark.usefixtures("directory")
def test_one_that_was_taken_meanwhile_is_not_dropped(bench: PipelineBench) -> None:
    changes = [bench.windows(user, "New-1") for user in USERS[:3]]
    bench.route()
    _take_away(bench)
    steps = housekeeping.Housekeeping(bench.store, bench.sealer, bench.new_id, "bench").steps()
    next(steps)
    with bench.store.write() as tx:
        (taken,) = tx.deliveries.of_change(changes[2])
        tx.deliveries.save(replace(taken, must_probe=True))
    list(steps)
    assert [state for state, _ in _states(bench, *changes)] == ["expired", "expired", "pending"], "it is the trial now"


def test_what_is_in_flight_is_the_trial_and_all_that_waits_goes() -> None:
    waiting = [delivery("a"), delivery("b")]
    assert droppable([*waiting, delivery("c", state=DeliveryState.IN_FLIGHT)]) == waiting
    assert droppable(waiting[::-1]) == waiting[1:]
    assert droppable([]) == []
