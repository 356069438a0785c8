"""The embedded store's file: its mode, its settings, and what is refused."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import URL

from controller.model.accounts import WindowsAccount
from controller.model.credential import StoredSecret
from controller.model.errors import StoreUnavailable, StoreUnusable
from controller.model.topology import Mapping
from controller.ports.store import Store
from controller.store import turn
from controller.store.database_file import protect_files
from controller.store.engine import engines_of
from controller.store.location import Location
from controller.store.opening import empty_store, open_store
from tests.contracts.store.examples import ALICE, AT

ONE = Mapping("PAYROLL", WindowsAccount("CORP", "alice"), "A1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the store stands, in a folder whose name needs quoting in a URI."""
    folder = tmp_path / "a b%20ü?#"
    folder.mkdir()
    return folder / "pwsync.db"


def _url(file: Path) -> str:
    return URL.create("sqlite", database=str(file)).render_as_string()


def _open(file: Path, *, read_only: bool = False) -> Store:
    return open_store(_url(file), read_only=read_only)


def _mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_the_file_and_its_companions_belong_to_their_owner_only(file: Path) -> None:
    store = _open(file)
    with store.write() as tx:
        tx.mappings.put([ONE])
        found = {path.name: _mode(path) for path in file.parent.iterdir()}
    store.close()
    assert found == {"pwsync.db": 0o600, "pwsync.db-wal": 0o600, "pwsync.db-shm": 0o600}
    assert [path.name for path in file.parent.iterdir()] == ["pwsync.db"], "nothing is left beside a closed store"


def test_a_file_that_others_could_read_is_closed_to_them(file: Path) -> None:
    _open(file).close()
    file.chmod(0o644)
    _open(file).close()
    assert _mode(file) == 0o600


def test_side_files_that_others_could_read_are_closed_to_them(file: Path) -> None:
    first = _open(file)
    with first.write() as tx:
        tx.mappings.put([ONE])
    side_files = [file.with_name(f"pwsync.db{ending}") for ending in ("-wal", "-shm")]
    for side_file in side_files:
        side_file.chmod(0o666)
    second = _open(file)
    assert [_mode(side_file) for side_file in side_files] == [0o600, 0o600]
    second.close()
    first.close()


def test_checking_the_files_leaves_the_locks_of_a_transaction_under_way(file: Path) -> None:
    store = _open(file)
    with store.write() as tx:
        tx.mappings.put([ONE])
        file.chmod(0o644)
        protect_files(file)
        probe = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        other = subprocess.run([sys.executable, "-c", probe, str(file)], capture_output=True, text=True, check=False)
    store.close()
    assert "database is locked" in other.stderr


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_a_link_in_the_place_of_a_file_is_refused_and_not_followed(file: Path, ending: str) -> None:
    _open(file).close()
    elsewhere = file.with_name("elsewhere")
    file.with_name("pwsync.db").rename(elsewhere) if not ending else elsewhere.touch()
    elsewhere.chmod(0o644)
    before = elsewhere.read_bytes()
    file.with_name(f"pwsync.db{ending}").symlink_to(elsewhere)
    with pytest.raises(StoreUnusable, match=f"pwsync.db{ending} is a symbolic link") as caught:
        _open(file)
    assert "--database" in caught.value.hint
    assert _mode(elsewhere) == 0o644
    assert elsewhere.read_bytes() == before


def test_a_dangling_link_makes_no_file_elsewhere(file: Path) -> None:
    file.symlink_to(file.with_name("elsewhere"))
    with pytest.raises(StoreUnusable, match="is a symbolic link"):
        _open(file)
    assert not file.with_name("elsewhere").exists()


@pytest.mark.parametrize("ending", ["", "-wal"])
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused(file: Path, ending: str) -> None:
    _open(file).close()
    foreign = file.with_name(f"pwsync.db{ending}")
    foreign.touch()
    os.chown(foreign, 4711, 4711)
    with pytest.raises(StoreUnusable, match=r"belongs to another user \(uid 4711\)") as caught:
        _open(file)
    assert f"chown 0 {foreign}" in caught.value.hint


def test_the_mode_of_a_file_that_is_no_store_stays(file: Path) -> None:
    file.write_text("this is my diary\n" * 100)
    file.chmod(0o644)
    with pytest.raises(StoreUnusable):
        _open(file)
    assert _mode(file) == 0o644


def test_reading_changes_neither_the_file_nor_its_mode_and_leaves_nothing_beside_it(file: Path) -> None:
    _open(file).close()
    file.chmod(0o640)
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    store = _open(file, read_only=True)
    with store.read() as tx:
        assert tx.mappings.count() == 0
    store.close()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert _mode(file) == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["pwsync.db"]


@pytest.mark.parametrize("kind", ["writing", "reading"])
def test_a_commit_is_on_the_disk_and_erased_values_leave_no_trace(file: Path, kind: str) -> None:
    _open(file).close()
    engines = engines_of(Location.parse(_url(file)))
    with getattr(engines, kind).connect() as connection:
        found = {
            pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete", "query_only")
        }
    engines.dispose()
    full, on = 2, 1
    assert found == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": on,
        "busy_timeout": 30_000,
        "secure_delete": on,
        "query_only": int(kind == "reading"),
    }


