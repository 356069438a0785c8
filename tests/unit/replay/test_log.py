"""Replay files: what is read is what was written, or a beginning of it; nothing is invented or silently deleted."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import PasswordChange
from controller.model.credential import SealPlace
from controller.model.errors import SealBroken, SettingsError, StoreUnavailable
from controller.model.secret import Secret
from controller.ports.replay import ReplayBatch, ReplayEnd, ReplayRecord
from controller.replay.appending import Limits
from controller.replay.frames import Damaged, frame
from controller.replay.heading import MARK, SIZE, heading
from controller.replay.log import ReplayFiles
from controller.replay.records import decode, encode
from controller.replay.waiting import Waiting, look
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SEALER = KeyringSealer(Keyring.generate(NOW))


def record(number: int, *, is_local: bool = False) -> ReplayRecord:
    """A record that no other is equal to."""
    change = PasswordChange(
        tracking_id=f"id-{number}",
        account=WindowsAccount("CORP", f"user{number}") if number % 2 else ExternalAccount("racf", f"A{number}"),
        caller="dc1",
        sealed_password=bytes([number % 256]) * 40,
        sealed_old_password=None if number % 3 else b"old",
        occurred_at=None if number % 2 else NOW,
        received_at=NOW + timedelta(seconds=number),
    )
    return ReplayRecord(change, is_local=is_local)


def opened(path: Path, limits: Limits = Limits()) -> ReplayFiles:  # noqa: B008  # frozen
    """Open a folder that no one else has."""
    log = ReplayFiles.open(path, SEALER, limits)
    assert log is not None
    return log


MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of its own is made there


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the files are: in memory, if possible, since thousands of them are made and deleted."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path / "replay"
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name) / "replay"


@pytest.fixture
def log(folder: Path) -> Iterator[ReplayFiles]:
    """An empty log, closed at the end."""
    made = opened(folder)
    yield made
    made.close()


@dataclass
class Read:
    """What reading to the end gave."""

    records: list[ReplayRecord]
    batches: list[ReplayBatch]

    @property
    def problems(self) -> list[tuple[ReplayEnd, str]]:
        """Files set aside."""
        return [(b.end, b.problem) for b in self.batches if b.problem]


def read_all(log: ReplayFiles, limit: int = 100) -> Read:
    """Read everything and note it."""
    read = Read([], [])
    while (batch := log.read(limit)) is not None:
        read.records += batch.records
        read.batches.append(batch)
        log.advance(batch)
    return read


def files(folder: Path) -> list[Path]:
    """All that is not bookkeeping."""
    return sorted(path for path in folder.iterdir() if path.name not in {"lock", "progress"})


def append(log: ReplayFiles, count: int) -> list[ReplayRecord]:
    """Append records 0, 1, ..."""
    made = [record(number) for number in range(count)]
    for one in made:
        log.append(one)
    return made


def test_records_come_back_in_their_order_and_the_file_is_deleted(log: ReplayFiles, folder: Path) -> None:
    assert log.is_empty()
    assert log.read(1) is None
    made = append(log, 5)
    assert not log.is_empty()
    assert read_all(log, 2).records == made
    assert log.is_empty()
    assert files(folder) == []


def test_records_survive_the_process_that_wrote_them(folder: Path) -> None:
    first = opened(folder)
    made = append(first, 3)
    first.close()
    second = opened(folder)
    later = record(9, is_local=True)
    second.append(later)
    assert read_all(second).records == [*made, later]
    second.close()


def test_a_second_reading_resumes_where_the_first_one_stopped(folder: Path) -> None:
    first = opened(folder)
    made = append(first, 5)
    batch = first.read(2)
    assert batch is not None
    first.advance(batch)
    first.close()
    assert look(folder) == Waiting(3)
    second = opened(folder)
    assert read_all(second).records == made[2:]
    second.close()


def test_what_is_added_while_the_file_is_being_read_is_read_too(log: ReplayFiles) -> None:
    append(log, 1)
    batch = log.read(10)
    assert batch is not None
    assert batch.end is ReplayEnd.FINISHED
    log.append(record(7))
    log.advance(batch)
    assert read_all(log).records == [record(7)]


def test_a_full_file_is_followed_by_another(folder: Path) -> None:
    log = opened(folder, Limits(file=SIZE + 5000))
    made = append(log, 9)
    assert len(files(folder)) == 2
    assert read_all(log).records == made
    assert files(folder) == []
    log.close()


def test_the_limit_of_the_folder_is_told_to_the_sender_and_lifted_by_replaying(folder: Path) -> None:
    log = opened(folder, Limits(folder=SIZE + 5000))
    made: list[ReplayRecord] = []
    for number in range(4):
        made.append(record(number))
        log.append(record(number))
    with pytest.raises(StoreUnavailable, match="limit of 9,096 bytes"):
        log.append(record(4))
    assert read_all(log).records == made
    log.append(record(1))
    log.close()


def test_files_are_for_their_owner_alone_and_show_no_name_in_clear(log: ReplayFiles, folder: Path) -> None:
    umask = os.umask(0)
    try:
        append(log, 2)
    finally:
        os.umask(umask)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert b"user1" not in path.read_bytes()
        assert b"CORP" not in path.read_bytes()


@pytest.mark.usefixtures("log")
def test_one_process_has_the_folder_at_a_time(folder: Path) -> None:
    assert ReplayFiles.open(folder, SEALER) is None


@pytest.fixture
def _no_sync() -> Iterator[None]:
    """Thousands of small files need not reach the disk when nothing crashes."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(os, "fsync", lambda _: None)
        yield


