"""Changes accepted while the store is away: kept, taken over in their order, each once (R1-R6, T3, T4)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.model.errors import InvalidInput, Refused, StoreUnavailable
from controller.model.topology import Access, Kind
from controller.pipeline import replay as replaying
from controller.pipeline.intake import Caller
from controller.pipeline.replay import Replay
from controller.ports.changes import ChangeQuery
from controller.ports.replay import ReplayBatch
from controller.replay.log import ReplayFiles
from tests.doubles.pipeline import OPEN_ADAPTER
from tests.doubles.replay import ReplayBench, replay_bench

DC1 = Caller("dc1")
AGENT = Caller("racf-agent")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ReplayBench]:
    """A bench with alice mapped to A1 on racf, which racf-agent may report for."""
    with replay_bench(tmp_path) as made:
        made.adapter("racf", replace(OPEN_ADAPTER, access=Access(users=("racf-agent",))), "A1")
        made.map("RACF", "alice", "A1")
        made.learn()
        yield made


def count_changes(bench: ReplayBench) -> int:
    """How many changes the store has."""
    with bench.store.read() as tx:
        return sum(tx.changes.count_by_state().values())


def names(bench: ReplayBench) -> list[str]:
    """Names of all events, oldest first."""
    return [event.name for event in reversed(bench.events())]


def test_a_change_accepted_without_the_store_is_delivered_under_the_tracking_id_given(bench: ReplayBench) -> None:
    with bench.away():
        change = bench.windows("alice", "New-1", by=DC1)
        with pytest.raises(StoreUnavailable):
            bench.replay.step()
    bench.catch_up()
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.password("adapter/racf", "A1") == "New-1"
    assert bench.change(change).caller == "dc1"
    assert names(bench)[:2] == ["windowsChangeAccepted", "changeReplayed"]
    assert bench.events("replayFinished")[0].fields == {"changes": 1}


def test_newer_changes_queue_behind_those_that_wait(bench: ReplayBench) -> None:
    with bench.away():
        bench.windows("alice", "New-1")
    bench.windows("alice", "New-2")
    assert count_changes(bench) == 0
    bench.catch_up()
    bench.windows("alice", "New-3")
    assert count_changes(bench) == 3
    bench.settle()
    assert bench.password("adapter/racf", "A1") == "New-3"
    with bench.store.read() as tx:
        accepted = [c.tracking_id for c in tx.changes.find(ChangeQuery())]
    assert accepted == sorted(accepted, reverse=True)


def test_when_it_cannot_queue_it_is_stored_and_the_older_one_does_not_overwrite_it(bench: ReplayBench) -> None:
    with bench.away():
        older = bench.windows("alice", "New-1")
    bench.wait(timedelta(seconds=1))
    bench.replay_dir.chmod(0o755)
    newer = bench.windows("alice", "New-2")
    bench.replay_dir.chmod(0o700)
    assert count_changes(bench) == 1
    bench.catch_up()
    bench.settle()
    assert bench.outcome(older) == ("discarded", "stale")
    assert bench.outcome(newer) == ("completed", "")
    assert bench.password("adapter/racf", "A1") == "New-2"


def test_a_newer_change_that_another_controller_stored_is_not_overwritten_but_a_late_old_one_is(
    bench: ReplayBench,
) -> None:
    told_at = bench.now - timedelta(minutes=2)
    with bench.away():
        first = bench.windows("alice", "New-1", at=bench.now - timedelta(minutes=1))
        second = bench.windows("bob", "New-1")
    bench.wait(timedelta(minutes=1))
    direct = type(bench.intake)(bench.store, bench.sealer, bench.new_id)
    intake, bench.intake = bench.intake, direct
    bench.windows("alice", "Older", at=told_at)
    bench.windows("bob", "Newer")
    bench.intake = intake
    bench.catch_up()
    assert bench.outcome(first) == ("accepted", "")
    assert bench.outcome(second) == ("discarded", "stale")


def test_a_commit_whose_answer_was_lost_makes_one_change(bench: ReplayBench) -> None:
    bench.outage.loses_answers = True
    change = bench.windows("alice", "New-1")
    bench.outage.loses_answers = False
    assert count_changes(bench) == 1
    bench.catch_up()
    bench.settle()
    assert count_changes(bench) == 1
    assert bench.outcome(change) == ("completed", "")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("stop_at", range(5))
def test_a_crash_at_any_point_of_replay_neither_loses_nor_repeats(
    bench: ReplayBench, monkeypatch: pytest.MonkeyPatch, moment: str, stop_at: int
) -> None:
    monkeypatch.setattr(replaying, "BATCH", 2)
    with bench.away():
        accepted = [bench.windows("alice", f"New-{n}") for n in range(7)]
    steps = iter(range(10))
    original = ReplayFiles.advance

    def advance(log: ReplayFiles, batch: ReplayBatch) -> None:
        if next(steps) != stop_at:
            return original(log, batch)
        if moment == "after":
            original(log, batch)
        raise RuntimeError("the power fails")

    monkeypatch.setattr(ReplayFiles, "advance", advance)
    if stop_at < 4:
        with pytest.raises(RuntimeError):
            bench.catch_up()
        bench.restart()
    bench.catch_up()
    bench.settle()
    with bench.store.read() as tx:
        found = [change.tracking_id for change in tx.changes.find(ChangeQuery())]
    assert found == accepted[::-1]
    assert len(bench.events("changeReplayed")) == 7
    assert bench.password("adapter/racf", "A1") == "New-6"
    assert bench.files() == []


def test_a_second_outage_during_replay_loses_nothing(bench: ReplayBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "BATCH", 2)
    with bench.away():
        first = [bench.external("racf", "A1", f"New-{n}") for n in range(5)]
    assert bench.replay.step()
    with bench.away():
        bench.restart()
        with pytest.raises(StoreUnavailable):
            bench.replay.step()
    bench.learn()
    with bench.away():
        second = [bench.external("racf", "A1", f"Newer-{n}") for n in range(3)]
    bench.catch_up()
    with bench.store.read() as tx:
        found = [change.tracking_id for change in tx.changes.find(ChangeQuery())]
    assert found == [*first, *second][::-1]


def test_what_is_not_allowed_is_refused_without_the_store_too_and_recorded_later(bench: ReplayBench) -> None:
    with bench.away():
        with pytest.raises(Refused):
            bench.windows("alice", "New-1", by=Caller("stranger"))
        with pytest.raises(Refused):
            bench.windows("alice", "New-1", by=Caller("stranger"))
        with pytest.raises(Refused):
            bench.windows("alice", "New-1", at=bench.now - timedelta(days=2))
    assert bench.replay.step() is False
    assert [event.fields["reason"] for event in bench.events("changeRefused")] == ["expired", "sourceNotAllowed"]
    assert bench.replay.step() is False
    assert len(bench.events()) == 2


def test_a_right_that_was_withdrawn_during_the_outage_counts(bench: ReplayBench) -> None:
    with bench.away():
        refused = bench.external("racf", "A1", "New-1", by=AGENT)
        gone = bench.windows("alice", "New-2", by=DC1)
    bench.adapter("racf", replace(OPEN_ADAPTER, access=Access()))
    bench.remove(Kind.DOMAIN, "CORP")
    bench.catch_up()
    bench.settle()
    assert bench.outcome(refused) == ("failed", "callerNotAllowed")
    assert bench.outcome(gone) == ("failed", "notFound")
    assert bench.change(refused).sealed_password is None
    assert [event.fields["reason"] for event in bench.events("replayRefused")] == ["notFound", "callerNotAllowed"]
    assert bench.password("adapter/racf", "A1") == "old"


def test_before_the_store_was_seen_nothing_is_accepted_without_it(tmp_path: Path) -> None:
    with replay_bench(tmp_path) as bench:
        bench.restart()
        with bench.away(), pytest.raises(StoreUnavailable, match="not known yet"):
            bench.windows("alice", "New-1")
        bench.windows("alice", "New-1")
        with bench.away():
            bench.windows("alice", "New-2")


def test_the_time_of_acceptance_is_the_stores_whatever_the_clock_here_shows(bench: ReplayBench) -> None:
    ahead = [timedelta(hours=5)]
    assert bench.log is not None
    bench.replay = Replay(bench.store, bench.log, lambda: bench.now + ahead[0])
    bench.learn()
    bench.wait(timedelta(minutes=3))
    bench.intake = type(bench.intake)(bench.store, bench.sealer, bench.new_id, bench.replay)
    with bench.away():
        change = bench.windows("alice", "New-1")
    bench.wait(timedelta(hours=1))
    bench.catch_up()
    assert bench.change(change).received_at == bench.now - timedelta(hours=1)


def test_a_file_older_than_the_sync_age_is_deleted_and_each_of_its_changes_accounted_for(bench: ReplayBench) -> None:
    with bench.away():
        change = bench.windows("alice", "New-1")
    bench.wait(timedelta(hours=25))
    bench.catch_up()
    bench.settle()
    assert bench.outcome(change) == ("discarded", "expired")
    assert bench.events("replayFileExpired")[0].fields["replayed"] == 1
    assert bench.files() == bench.set_aside() == []
    assert bench.password("adapter/racf", "A1") == "old"


def test_files_set_aside_are_reported(bench: ReplayBench) -> None:
    with bench.away():
        bench.windows("alice", "New-1")
    bench.files()[0].chmod(0o644)
    bench.catch_up()
    bench.restart()
    bench.learn()
    with bench.away():
        kept = bench.windows("alice", "New-2")
        bench.windows("alice", "New-3")
    content = bench.files()[0].read_bytes()
    bench.files()[0].write_bytes(content[:-1])
    bench.catch_up()
    assert bench.events("replayFileUntrusted")[0].fields["problem"] == "its mode is 0644, not 0600"
    assert bench.events("replayFileDamaged")[0].fields["replayed"] == 1
    assert bench.outcome(kept) == ("accepted", "")
    assert [path.suffix for path in bench.set_aside()] == [".untrusted", ".damaged"]


def test_a_sender_is_told_when_nothing_can_take_the_change_and_it_is_recorded_later(bench: ReplayBench) -> None:
    bench.replay_dir.chmod(0o750)
    with bench.away(), pytest.raises(StoreUnavailable, match="can be entered by others"):
        bench.external("racf", "A1", "New-1")
    bench.replay.step()
    event = bench.events("replayNotKept")[0]
    assert (event.adapter, event.account) == ("racf", "A1")
    assert "mode 0750" in event.fields["problem"]


def test_a_change_that_the_store_does_not_take_holds_up_no_other(
    bench: ReplayBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.away():
        accepted = [bench.windows("alice", f"New-{n}") for n in range(3)]
    original = Replay._take_over

    def take_over(self: Replay, tx: Any, topology: Any, record: Any) -> None:
        original(self, tx, topology, record)
        if record.change.tracking_id == accepted[1]:
            raise InvalidInput("the store does not take it")

    monkeypatch.setattr(Replay, "_take_over", take_over)
    bench.catch_up()
    with bench.store.read() as tx:
        found = [change.tracking_id for change in tx.changes.find(ChangeQuery())]
    assert found == [accepted[2], accepted[0]]
    assert [event.tracking_id for event in bench.events("replayRefused")] == [accepted[1]]


def test_a_change_that_appears_in_the_store_meanwhile_is_not_called_refused(
    bench: ReplayBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.outage.loses_answers = True
    change = bench.windows("alice", "New-1")
    bench.outage.loses_answers = False

    def take_over(*_: Any) -> None:
        raise InvalidInput("there is such a row already")

    monkeypatch.setattr(Replay, "_take_over", take_over)
    bench.catch_up()
    assert bench.events("replayRefused") == []
    assert bench.outcome(change) == ("accepted", "")