def test_an_erased_password_is_no_longer_in_the_file(file: Path) -> None:
    store = _open(file)
    sealed = b"the sealed password that must go " * 40
    with store.write() as tx:
        tx.credentials.put_windows(ALICE, StoredSecret(sealed, 1, "t", AT))
    store.close()
    assert sealed[:100] in file.read_bytes()
    store = _open(file)
    with store.write() as tx:
        tx.credentials.remove_windows(ALICE)
    store.close()
    assert sealed[:40] not in file.read_bytes()


def test_a_database_that_left_wal_mode_returns_to_it(file: Path) -> None:
    _open(file).close()
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    _open(file).close()
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_an_empty_file_becomes_a_store(file: Path) -> None:
    file.touch(mode=0o600)
    reader = _open(file, read_only=True)
    with reader.read() as tx:
        assert tx.mappings.count() == 0
    reader.close()
    assert file.read_bytes() == b""
    store = _open(file)
    with store.write() as tx:
        tx.mappings.put([ONE])
    store.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    file: Path, read_only: bool
) -> None:  # a parameter of the test
    file.write_text("this is my diary\n" * 100)
    with pytest.raises(StoreUnusable, match=r"not a usable database.*not a database"):
        _open(file, read_only=read_only)
    assert file.read_text() == "this is my diary\n" * 100


def test_a_damaged_database_is_unusable_and_says_how_to_go_on(file: Path) -> None:
    store = _open(file)
    with store.write() as tx:
        tx.mappings.put(Mapping("PAYROLL", WindowsAccount("CORP", f"user{n}"), f"U{n}") for n in range(5000))
    store.close()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] + b"\xff" * (len(whole) // 2))
    store = _open(file)
    with pytest.raises(StoreUnusable, match="not a usable database") as caught, store.read() as tx:
        list(tx.mappings.scan())
    store.close()
    assert "restore" in caught.value.hint


def test_a_database_of_something_else_is_refused_and_left_alone(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE diary (words TEXT)")
    connection.close()
    with pytest.raises(StoreUnusable, match=r"tables that are not pwsync's, such as diary"):
        _open(file)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"missing/pwsync\.db.*No such file") as caught:
        _open(tmp_path / "missing" / "pwsync.db")
    assert "folder must exist" in caught.value.hint


@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_not_a_file_is_refused(tmp_path: Path, read_only: bool) -> None:
    with pytest.raises(StoreUnavailable, match="is not a file"):
        _open(tmp_path, read_only=read_only)
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="Not a directory"):
        _open(tmp_path / "file" / "pwsync.db", read_only=read_only)


def test_a_mode_that_cannot_be_changed_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _open(file).close()
    file.chmod(0o644)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(StoreUnavailable, match="Operation not permitted"):
        _open(file)


def test_a_database_that_goes_away_is_unavailable_and_not_created_anew(file: Path) -> None:
    store = _open(file)
    store.close()
    file.unlink()
    with pytest.raises(StoreUnavailable, match="unable to open"), store.read() as tx:
        tx.mappings.count()
    assert not file.exists()


def test_a_writer_that_waits_too_long_for_another_process_finds_the_store_busy(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.store.engine.BUSY_SECONDS", 0.05)
    store = _open(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="busy; nothing was changed"), store.write():
        pass
    with store.read() as tx:
        assert tx.mappings.count() == 0, "a reader never waits"
    other.execute("ROLLBACK")
    other.close()
    with store.write() as tx:
        tx.mappings.put([ONE])
    store.close()


def test_a_writer_that_waits_too_long_for_another_thread_finds_the_store_busy(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "BUSY_SECONDS", 0.05)
    store = _open(file)
    refused: list[StoreUnavailable] = []

    def write() -> None:
        try:
            with store.write():
                pass
        except StoreUnavailable as error:
            refused.append(error)

    with store.write():
        other = threading.Thread(target=write)
        other.start()
        other.join(30)
    store.close()
    assert len(refused) == 1


def test_a_writing_transaction_inside_another_is_a_mistake_that_is_told(file: Path) -> None:
    store = _open(file)
    with store.write() as tx:
        with pytest.raises(RuntimeError, match="wait for itself"), store.write():
            pass
        tx.mappings.put([ONE])
    with store.read() as tx:
        assert tx.mappings.count() == 1
    store.close()


def test_an_up_to_date_store_is_opened_without_alembic(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _open(file).close()
    monkeypatch.setitem(__import__("sys").modules, "alembic", None)
    _open(file).close()


def test_an_empty_store_can_be_read_by_several_threads_and_never_written(file: Path) -> None:
    store = empty_store(clock=lambda: AT)
    results: list[int] = []

    def read() -> None:
        with store.read() as tx:
            results.append(tx.mappings.count() + len(list(tx.mappings.scan())))

    with store.read() as tx:
        assert tx.now == AT
        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert tx.resources.read() == {}
    assert results == [0, 0, 0]
    with pytest.raises(StoreUnusable, match="reading only"), store.write():
        pass
    with pytest.raises(StoreUnavailable, match="readonly"), store.read() as tx:
        tx.mappings.put([ONE])
    store.close()
    assert not file.exists()
