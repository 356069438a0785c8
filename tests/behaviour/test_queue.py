"""Queue and delivery: rows Q1 to Q5, Q9 and Q10, and M7."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.actor import Actor
from controller.model.errors import Busy, NotFound
from controller.model.topology import Application, Kind, NotificationPolicy
from controller.ports.lanes import LaneStatus
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench

MINUTE = timedelta(minutes=1)
LANE = "adapter/ldap"


@pytest.fixture
def directory(bench: PipelineBench) -> MemoryDirectory:
    """Alice and bob are mapped on the adapter ``ldap``; this is its directory."""
    made = bench.adapter("ldap", OPEN_ADAPTER, "alice", "bob")
    bench.map("LDAP", "alice", "alice")
    bench.map("LDAP", "bob", "bob")
    return made


def test_q1_what_was_accepted_survives_a_crash(bench: PipelineBench, directory: MemoryDirectory) -> None:
    change = bench.windows("alice", "new")
    bench.restart()
    bench.route()
    bench.restart()
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert directory.accounts["alice"] == "new"


def test_q2_the_database_follows_only_what_the_target_has_confirmed(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    directory.fail_next(Busy("not now"))
    bench.windows("alice", "new")
    bench.settle()
    assert bench.stored("LDAP", "alice") is None
    bench.wait(MINUTE)
    bench.settle()
    assert bench.stored("LDAP", "alice") == "new"
    names = [e.name for e in reversed(bench.events())]
    assert names.index("deliveryConfirmed") < names.index("credentialUpdated")


def test_q3_it_is_tried_five_times_each_time_twice_as_late_and_then_parked(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    directory.fail_next(*(Busy("not now") for _ in range(5)))
    change = bench.windows("alice", "new")
    waits = []
    for _ in range(4):
        bench.settle()
        (delivery,) = bench.deliveries(change)
        waits.append(delivery.due_at - bench.now)
        bench.wait(waits[-1])
    bench.settle()
    assert waits == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE]
    assert bench.outcome(change) == ("failed", "deliveryParked")
    (parked,) = bench.events("deliveryParked")
    assert (parked.fields["code"], parked.fields["attempts"]) == ("busy", 5)


def test_q3_what_was_parked_is_retried_by_an_operator(bench: PipelineBench, directory: MemoryDirectory) -> None:
    directory.policy = lambda _: "not by our policy"
    change = bench.windows("alice", "new")
    bench.settle()
    (parked,) = bench.events("deliveryParked")
    assert "not by our policy" in parked.fields["message"]
    directory.policy = lambda _: None
    bench.operations.retry(bench.operations.parked(), by=Actor("ops"))
    bench.settle()
    assert bench.outcome(change) == ("completed", "")


def test_q3_a_target_that_is_away_costs_no_tries(bench: PipelineBench, directory: MemoryDirectory) -> None:
    change = bench.windows("alice", "new")
    with directory.down():
        for _ in range(20):
            bench.settle()
            bench.wait(2 * MINUTE)
    bench.settle()
    assert bench.outcome(change) == ("completed", "")


def test_q4_no_more_than_the_adapter_allows_are_under_way(bench: PipelineBench, directory: MemoryDirectory) -> None:
    notifications = NotificationPolicy(max_pending=1)
    bench.put(Kind.ADAPTER, "ldap", replace(OPEN_ADAPTER, notifications=notifications))
    bench.windows("alice", "new")
    bench.windows("bob", "new")
    bench.route()
    other = bench.new_worker(LANE)
    seen: list[bool] = []
    directory.gate = lambda _: seen.append(other.step())
    assert bench.worker(LANE).step()
    assert seen == [False]


def test_q5_deliveries_wait_for_a_target_that_is_away(bench: PipelineBench, directory: MemoryDirectory) -> None:
    with directory.down():
        changes = [bench.windows("alice", "one"), bench.windows("bob", "two")]
        bench.settle()
        bench.wait(timedelta(hours=20))
    bench.settle()
    assert [bench.outcome(change) for change in changes] == [("completed", "")] * 2
    assert directory.accounts == {"alice": "one", "bob": "two"}


def test_q5_an_adapter_that_keeps_no_queue_drops_all_but_the_trial(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    notifications = NotificationPolicy(store_when_offline=False)
    bench.put(Kind.ADAPTER, "ldap", replace(OPEN_ADAPTER, notifications=notifications))
    with directory.down():
        trial = bench.windows("alice", "one")
        bench.settle()
        dropped = bench.windows("bob", "two")
        bench.settle()
        assert bench.outcome(trial) == ("accepted", "")
        assert bench.outcome(dropped) == ("failed", "deliveryExpired")
        assert [e.fields["code"] for e in bench.events("deliveryExpired")] == ["adapterOffline"]
        bench.wait(MINUTE)
    bench.settle()
    after = bench.windows("bob", "three")
    bench.settle()
    assert [bench.outcome(change) for change in (trial, after)] == [("completed", "")] * 2
    assert [write.password for write in directory.writes] == ["one", "three"]


def test_q5_what_was_queued_before_it_went_offline_is_dropped_too_but_not_by_a_short_interruption(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    notifications = NotificationPolicy(store_when_offline=False)
    bench.put(Kind.ADAPTER, "ldap", replace(OPEN_ADAPTER, notifications=notifications))
    first, second = bench.windows("alice", "one"), bench.windows("bob", "two")
    bench.route()
    with directory.down():
        bench.settle()
        assert [d.state for change in (first, second) for d in bench.deliveries(change)] == ["retrying", "pending"]
        bench.keep_house()
    assert [d.code for change in (first, second) for d in bench.deliveries(change)] == ["unavailable", "adapterOffline"]


def test_q6_an_unknown_name_of_a_delivery_is_an_error(bench: PipelineBench) -> None:
    with pytest.raises(NotFound, match=r"there is no delivery .*unknown"):
        bench.operations.named(["unknown"])


def test_q8_while_a_target_is_away_its_lane_waits_as_one(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.windows("alice", "one")
    bench.windows("bob", "two")
    bench.route()
    with directory.down():
        assert bench.deliver(LANE) == 1
        assert bench.deliver(LANE) == 0


def test_q8_that_a_target_is_away_is_known_to_everybody_with_code_and_message(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.windows("alice", "one")
    with directory.down():
        bench.settle()
        bench.restart()
        with bench.store.read() as tx:
            assert tx.lanes.get(LANE) == LaneStatus(
                LANE, False, bench.now, "unavailable", "the memory directory is down"
            )
    bench.settle()
    with bench.store.read() as tx:
        assert tx.lanes.get(LANE) == LaneStatus(LANE, True, bench.now)
    told = [e for e in reversed(bench.events()) if e.name in {"adapterOffline", "adapterOnline"}]
    assert [(e.name, e.adapter) for e in told] == [("adapterOffline", "ldap"), ("adapterOnline", "ldap")]
    assert told[0].fields["code"] == "unavailable"


def test_q9_a_reset_empties_the_queue_of_an_adapter(bench: PipelineBench, directory: MemoryDirectory) -> None:
    change = bench.windows("alice", "new")
    bench.route()
    assert bench.operations.reset("ldap", by=Actor("ops")) == 1
    bench.settle()
    assert directory.writes == []
    assert bench.deliveries(change)[0].sealed_password is None
    assert [e.fields for e in bench.events("adapterReset")] == [{"by": "ops", "deliveries": 1}]


def test_q9_a_reset_forgets_which_passwords_are_in_force(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.windows("alice", "new")
    bench.settle()
    assert directory.accounts["alice"] == "new"
    assert bench.operations.reset_damping(by=Actor("ops")) > 0
    again = bench.windows("alice", "new")
    bench.settle()
    assert bench.outcome(again) == ("completed", "")


def test_q10_a_newer_change_takes_the_older_one_out_of_the_queue(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    with directory.down():
        first = bench.windows("alice", "first")
        bench.settle()
    second = bench.windows("alice", "second")
    bench.wait(MINUTE)
    bench.settle()
    assert bench.outcome(first) == ("discarded", "superseded")
    assert bench.outcome(second) == ("completed", "")
    assert [write.password for write in directory.writes] == ["second"]
    assert len(bench.events("deliverySuperseded")) == 1


def test_m7_two_accounts_of_one_system_are_a_conflict_and_neither_is_changed(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.map("LDAP", "alice", "alice")
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="ldap"))
    bench.map("SECOND", "alice", "bob")
    change = bench.windows("alice", "new")
    bench.settle()
    assert bench.outcome(change) == ("failed", "mappingConflict")
    assert directory.accounts == {"alice": "old", "bob": "old"}
    assert {e.fields["reason"] for e in bench.events("mappingConflict")} == {"mappingConflict"}
