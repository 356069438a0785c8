"""What is heard of a target is noted for everyone, and told once each time that it changes (behaviour Q8)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.constraints import Capabilities, Constraints
from controller.model.errors import AccountUnknown, ChannelRefused, StoreUnavailable, Unavailable
from controller.model.topology import Kind
from controller.model.wording import rfc3339
from controller.pipeline.circuit import Circuit
from controller.pipeline.lanes import is_offline, note_offline, note_online
from controller.ports.lanes import LaneStatus
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import OPEN_ADAPTER, START, PipelineBench

LANE = "adapter/ldap"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def directory(bench: PipelineBench) -> MemoryDirectory:
    """Alice and bob are mapped on the adapter ``ldap``; this is its directory."""
    made = bench.adapter("ldap", OPEN_ADAPTER, "alice", "bob")
    bench.map("LDAP", "alice", "alice")
    bench.map("LDAP", "bob", "bob")
    return made


def _lane(bench: PipelineBench, lane: str = LANE) -> LaneStatus | None:
    with bench.store.read() as tx:
        return tx.lanes.get(lane)


def _told(bench: PipelineBench) -> list[str]:
    return [e.name for e in reversed(bench.events()) if e.name in {"adapterOffline", "adapterOnline"}]


@pytest.mark.usefixtures("directory")
def test_a_target_that_was_always_there_leaves_no_trace(bench: PipelineBench) -> None:
    bench.windows("alice", "New-1")
    bench.settle()
    assert (_lane(bench), _told(bench)) == (None, [])


def test_an_outage_is_told_once_and_so_is_its_end(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.windows("alice", "New-1")
    with directory.down():
        for _ in range(10):
            bench.settle()
            bench.wait(MINUTE)
        away = LaneStatus(LANE, False, START, "unavailable", "the memory directory is down")
        assert _lane(bench) == away
        assert _told(bench) == ["adapterOffline"]
    bench.settle()
    assert _lane(bench) == LaneStatus(LANE, True, bench.now)
    (offline,), (online,) = bench.events("adapterOffline"), bench.events("adapterOnline")
    assert (offline.adapter, offline.fields) == (
        "ldap",
        {"lane": LANE, "code": "unavailable", "message": "the memory directory is down"},
    )
    assert (online.adapter, online.fields) == ("ldap", {"lane": LANE, "since": rfc3339(START)})


def test_another_reason_is_noted_without_another_event(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.windows("alice", "New-1")
    directory.fail_next(Unavailable("away"), ChannelRefused("no", words="wrong service password"))
    bench.settle()
    bench.wait(MINUTE)
    bench.settle()
    assert _lane(bench) == LaneStatus(LANE, False, START, "channelRefused", "no: wrong service password")
    assert _told(bench) == ["adapterOffline"]


def test_after_a_restart_a_lane_stays_offline_until_an_attempt_proves_otherwise(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.windows("alice", "New-1")
    with directory.down():
        bench.settle()
        bench.restart()
        bench.settle()
        assert _told(bench) == ["adapterOffline"], "it is no news to the store"
        bench.restart()
        assert _lane(bench) == LaneStatus(LANE, False, START, "unavailable", "the memory directory is down")
    bench.settle()
    assert _told(bench) == ["adapterOffline", "adapterOnline"]


def test_a_refusal_of_the_target_shows_that_it_is_there(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.windows("alice", "New-1")
    directory.fail_next(Unavailable("away"), AccountUnknown("no such account"))
    bench.settle()
    bench.wait(MINUTE)
    bench.settle()
    assert _told(bench) == ["adapterOffline", "adapterOnline"]


def test_what_is_refused_without_asking_the_target_shows_nothing(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.capabilities[LANE] = Capabilities(constraints=Constraints(max_length=8))
    with directory.down():
        bench.windows("alice", "New-1")
        bench.settle()
        too_long = bench.windows("bob", "Much-Too-Long")
        bench.windows("alice", "New-2")  # behind bob's: his is the trial
        for _ in range(3):
            bench.wait(MINUTE)
            bench.settle()
        assert bench.outcome(too_long) == ("failed", "deliveryParked")
        assert _told(bench) == ["adapterOffline"]
    assert _is_offline(bench)


def test_a_password_that_cannot_be_opened_shows_nothing_either(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    with directory.down():
        change = bench.windows("alice", "New-1")
        bench.settle()
        (delivery,) = bench.deliveries(change)
        with bench.store.write() as tx:
            tx.deliveries.save(replace(delivery, sealed_password=b"altered"))
        bench.wait(MINUTE)
        bench.settle()
    assert bench.outcome(change) == ("failed", "deliveryParked")
    assert _is_offline(bench)


def _is_offline(bench: PipelineBench) -> bool:
    with bench.store.read() as tx:
        return is_offline(tx, LANE)


def test_what_a_rolled_back_transaction_told_is_told_again(bench: PipelineBench) -> None:
    circuit = Circuit(lambda: 0.0)
    circuit.record(Unavailable("away"), START)

    def fail_to_commit() -> None:
        with bench.store.write() as tx:
            circuit.tell(tx, LANE)
            raise StoreUnavailable("the commit failed")

    with pytest.raises(StoreUnavailable):
        fail_to_commit()
    assert not _is_offline(bench)
    with bench.store.write() as tx:
        circuit.tell(tx, LANE)
    assert _is_offline(bench)


def test_another_process_s_word_is_left_alone_by_one_that_sees_nothing_new(bench: PipelineBench) -> None:
    circuit = Circuit(lambda: 0.0)
    for _ in range(2):
        circuit.record(Unavailable("away"), START)
        with bench.store.write() as tx:
            circuit.tell(tx, LANE)
        circuit.note_told()
        with bench.store.write() as tx:
            note_online(tx, LANE)
    assert not _is_offline(bench), "it reaches the target; ours need not"


@pytest.mark.usefixtures("directory")
def test_a_target_that_answers_a_probe_is_there_even_if_the_old_password_is_missing_then(bench: PipelineBench) -> None:
    bench.capabilities[LANE] = Capabilities(needs_old_password=True)
    change = bench.windows("alice", "New-1")
    bench.route()
    (delivery,) = bench.deliveries(change)
    with bench.store.write() as tx:
        tx.deliveries.save(replace(delivery, must_probe=True))
        note_offline(tx, LANE, "unavailable", "away")
    bench.settle()
    assert bench.deliveries(change)[0].code == "oldPasswordMissing"
    assert not _is_offline(bench)


def test_of_two_who_see_the_target_back_one_tells_it(bench: PipelineBench, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench.store.write() as tx:
        note_offline(tx, LANE, "unavailable", "away")
        seen_before = tx.lanes.get(LANE)
        note_online(tx, LANE)
        monkeypatch.setattr(tx.lanes, "get", lambda _: seen_before)  # the other one is a moment late
        note_online(tx, LANE)
    assert _told(bench) == ["adapterOffline", "adapterOnline"]


def test_a_lane_of_a_domain_is_no_adapter(bench: PipelineBench) -> None:
    with bench.store.write() as tx:
        note_offline(tx, "domain/CORP", "unavailable", "away")
    (event,) = bench.events("adapterOffline")
    assert (event.adapter, event.fields["lane"]) == ("", "domain/CORP")


def test_an_attempt_that_ends_after_its_target_was_taken_away_notes_nothing(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.windows("alice", "New-1")
    bench.route()
    with directory.down():
        assert bench.worker(LANE).step()
    bench.remove(Kind.ADAPTER, "ldap")
    bench.worker(LANE).finish()
    assert _lane(bench) is None
