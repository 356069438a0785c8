"""Replay files, while the database is unreachable: rows R1 to R6, and T3 for files."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from controller.model.errors import SettingsError, StoreUnavailable
from controller.model.topology import Access
from controller.pipeline import replay as replaying
from controller.pipeline.intake import Caller
from controller.ports.changes import ChangeQuery
from controller.replay.appending import Limits
from controller.replay.heading import SIZE
from controller.replay.log import ReplayFiles
from controller.runtime.settings import settings_of
from tests.doubles.pipeline import OPEN_ADAPTER
from tests.doubles.replay import ReplayBench, replay_bench

AGENT = Caller("racf-agent")
OWN_FILE_EACH = Limits(file=1)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ReplayBench]:
    """A bench where racf-agent may report for adapter racf, and where each kept change gets a file of its own."""
    with replay_bench(tmp_path, OWN_FILE_EACH) as made:
        made.adapter("racf", replace(OPEN_ADAPTER, access=Access(users=("racf-agent",))), "RACFUSR1")
        made.adapter("ldap", OPEN_ADAPTER, "alice")
        made.map("RACF", "alice", "RACFUSR1")
        made.map("LDAP", "alice", "alice")
        made.learn()
        yield made


def stored(bench: ReplayBench) -> list[str]:
    """Tracking IDs in the store, oldest first."""
    with bench.store.read() as tx:
        return [change.tracking_id for change in tx.changes.find(ChangeQuery(limit=1000))][::-1]


def test_r1_an_external_change_is_kept_sealed_while_the_store_is_away_and_replayed_when_it_is_back(
    bench: ReplayBench,
) -> None:
    with bench.away():
        change = bench.external("racf", "RACFUSR1", "Sup3r-secret", old="0ld-secret", by=AGENT)
    content = b"".join(path.read_bytes() for path in bench.files())
    assert not any(word in content for word in (b"Sup3r-secret", b"0ld-secret", b"RACFUSR1"))
    bench.restart()
    bench.catch_up()
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.stored("RACF", "RACFUSR1") == "Sup3r-secret"
    assert [event.tracking_id for event in bench.events("changeReplayed")] == [change]
    assert bench.files() == []


def test_r1_a_second_outage_resumes_where_the_first_replay_stopped(
    bench: ReplayBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "BATCH", 2)
    bench.limits = Limits()
    bench.restart()
    bench.learn()
    with bench.away():
        accepted = [bench.external("racf", "RACFUSR1", f"New-{n}", by=AGENT) for n in range(5)]
    assert bench.replay.step()
    with bench.away():
        accepted.append(bench.external("racf", "RACFUSR1", "New-5", by=AGENT))
        with pytest.raises(StoreUnavailable):
            bench.replay.step()
    bench.restart()
    assert stored(bench) == accepted[:2]
    assert bench.log is not None
    batch = bench.log.read(1)
    assert batch is not None
    assert batch.first == 2
    bench.catch_up()
    assert stored(bench) == accepted
    assert len(bench.events("changeReplayed")) == 6


def test_r2_the_folder_is_configurable(tmp_path: Path) -> None:
    usual = settings_of(tmp_path / "state", environ={})
    by_environment = settings_of(tmp_path, environ={"PWSYNC_REPLAY_DIR": str(tmp_path / "there")})
    by_flag = settings_of(tmp_path, None, tmp_path / "here", {"PWSYNC_REPLAY_DIR": str(tmp_path / "there")})
    assert usual.replay_dir == tmp_path / "state" / "replay"
    assert by_environment.replay_dir == tmp_path / "there"
    assert by_flag.replay_dir == tmp_path / "here"


def test_r2_a_folder_that_others_may_enter_is_refused(bench: ReplayBench) -> None:
    bench.replay_dir.chmod(0o770)
    with pytest.raises(SettingsError, match="mode 0770") as refused:
        ReplayFiles.open(bench.replay_dir, bench.sealer)
    assert "chmod 700" in refused.value.hint


def test_r2_a_file_whose_mode_has_changed_is_not_trusted(bench: ReplayBench) -> None:
    with bench.away():
        distrusted = bench.external("racf", "RACFUSR1", "New-1", by=AGENT)
        trusted = bench.external("racf", "RACFUSR1", "New-2", by=AGENT)
    bench.files()[0].chmod(0o666)
    bench.catch_up()
    assert distrusted not in stored(bench)
    assert stored(bench) == [trusted]
    assert bench.events("replayFileUntrusted")[0].fields["problem"] == "its mode is 0666, not 0600"
    assert [path.suffix for path in bench.set_aside()] == [".untrusted"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_r2_a_file_whose_owner_has_changed_is_not_trusted(bench: ReplayBench) -> None:
    with bench.away():
        bench.external("racf", "RACFUSR1", "New-1", by=AGENT)
    os.chown(bench.files()[0], 12345, 12345)
    bench.catch_up()
    assert stored(bench) == []
    assert bench.events("replayFileUntrusted")[0].fields["problem"] == "it belongs to user 12345"


def test_r3_of_a_damaged_file_the_changes_before_the_damage_are_replayed_and_the_next_file_goes_on(
    bench: ReplayBench,
) -> None:
    bench.limits = Limits(file=SIZE + 3000)
    bench.restart()
    bench.learn()
    with bench.away():
        accepted = [bench.external("racf", "RACFUSR1", f"New-{n}", by=AGENT) for n in range(4)]
    first, second = bench.files()
    content = bytearray(first.read_bytes())
    content[-1] ^= 1
    first.write_bytes(content)
    bench.restart()
    bench.catch_up()
    assert stored(bench) == [accepted[0], *accepted[2:]]
    assert not second.exists()
    (aside,) = bench.set_aside()
    assert aside.name == f"{first.name}.damaged"
    assert aside.read_bytes() == bytes(content)
    (damaged,) = bench.events("replayFileDamaged")
    assert damaged.level == "error"
    assert (damaged.fields["file"], damaged.fields["replayed"]) == (first.name, 1)
    assert "was altered" in damaged.fields["problem"]


def test_r3_a_file_that_was_cut_between_two_changes_is_reported(bench: ReplayBench) -> None:
    bench.limits = Limits()
    bench.restart()
    bench.learn()
    with bench.away():
        accepted = [bench.external("racf", "RACFUSR1", f"New-{n}", by=AGENT) for n in range(3)]
    (file,) = bench.files()
    os.truncate(file, file.stat().st_size - (file.stat().st_size - SIZE) // 3)
    bench.restart()
    bench.catch_up()
    assert stored(bench) == accepted[:2]
    (damaged,) = bench.events("replayFileDamaged")
    assert damaged.fields["problem"] == "it ends after 2 of at least 3 records"
    assert [path.name for path in bench.set_aside()] == [f"{file.name}.damaged"]


def test_r4_a_file_older_than_the_sync_age_is_deleted_and_logged(bench: ReplayBench) -> None:
    with bench.away():
        old = bench.external("racf", "RACFUSR1", "New-1", by=AGENT)
        bench.wait(timedelta(hours=20))
        young = bench.external("racf", "RACFUSR1", "New-2", by=AGENT)
    bench.wait(timedelta(hours=5))
    name = bench.files()[0].name
    bench.catch_up()
    bench.settle()
    assert [event.fields["file"] for event in bench.events("replayFileExpired")] == [name]
    assert bench.outcome(old) == ("discarded", "expired")
    assert bench.outcome(young) == ("completed", "")
    assert bench.files() == bench.set_aside() == []


def test_t3_a_change_that_became_too_old_in_a_replay_file_is_discarded(bench: ReplayBench) -> None:
    with bench.away():
        change = bench.windows("alice", "New-1", at=bench.now - timedelta(hours=23))
    bench.wait(timedelta(hours=1))
    bench.catch_up()
    bench.settle()
    assert bench.outcome(change) == ("discarded", "expired")
    assert bench.password("adapter/racf", "RACFUSR1") == "old"


def test_r5_a_caller_whose_right_was_withdrawn_meanwhile_is_refused_at_replay(bench: ReplayBench) -> None:
    with bench.away():
        refused = bench.external("racf", "RACFUSR1", "New-1", by=AGENT)
        allowed = bench.windows("alice", "New-2", by=Caller("dc1"))
    bench.adapter("racf", replace(OPEN_ADAPTER, access=Access(users=("another-agent",))))
    bench.catch_up()
    bench.settle()
    assert bench.outcome(refused) == ("failed", "callerNotAllowed")
    assert bench.outcome(allowed) == ("completed", "")
    (event,) = bench.events("replayRefused")
    assert (event.tracking_id, event.adapter, event.account) == (refused, "racf", "RACFUSR1")
    assert event.fields == {"caller": "racf-agent", "reason": "callerNotAllowed"}
    assert bench.stored("RACF", "RACFUSR1") == "New-2"


def test_r6_windows_changes_are_kept_and_replayed_too_in_their_order(bench: ReplayBench) -> None:
    bench.windows("alice", "New-0")
    with bench.away():
        kept = [bench.windows("alice", f"New-{n}") for n in (1, 2)]
    last = bench.windows("alice", "New-3")
    bench.catch_up()
    assert stored(bench)[1:] == [*kept, last]
    bench.settle()
    assert bench.password("adapter/racf", "RACFUSR1") == bench.password("adapter/ldap", "alice") == "New-3"


def test_r6_while_the_file_system_is_full_the_sender_is_told_so(
    bench: ReplayBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with bench.away():
        kept = bench.windows("alice", "New-1")
        with monkeypatch.context() as disk:
            disk.setattr(os, "write", full)
            with pytest.raises(StoreUnavailable, match="No space left on device"):
                bench.windows("alice", "New-2")
        again = bench.windows("alice", "New-2")
    bench.catch_up()
    bench.settle()
    assert stored(bench) == [kept, again]
    assert bench.set_aside() == []
    assert "No space left" in bench.events("replayNotKept")[0].fields["problem"]
    assert bench.password("adapter/racf", "RACFUSR1") == "New-2"
