"""The sql connector on SQLite: one row changes or none, and every refusal is told by its kind."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from controller.connectors import sql_engine
from controller.connectors.sql import CONNECTOR_TYPE
from controller.connectors.sql_options import SqlOptions
from controller.connectors.sql_table import AccountTable
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    ConnectorError,
    OldPasswordWrong,
    Unavailable,
)
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.doubles.secrets import no_secrets

NEW = Secret("New-password-1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "an app?#%.db"
    execute(file, 'CREATE TABLE "order" (name, "select", other DEFAULT 1)')
    execute(file, """INSERT INTO "order" VALUES ('alice', 'old', 1), ('twin', 'one', 1), ('twin', 'two', 1)""")
    return file


def execute(file: Path, *statements: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection, connection:
        return [row for statement in statements for row in connection.execute(statement).fetchall()]


def rows(file: Path) -> dict[object, object]:
    return {(name, number): stored for number, (name, stored) in enumerate(execute(file, READ))}


READ = 'SELECT name, "select" FROM "order" ORDER BY rowid'


def connector(file: Path, table: str = "order", account: str = "name", password: str = "select") -> Connector:
    options = SqlOptions.model_validate(
        {
            "url": f"sqlite:///{str(file).replace('%', '%25').replace('?', '%3F').replace('#', '%23')}",
            "table": table,
            "accountColumn": account,
            "passwordColumn": password,
            "scheme": "pbkdf2-sha256",
            "iterations": 5,
        }
    )
    return CONNECTOR_TYPE.connect(options, no_secrets)


def test_exactly_one_row_changes_even_when_names_are_reserved_words(file: Path) -> None:
    before = rows(file)
    connector(file).set_password("alice", NEW)
    after = rows(file)

    assert str(after.pop(("alice", 0))).startswith("pbkdf2_sha256$5$")
    assert after == {key: stored for key, stored in before.items() if key != ("alice", 0)}


def test_an_account_with_several_rows_is_refused_and_none_changes(file: Path) -> None:
    before = rows(file)
    for attempt in (
        lambda: connector(file).set_password("twin", NEW),
        lambda: connector(file).verify_password("twin", NEW),
    ):
        with pytest.raises(AccountRefused, match="several rows"):
            attempt()

    assert rows(file) == before


def test_a_quote_in_an_account_name_is_only_a_quote(file: Path) -> None:
    before = rows(file)
    with pytest.raises(AccountUnknown):
        connector(file).set_password("x' OR '1'='1", NEW)

    assert rows(file) == before


@pytest.mark.parametrize("account", ["a\x00b", "a\ud800"])
def test_a_name_that_no_database_takes_is_refused(file: Path, account: str) -> None:
    for attempt in (
        lambda: connector(file).set_password(account, NEW),
        lambda: connector(file).verify_password(account, NEW),
    ):
        with pytest.raises(AccountRefused, match="cannot stand"):
            attempt()


def test_a_missing_file_is_unavailable_and_not_made(tmp_path: Path) -> None:
    target = connector(tmp_path / "none.db")
    for attempt in (target.check, lambda: target.set_password("alice", NEW)):
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert caught.value.directory_code == "SQLITE_CANTOPEN"

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"table": "missing"}, "no such table"),
        ({"table": "other.order"}, "no such table"),
        ({"account": "missing"}, "no such column"),
        ({"password": "missing"}, "no such column"),
    ],
)
def test_a_missing_table_or_column_is_a_refused_channel(file: Path, names: dict[str, str], words: str) -> None:
    target = connector(file, **names)
    before = rows(file)
    for attempt in (target.check, lambda: target.set_password("alice", NEW)):
        with pytest.raises(ChannelRefused) as caught:
            attempt()
        assert words in caught.value.words
        assert "rights" in caught.value.hint

    assert rows(file) == before


def test_something_that_is_no_database_is_a_refused_channel(tmp_path: Path) -> None:
    file = tmp_path / "text.db"
    file.write_text("this is not a database, and long enough to have a header" * 10)

    with pytest.raises(ChannelRefused) as caught:
        connector(file).check()
    assert caught.value.directory_code == "SQLITE_NOTADB"


def test_a_locked_database_is_busy(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_engine, "LOCK_TIMEOUT", 0)
    target = connector(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Busy) as caught:
            target.set_password("alice", NEW)

    assert caught.value.directory_code == "SQLITE_BUSY"
    assert rows(file)["alice", 0] == "old"


def test_a_constraint_of_the_table_refuses_the_account_without_showing_the_hash(file: Path) -> None:
    execute(
        file,
        "CREATE TRIGGER guard BEFORE UPDATE ON \"order\" WHEN NEW.name = 'alice' "
        "BEGIN SELECT RAISE(ABORT, 'alice is frozen'); END",
    )
    with pytest.raises(AccountRefused) as caught:
        connector(file).set_password("alice", NEW)

    assert caught.value.words == "alice is frozen"
    assert caught.value.__context__ is None
    assert rows(file)["alice", 0] == "old"


def test_no_password_at_all_is_in_force_where_the_column_is_null(file: Path) -> None:
    execute(file, 'UPDATE "order" SET "select" = NULL')
    target = connector(file)

    assert not target.verify_password("alice", NEW)
    with pytest.raises(OldPasswordWrong):
        target.change_password("alice", Secret(""), NEW)


def test_a_column_that_holds_no_text_is_told(file: Path) -> None:
    execute(file, 'UPDATE "order" SET "select" = x\'00\'')

    with pytest.raises(AccountRefused, match="other than text"):
        connector(file).verify_password("alice", NEW)


def test_a_hash_of_another_kind_can_be_replaced_but_not_verified(file: Path) -> None:
    target = connector(file)
    for attempt in (
        lambda: target.verify_password("alice", NEW),
        lambda: target.change_password("alice", Secret("old"), NEW),
    ):
        with pytest.raises(AccountRefused, match="cannot be verified"):
            attempt()
    target.set_password("alice", NEW)

    assert target.verify_password("alice", NEW)


def test_a_hash_that_changed_since_it_was_compared_is_not_overwritten(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = connector(file)
    target.set_password("alice", Secret("old"))
    read = AccountTable.read

    def read_and_interfere(self: AccountTable, connection: Connection, account: str) -> str | None:
        stored = read(self, connection, account)
        execute(file, "UPDATE \"order\" SET \"select\" = 'newer' WHERE name = 'alice'")
        return stored

    monkeypatch.setattr(AccountTable, "read", read_and_interfere)
    with pytest.raises(Busy, match="meanwhile"):
        target.change_password("alice", Secret("old"), NEW)
    assert rows(file)["alice", 0] == "newer"


def test_a_connector_may_be_handed_from_one_thread_to_another(file: Path) -> None:
    target = connector(file)
    target.check()
    failures: list[ConnectorError] = []

    def work() -> None:
        try:
            target.set_password("alice", NEW)
        except ConnectorError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert failures == []
    assert target.verify_password("alice", NEW)


def test_a_check_changes_nothing_even_where_updates_do_more(file: Path) -> None:
    execute(file, 'CREATE TRIGGER count AFTER UPDATE ON "order" BEGIN UPDATE "order" SET other = 2; END')
    connector(file).check()

    assert execute(file, 'SELECT DISTINCT other FROM "order"') == [(1,)]