def damaged_read(folder: Path, target: Path, content: bytes) -> Read:
    """Read after the first file was changed to *content*; puts everything back."""
    kept = {path: path.read_bytes() for path in files(folder)}
    target.write_bytes(content)
    log = opened(folder)
    read = read_all(log)
    log.close()
    aside = [path for path in files(folder) if path.name.startswith(target.name)]
    if read.problems:
        assert [path.read_bytes() for path in aside] == [content]
        assert [path.suffix for path in aside] == [".damaged"]
    for path in [*files(folder), folder / "progress"]:
        path.unlink(missing_ok=True)
    for path, before in kept.items():
        path.touch(0o600)
        path.write_bytes(before)
    return read


@pytest.fixture
def two_files(folder: Path) -> tuple[Path, list[ReplayRecord], list[ReplayRecord]]:
    """A small file and the next one, with their records."""
    first = opened(folder)
    made = append(first, 2)
    first.close()
    second = opened(folder)
    second.append(record(8))
    second.close()
    return files(folder)[0], made, [record(8)]


@pytest.mark.usefixtures("_no_sync")
def test_cut_off_anywhere_the_records_before_are_read_and_the_next_file_goes_on(
    folder: Path, two_files: tuple[Path, list[ReplayRecord], list[ReplayRecord]]
) -> None:
    target, made, after = two_files
    content = target.read_bytes()
    frame_size = (len(content) - SIZE) // 2
    for size in range(len(content)):
        read = damaged_read(folder, target, content[:size])
        intact = max(0, (size - SIZE) // frame_size)
        assert read.records == made[:intact] + after, size
        assert len(read.problems) == 1, size


@pytest.mark.usefixtures("_no_sync")
def test_with_any_byte_altered_the_records_before_are_read_and_the_next_file_goes_on(
    folder: Path, two_files: tuple[Path, list[ReplayRecord], list[ReplayRecord]]
) -> None:
    target, made, after = two_files
    content = target.read_bytes()
    frame_size = (len(content) - SIZE) // 2
    for offset in range(len(content)):
        altered = bytearray(content)
        altered[offset] ^= 1 << offset % 8
        read = damaged_read(folder, target, bytes(altered))
        if len(MARK) <= offset < SIZE:  # one of the two numbers of records is left
            assert (read.records, read.problems) == (made + after, []), offset
            continue
        intact = max(0, (offset - SIZE) // frame_size)
        assert read.records == made[:intact] + after, offset
        assert len(read.problems) == 1, offset


def test_a_file_that_ends_between_two_records_says_how_many_are_missing(
    folder: Path, two_files: tuple[Path, list[ReplayRecord], list[ReplayRecord]]
) -> None:
    target, _, after = two_files
    content = target.read_bytes()
    frame_size = (len(content) - SIZE) // 2
    read = damaged_read(folder, target, content[: SIZE + frame_size])
    assert read.problems == [(ReplayEnd.DAMAGED, "it ends after 1 of at least 2 records")]
    read = damaged_read(folder, target, content[:SIZE])
    assert read.problems == [(ReplayEnd.DAMAGED, "it ends after 0 of at least 2 records")]
    assert read.records == after


def test_without_both_numbers_of_records_all_are_read_and_the_damage_is_told(
    folder: Path, two_files: tuple[Path, list[ReplayRecord], list[ReplayRecord]]
) -> None:
    target, made, after = two_files
    content = target.read_bytes()
    read = damaged_read(folder, target, MARK.ljust(SIZE, b"\0") + content[SIZE:])
    assert read.records == made + after
    assert read.problems == [(ReplayEnd.DAMAGED, "it does not tell how many records it has")]


def test_a_number_of_records_from_another_file_counts_for_nothing(
    folder: Path, two_files: tuple[Path, list[ReplayRecord], list[ReplayRecord]]
) -> None:
    target, made, after = two_files
    read = damaged_read(folder, target, heading(SEALER, "another") + target.read_bytes()[SIZE:])
    assert read.records == made + after
    assert len(read.problems) == 1


@pytest.mark.usefixtures("_no_sync")
def test_what_a_crash_leaves_of_a_record_that_was_never_promised_is_no_damage(folder: Path) -> None:
    first = opened(folder)
    made = append(first, 1)
    target = files(folder)[0]
    before = target.read_bytes()
    first.append(record(1))
    first.close()
    after = target.read_bytes()
    for size in range(len(before), len(after)):  # stopped while it was written: the number is that of before
        read = damaged_read(folder, target, before[:SIZE] + after[SIZE:size])
        assert (read.records, read.problems) == (made, []), size
    for size in range(len(before), len(after)):  # or what was to be written is there in parts, in any order
        read = damaged_read(folder, target, before + bytes(size - len(before)) + after[size:])
        assert read.records in (made, [*made, record(1)]), size
        assert read.problems == [], size
    read = damaged_read(folder, target, before[:SIZE] + after[SIZE:])  # or between the record and its number
    assert (read.records, read.problems) == ([*made, record(1)], [])


def test_a_crash_may_come_while_the_number_is_written(folder: Path) -> None:
    log = opened(folder)
    made = append(log, 2)
    target = files(folder)[0]
    before = target.read_bytes()[:SIZE]
    log.append(record(2))
    log.close()
    after = target.read_bytes()
    differing = [offset for offset in range(SIZE) if before[offset] != after[offset]]
    for offset in differing[::50]:
        read = damaged_read(folder, target, after[:offset] + before[offset:] + after[SIZE:])
        assert (read.records, read.problems) == ([*made, record(2)], []), offset


def test_a_file_that_was_only_begun_is_taken_away(folder: Path) -> None:
    opened(folder).close()
    begun = folder / f"{1:012d}-{'0' * 16}.replay.new"
    begun.write_bytes(MARK[:3])
    log = opened(folder)
    assert log.is_empty()
    assert not begun.exists()
    log.close()


def test_what_is_cut_off_while_it_is_waiting_is_told_too(log: ReplayFiles, folder: Path) -> None:
    made = append(log, 3)
    target = files(folder)[0]
    frame_size = (target.stat().st_size - SIZE) // 3
    os.truncate(target, SIZE + 2 * frame_size)
    read = read_all(log)
    assert read.records == made[:2]
    assert len(read.problems) == 1


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_whatever_is_done_to_a_file_a_beginning_of_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("any") / "replay"
    log = opened(folder)
    made = append(log, 3)
    log.close()
    target = files(folder)[0]
    content = bytearray(target.read_bytes())
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    content[start:end] = data.draw(st.binary(max_size=40))
    read = damaged_read(folder, target, bytes(content))
    assert read.records == made[: len(read.records)]


def test_records_copied_moved_or_taken_from_another_file_do_not_open(folder: Path) -> None:
    log = opened(folder)
    append(log, 2)
    log.close()
    target = files(folder)[0]
    content = target.read_bytes()
    size = (len(content) - SIZE) // 2
    start, first, second = content[:SIZE], content[SIZE : SIZE + size], content[SIZE + size :]
    assert damaged_read(folder, target, start + second + first).records == []
    assert damaged_read(folder, target, start + first + first).records == [record(0)]
    renamed = target.with_name("000000000009-" + "0" * 16 + ".replay")
    target.rename(renamed)
    again = opened(folder)
    read = read_all(again)
    assert read.records == []
    assert read.problems[0][0] is ReplayEnd.DAMAGED
    again.close()


def test_a_file_sealed_with_a_key_that_is_not_here_is_set_aside(folder: Path) -> None:
    other = ReplayFiles.open(folder, KeyringSealer(Keyring.generate(NOW)))
    assert other is not None
    other.append(record(1))
    other.close()
    log = opened(folder)
    assert "not in the keyring" in read_all(log).problems[0][1]
    assert look(folder).set_aside != ()
    log.close()


def _loosen(path: Path) -> None:
    path.chmod(0o640)


def _give_away(path: Path) -> None:
    os.chown(path, 12345, -1)


def _link(path: Path) -> None:
    (path.parent / "second-name").hardlink_to(path)


def _replace_by_link(path: Path) -> None:
    path.rename(path.parent / "elsewhere")
    path.symlink_to(path.parent / "elsewhere")


@pytest.mark.parametrize(
    ("tamper", "problem", "end"),
    [
        (_loosen, "its mode is 0640", ReplayEnd.UNTRUSTED),
        pytest.param(
            _give_away,
            "belongs to user 12345",
            ReplayEnd.UNTRUSTED,
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away"),
        ),
        (_link, "not a file of one name", ReplayEnd.UNTRUSTED),
        (_replace_by_link, "cannot be read", ReplayEnd.DAMAGED),
    ],
)
def test_a_file_that_others_may_have_touched_is_not_trusted(  # type: ignore[no-untyped-def]  # a table
    folder: Path,
    tamper,  # noqa: ANN001  # a table
    problem: str,
    end: ReplayEnd,
) -> None:
    log = opened(folder)
    append(log, 2)
    tamper(files(folder)[0])
    read = read_all(log)
    assert read.records == []
    assert read.batches[0].end is end
    assert problem in read.batches[0].problem
    assert log.is_empty()
    assert len(look(folder).set_aside) == 1
    log.append(record(5))
    assert read_all(log).records == [record(5)]
    log.close()


def test_a_folder_that_others_may_enter_is_refused_at_once_and_later(log: ReplayFiles, folder: Path) -> None:
    append(log, 1)
    folder.chmod(0o755)
    with pytest.raises(SettingsError, match="can be entered by others"):
        log.read(1)
    with pytest.raises(StoreUnavailable, match="can be entered by others"):
        log.append(record(2))
    with pytest.raises(SettingsError, match="can be entered by others"):
        ReplayFiles.open(folder, SEALER)
    folder.chmod(0o700)
    assert read_all(log).records == [record(0)]


def test_a_folder_that_is_none_or_cannot_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "target").mkdir(0o700)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(SettingsError, match="is not a folder"):
        ReplayFiles.open(tmp_path / "link", SEALER)
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be used"):
        ReplayFiles.open(tmp_path / "file" / "replay", SEALER)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(SettingsError, match=f"belongs to user {owner}"):
        ReplayFiles.open(tmp_path / "target", SEALER)


def test_a_folder_that_has_gone_is_told_to_the_sender(log: ReplayFiles, folder: Path) -> None:
    append(log, 1)
    folder.rename(folder.with_name("moved"))
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        log.append(record(2))
    with pytest.raises(SettingsError, match="cannot be used"):
        log.read(1)


def test_a_file_that_has_gone_is_reported_once_and_the_next_goes_on(folder: Path) -> None:
    log = opened(folder, Limits(file=10))
    append(log, 2)
    files(folder)[0].unlink()
    batch = log.read(10)
    assert batch is not None
    assert (batch.end, batch.records) == (ReplayEnd.DAMAGED, ())
    with pytest.raises(SettingsError, match="cannot be used"):
        log.advance(batch)
    assert read_all(log).records == [record(1)]
    log.close()


class FullDisk:
    """Lets so many system calls that need the disk succeed, then fails one (or all after it)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, calls: int, *, stays_full: bool, half: bool) -> None:
        self.left, self.stays_full, self.half = calls, stays_full, half
        self.has_failed = False
        for name in ("write", "pwrite", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._wrap(getattr(os, name), name))

    def _wrap(self, call, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # any system call
        def limited(*arguments):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN202  # any system call
            self.left -= 1
            if self.left == 0 or (self.stays_full and self.left < 0):
                self.has_failed = True
                if self.half and name in {"write", "pwrite"}:
                    call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2], *arguments[2:])
                raise OSError(errno.ENOSPC, "No space left on device")
            if self.half and name in {"write", "pwrite"} and len(arguments[1]) > 1:
                return call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2], *arguments[2:])
            return call(*arguments)

        return limited


@pytest.mark.parametrize("half", [False, True], ids=["whole", "half-written"])
@pytest.mark.parametrize("stays_full", [False, True], ids=["once", "from-then-on"])
def test_with_a_full_disk_at_any_write_what_was_promised_is_there_and_nothing_else(
    folder: Path, stays_full: bool, half: bool
) -> None:
    for calls in range(1, 200):
        folder = folder.with_name(f"{calls}")
        log, promised = opened(folder), []
        with pytest.MonkeyPatch.context() as monkeypatch:
            disk = FullDisk(monkeypatch, calls, stays_full=stays_full, half=half)
            for number in range(4):
                with suppress(StoreUnavailable):
                    log.append(record(number))
                    promised.append(record(number))
        if calls % 2:  # with or without a crash
            log.close()
            log = opened(folder)
            read = read_all(log).records
            # a record whose sync failed may have reached the disk when it could not be cut off again either
            assert [r for r in read if r in promised] == promised
            assert stays_full or read == promised
        else:
            assert read_all(log).records == promised
            assert look(folder).set_aside == ()
        log.append(record(9))
        assert read_all(log).records == [record(9)]
        log.close()
        if not disk.has_failed:
            break
    else:
        pytest.fail("the disk was always full")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"file": "x"}', '{"file": "x", "records": -1}', "\xff"])
def test_a_progress_that_cannot_be_read_counts_as_none(folder: Path, content: str) -> None:
    first = opened(folder)
    made = append(first, 3)
    batch = first.read(1)
    assert batch is not None
    first.advance(batch)
    first.close()
    (folder / "progress").write_bytes(content.encode("latin-1"))
    second = opened(folder)
    assert read_all(second).records == made
    second.close()


def test_a_progress_that_cannot_be_written_is_told_and_the_records_come_again(
    log: ReplayFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = append(log, 2)
    batch = log.read(1)
    assert batch is not None
    with monkeypatch.context() as patch:
        FullDisk(patch, 1, stays_full=True, half=False)
        with pytest.raises(SettingsError, match="No space left"):
            log.advance(batch)
    assert read_all(log).records == made


def test_a_folder_that_cannot_be_listed_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> list[Path]:
        raise OSError(errno.EIO, "Input/output error")

    folder.mkdir(0o700)
    monkeypatch.setattr(Path, "iterdir", fail)
    with pytest.raises(SettingsError, match="Input/output error"):
        ReplayFiles.open(folder, SEALER)
    monkeypatch.undo()
    opened(folder).close()


def test_a_record_of_another_form_is_damage() -> None:
    for text in ("", "[]", "{}", encode(record(1)).reveal().replace("domain/CORP", "planet/CORP")):
        with pytest.raises(Damaged, match="another form"):
            decode(Secret(text))


def test_a_sealed_record_opens_in_its_place_alone() -> None:
    sealed = SEALER.seal(encode(record(1)), SealPlace("replay", "a", "0"))
    assert decode(SEALER.open(sealed, SealPlace("replay", "a", "0"))) == record(1)
    for place in (SealPlace("replay", "a", "1"), SealPlace("replay", "b", "0"), SealPlace("changes", "a", "0")):
        with pytest.raises(SealBroken):
            SEALER.open(sealed, place)


def test_an_impossible_length_is_damage_and_not_a_request_for_memory(folder: Path) -> None:
    log = opened(folder)
    append(log, 1)
    log.close()
    target = files(folder)[0]
    content = target.read_bytes()
    target.write_bytes(content[:SIZE] + b"\xff" * 100 + content[SIZE:])
    again = opened(folder)
    read = read_all(again)
    assert read.records == []
    assert "impossible length" in read.problems[0][1]
    again.close()
    assert frame(b"x") != frame(b"y")


def test_looking_at_nothing_or_at_damaged_files_counts_what_can_be_counted(folder: Path) -> None:
    assert look(folder) == Waiting()
    log = opened(folder)
    append(log, 3)
    log.close()
    assert look(folder) == Waiting(3)
    target = files(folder)[0]
    target.write_bytes(target.read_bytes()[:-1])
    assert look(folder) == Waiting(2)
    assert replace(look(folder), changes=0) == Waiting()
