"""Opening a store: first use, upgrades, refusals."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Dialect, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.types import TypeEngine

from controller.model.errors import SettingsError, StoreUnavailable, StoreUnusable
from controller.ports.store import Store
from controller.store.migrations import REVISIONS, VERSION_TABLE
from controller.store.opening import open_store
from controller.store.tables import METADATA
from tests.contracts.store.examples import mapping, together
from tests.servers.postgresql import new_database

Type = TypeEngine[Any]


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def _by_hand(url: str, statement: str) -> None:
    with _connection(url) as connection:
        connection.execute(text(statement))


def _revision(url: str) -> list[str]:
    with _connection(url) as connection:
        return list(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars())  # noqa: S608  # constant


def test_the_first_use_creates_the_newest_schema_and_the_next_one_keeps_what_is_there(empty_url: str) -> None:
    first = open_store(empty_url)
    with first.write() as tx:
        tx.mappings.put([mapping("alice", "A1")])
    first.close()
    second = open_store(empty_url)
    with second.read() as tx:
        assert tx.mappings.count() == 1
    second.close()
    assert _revision(empty_url) == [REVISIONS[-1]]


def _differ(dialect: Dialect, _context: object, _found: object, _wanted: object, found: Type, wanted: Type) -> bool:
    """As written in SQL: Alembic's own comparison cannot see through types of one's own."""
    return found.compile(dialect=dialect) != wanted.compile(dialect=dialect)


def test_the_migrations_lead_to_the_tables_that_the_program_uses(store: Store, store_url: str) -> None:
    store.close()
    with _connection(store_url) as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": partial(_differ, connection.dialect)}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
        found = {t: {i["name"] for i in inspect(connection).get_indexes(t)} for t in METADATA.tables}
    assert found == {name: {i.name for i in table.indexes} for name, table in METADATA.tables.items()}


def test_two_that_open_a_new_store_at_once_both_succeed(empty_url: str) -> None:
    def open_and_count() -> int:
        store = open_store(empty_url)
        with store.write() as tx:
            count = tx.mappings.count()
        store.close()
        return count

    assert together(*[open_and_count] * 4) == [0] * 4
    assert _revision(empty_url) == [REVISIONS[-1]]


_OPENER = """
import sys
from controller.store.opening import open_store
url = sys.stdin.readline().strip()
store = open_store(url)
with store.write() as tx:
    print(tx.mappings.count())
store.close()
"""


def _open_in_a_process(url: str) -> str:
    command = [sys.executable, "-W", "error", "-c", _OPENER]
    done = subprocess.run(command, input=url, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def test_two_processes_that_open_a_new_store_at_once_both_succeed(empty_url: str) -> None:
    assert together(*[partial(_open_in_a_process, empty_url)] * 3) == ["0\n"] * 3


def test_an_unknown_revision_is_refused_with_both_revisions_and_the_remedy(store: Store, store_url: str) -> None:
    store.close()
    _by_hand(store_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608  # constant
    for read_only in (False, True):
        with pytest.raises(StoreUnusable, match="9999") as caught:
            open_store(store_url, read_only=read_only)
        assert REVISIONS[-1] in caught.value.message
        assert "upgrade pwsync" in caught.value.hint
        _nothing_secret_in(caught.value, store_url)


def test_an_older_revision_is_not_migrated_when_opened_for_reading(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    monkeypatch.setattr("controller.store.schema.REVISIONS", (*REVISIONS, "0002"))
    with pytest.raises(StoreUnusable, match=r"needs 0002") as caught:
        open_store(store_url, read_only=True)
    assert "pwsync apply" in caught.value.hint


def test_a_store_that_does_not_exist_yet_is_read_as_empty_and_not_created(empty_url: str) -> None:
    store = open_store(empty_url, read_only=True)
    with store.read() as tx:
        assert tx.resources.read() == {}
        assert tx.resources.revision() == 0
        assert list(tx.mappings.scan()) == []
        assert tx.deliveries.next_due() == {}
    with pytest.raises(StoreUnusable, match="reading only"), store.write():
        pass
    store.close()
    file = make_url(empty_url).database or ""
    if empty_url.startswith("sqlite"):
        assert not Path(file).exists()
    else:
        with _connection(empty_url) as connection:
            assert inspect(connection).get_table_names() == []


def test_a_store_that_lost_a_table_is_unusable(store: Store, store_url: str) -> None:
    _by_hand(store_url, "DROP TABLE leases")
    with pytest.raises(StoreUnusable, match="tables"), store.write() as tx:
        tx.leases.release("a", "b")


@pytest.mark.parametrize(
    "url",
    [
        "not a url",
        "mysql://root:hunter2@localhost/db",
        "oracle://scott:hunter2@h/db",
        "postgresql+asyncpg://u:hunter2@h/db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "sqlite:///x.db?timeout=1",
        "sqlite://user:hunter2@host/x.db",
        "postgresql://u:hunter2@h:port/db",
    ],
)
def test_a_url_that_no_store_can_have_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "sqlite:////" in caught.value.hint or "pip install" in caught.value.hint


def _nothing_secret_in(error: BaseException | None, url: str) -> None:
    password = make_url(url).password
    while error is not None:
        assert not password or str(password) not in f"{error!r} {error}"
        error = error.__cause__


@pytest.mark.system
@pytest.mark.parametrize(
    "change",
    [{"port": 1}, {"password": "hunter2"}, {"database": "nowhere"}, {"query": {"password": "hunter2"}}],
    ids=["no server", "wrong password", "no database", "wrong password in the query"],
)
def test_a_server_that_does_not_let_us_in_is_unavailable(postgresql_server: str, change: dict[str, object]) -> None:
    url = make_url(postgresql_server)
    if "query" in change:
        url = url.set(password="")
    broken = url.set(**change).render_as_string(hide_password=False)  # type: ignore[arg-type]  # as written above
    for read_only in (False, True):
        with pytest.raises(StoreUnavailable) as caught:
            open_store(broken, read_only=read_only)
        assert "127.0.0.1" in caught.value.message
        assert "hunter2" not in str(caught.value)
        _nothing_secret_in(caught.value, broken)


@pytest.mark.system
def test_connections_that_died_in_the_pool_are_replaced(postgresql_server: str, migrated_template: str) -> None:
    with new_database(postgresql_server, template=migrated_template) as url:
        store = open_store(url)
        ready, leave = threading.Event(), threading.Event()

        def hold() -> None:
            with store.read():
                ready.set()
                leave.wait(30)

        other = threading.Thread(target=hold)
        other.start()
        ready.wait(30)
        with store.read() as tx:
            assert tx.mappings.count() == 0
        leave.set()
        other.join(30)
        killed = make_url(url).database
        _by_hand(
            postgresql_server,
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{killed}'",  # noqa: S608  # of this test
        )
        with store.write() as tx:
            tx.mappings.put([mapping("alice", "A1")])
        store.close()
