"""The spool: whole files in their order, sealed, bounded, for one user alone."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from controller.capture.record import CapturedChange, Damaged
from controller.capture.spool import FORGOTTEN_AFTER, MISSED, Aside, Spool, SpoolFull
from controller.capture.status import look
from controller.model.accounts import ExternalAccount
from controller.model.errors import InvalidInput, SettingsError
from controller.model.secret import Secret
from tests.unit.capture.bench import NOW, CaptureBench


@pytest.fixture
def bench(tmp_path: Path) -> CaptureBench:
    return CaptureBench(tmp_path, most=3)


def test_changes_come_out_as_they_went_in_and_no_file_shows_a_password(bench: CaptureBench) -> None:
    for name, password in (("alice", "n3w-1"), ("bob", "\U0001f511 ß"), ("alice", "n3w-2")):
        bench.take(name, password)

    assert bench.waiting() == [("alice", "n3w-1"), ("bob", "\U0001f511 ß"), ("alice", "n3w-2")]
    for path in bench.spool.path.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert b"n3w" not in path.read_bytes()


def test_numbers_grow_also_when_the_clock_goes_back(bench: CaptureBench) -> None:
    clock = iter([2_000, 1_000, 500])
    spool = Spool(bench.spool.path, 100, lambda: next(clock))
    change = bench.capture.sealed("alice", Secret("n3w"), NOW)
    assert change is not None

    for _ in range(3):
        spool.put(change)

    assert [int(name.partition(".")[0]) for name in spool.waiting()] == [2_000, 2_001, 2_002]


def test_a_full_spool_takes_nothing_and_says_so(bench: CaptureBench) -> None:
    for name in ("a", "b", "c"):
        bench.take(name)

    for name in ("d", "a"):
        with pytest.raises(SpoolFull, match="holds 3 changes"):
            bench.take(name)
    assert [name for name, _ in bench.waiting()] == ["a", "b", "c"]


def test_a_full_spool_makes_room_of_what_a_newer_change_overtakes(bench: CaptureBench) -> None:
    for name, password in (("a", "old"), ("b", "b"), ("a", "new"), ("c", "c")):
        bench.take(name, password)
    assert bench.waiting() == [("b", "b"), ("a", "new"), ("c", "c")]


def test_what_happened_last_stays_whatever_the_order_of_numbers(bench: CaptureBench) -> None:
    for password, seconds in (("new", 5), ("old", 0)):  # several threads confirm changes
        bench.now = NOW + timedelta(seconds=seconds)
        bench.take("a", password)
    for name in ("b", "c"):
        bench.take(name, name)
    assert bench.waiting() == [("a", "new"), ("b", "b"), ("c", "c")]


def test_a_name_that_ends_like_another_hides_no_miss(bench: CaptureBench) -> None:
    for name in ("x openldap:bob", "bob", "bob"):
        bench.spool.note_missed(ExternalAccount("openldap", name), NOW)
    assert bench.spool.missed() == 2


def test_an_account_that_the_source_did_not_tell_of_is_noted_once(bench: CaptureBench) -> None:
    for name in ("a", "ba", "a", "b", "c", "d"):
        bench.spool.note_missed(bench.spec.account(name), NOW)
    assert bench.spool.missed() == 3
    assert [line.split()[-1] for line in (bench.spool.path / MISSED).read_text().splitlines()] == [
        "CORP\\a",
        "CORP\\ba",
        "CORP\\b",
    ]


def test_what_is_prepared_waits_only_once_it_is_confirmed_and_then_behind_all_others(bench: CaptureBench) -> None:
    change = bench.capture.sealed("carol", Secret("n3w"), NOW)
    assert change is not None
    prepared, other = bench.spool.prepare(change), bench.spool.prepare(change)
    bench.take("alice")
    assert [name for name, _ in bench.waiting()] == ["alice"]

    bench.spool.confirm(prepared)
    bench.spool.withdraw(other)

    assert [name for name, _ in bench.waiting()] == ["alice", "carol"]
    assert bench.spool.count() == 2


def test_what_a_program_left_prepared_is_set_aside_and_never_sent(bench: CaptureBench) -> None:
    change = bench.capture.sealed("carol", Secret("n3w"), NOW)
    assert change is not None
    bench.spool.prepare(change)

    assert bench.spool.doubt() == 1
    assert len(bench.spool.names(Aside.DOUBTFUL)) == 1
    assert bench.spool.put_back() == 0
    assert bench.waiting() == []


def test_what_a_kill_left_unfinished_is_no_change_and_goes_with_the_next(bench: CaptureBench) -> None:
    left = bench.spool.path / "00000000000000000001.change.new"
    left.write_bytes(b"{")
    assert bench.waiting() == []

    bench.take()

    assert not left.exists()


def test_a_disk_that_does_not_take_it_leaves_nothing_behind(
    bench: CaptureBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SettingsError, match="No space left"):
        bench.take()
    assert bench.spool.count() == 0


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"sealedPassword": "?"}'])
def test_a_file_of_another_form_is_damaged(bench: CaptureBench, content: bytes) -> None:
    bench.take()
    (name,) = bench.spool.waiting()
    (bench.spool.path / name).write_bytes(content)

    with pytest.raises(Damaged, match="form"):
        bench.spool.read(name)
    with pytest.raises(FileNotFoundError):
        bench.spool.read("00000000000000000001.change")


def test_what_was_prepared_and_never_ended_is_an_alarm(bench: CaptureBench) -> None:
    name = bench.spool.prepare(CapturedChange(bench.spec.account("alice"), NOW, b"sealed"))
    assert bench.spool.forgotten() == 0
    old = f"{int(name.partition('.')[0]) - (FORGOTTEN_AFTER + 1) * 10**9:020d}.pending"
    (bench.spool.path / name).rename(bench.spool.path / old)
    assert bench.spool.forgotten() == 1
    status = look(bench.spec, NOW)
    assert any(alarm.startswith("1 never ended") for alarm in status.alarms())
    assert status.view()["forgotten"] == 1
    assert "pwsync_capture_forgotten 1\n" in status.metrics()


def test_of_one_account_only_the_newest_is_kept_in_doubt(bench: CaptureBench) -> None:
    for account in ("alice", "bob", "alice"):
        bench.spool.prepare(CapturedChange(bench.spec.account(account), NOW, b"sealed"))
    first, second, third = bench.spool.names("pending")
    (bench.spool.path / second).write_bytes(b"damaged")
    assert bench.spool.doubt() == 3
    left = [name.partition(".")[0] for name in (second, third)]
    assert [name.partition(".")[0] for name in bench.spool.names(Aside.DOUBTFUL)] == left
    assert first.partition(".")[0] not in left


def test_all_spellings_of_a_name_are_one_account_in_doubt(bench: CaptureBench) -> None:
    for number, name in enumerate(("alice", "Alice", "ALICE", "\uff41lice", "al  ice", "al ice", "AL ice")):
        change = CapturedChange(ExternalAccount("openldap", name), NOW, b"sealed")
        assert bench.spool.set_aside(bench.spool.prepare(change), Aside.DOUBTFUL)
        assert len(bench.spool.names(Aside.DOUBTFUL)) == (1 if number < 4 else 2)


def test_an_older_change_in_doubt_does_not_take_the_place_of_a_newer(bench: CaptureBench) -> None:
    change = CapturedChange(bench.spec.account("alice"), NOW, b"sealed")
    older, newer = bench.spool.prepare(change), bench.spool.prepare(change)
    assert bench.spool.set_aside(newer, Aside.DOUBTFUL)
    assert bench.spool.set_aside(older, Aside.DOUBTFUL)
    assert bench.spool.names(Aside.DOUBTFUL) == [newer.replace("pending", "doubtful")]


def test_changes_in_doubt_fill_no_spool_and_the_oldest_go(
    bench: CaptureBench, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b", "c", "d"):
        bench.spool.prepare(CapturedChange(bench.spec.account(name), NOW, b"sealed"))
        assert bench.spool.doubt() == 1
    assert [bench.spool.read(name).account.name for name in bench.spool.names(Aside.DOUBTFUL)] == ["b", "c", "d"]
    assert "lane=domain/CORP account='a'" in caplog.text
    bench.take()
    assert bench.spool.count() == 1


def test_many_at_once_keep_one_change_in_doubt(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path)
    change = CapturedChange(bench.spec.account("alice"), NOW, b"sealed")
    names = [bench.spool.prepare(change) for _ in range(64)]
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda name: bench.spool.set_aside(name, Aside.DOUBTFUL), names))
    assert all(kept)
    assert bench.spool.names("pending", Aside.DOUBTFUL) == [names[-1].replace("pending", "doubtful")]


def test_what_is_not_there_any_more_is_not_set_aside(bench: CaptureBench) -> None:
    assert not bench.spool.set_aside("00000000000000000001.pending", Aside.DOUBTFUL)


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="this user alone"):
        Spool.open(tmp_path / "open", 1)
    with pytest.raises(SettingsError, match="cannot be used"):
        Spool.open(tmp_path / "file", 1)


def test_accounts_can_be_left_out_and_impossible_passwords_are_refused(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path, exclude=("Administrator",))

    assert not bench.capture.take("administrator", Secret("n3w"), NOW)
    for password in ("", "x" * 257):
        with pytest.raises(InvalidInput, match="empty, or longer"):
            bench.capture.take("alice", Secret(password), NOW)
    assert bench.spool.count() == 0
