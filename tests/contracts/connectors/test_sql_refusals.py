"""What PostgreSQL refuses, and what happens when it goes away, told by its kind."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias

import psycopg
import pytest
from sqlalchemy import event, make_url

from controller.connectors import sql_engine
from controller.connectors.sql import CONNECTOR_TYPE, SqlConnector
from controller.connectors.sql_options import SqlOptions
from controller.model.diagnosis import Verdict
from controller.model.errors import AccountRefused, Busy, ChannelRefused, Indeterminate, Unavailable
from controller.model.secret import Secret
from tests.contracts.connectors.contract import words_of
from tests.doubles.secrets import secrets_from
from tests.servers.postgresql import plain_url
from tests.servers.proxy import Relay

pytestmark = pytest.mark.system

NEW = Secret("New-password-1")
KILL = (
    "CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
)
Connect = Callable[..., SqlConnector]
Administrator: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"


@pytest.fixture
def administrator(postgresql_database: str) -> Iterator[Administrator]:
    with psycopg.connect(plain_url(postgresql_database), autocommit=True) as connection:
        connection.execute("CREATE TABLE accounts (name text, hash text)")
        connection.execute("INSERT INTO accounts VALUES ('alice', 'old')")
        yield connection


@pytest.fixture
def connect(postgresql_database: str, postgresql_relay: Relay) -> Iterator[Connect]:
    """Makes connectors through the relay; the parts of the URL and of the options may be other ones."""
    with ExitStack() as stack:

        def make(table: str = "accounts", **parts: Any) -> SqlConnector:
            url = make_url(postgresql_database).set(port=postgresql_relay.port).set(**parts)
            options = SqlOptions.model_validate(
                {
                    "urlFrom": {"env": "APP"},
                    "table": table,
                    "accountColumn": "name",
                    "passwordColumn": "hash",
                    "scheme": "bcrypt",
                    "cost": 4,
                }
            )
            resolve = secrets_from({"APP": url.render_as_string(hide_password=False)})
            connector = CONNECTOR_TYPE.connect(options, resolve)
            assert isinstance(connector, SqlConnector)
            stack.callback(connector.close)
            return connector

        yield make


def stored(administrator: Administrator) -> str:
    row = administrator.execute("SELECT hash FROM accounts WHERE name = 'alice'").fetchone()
    assert row is not None
    return str(row[0])


def test_a_wrong_login_is_a_refused_channel_and_does_not_show_its_password(connect: Connect) -> None:
    with pytest.raises(ChannelRefused) as caught:
        connect(password="Wrong-S3cret").check()

    assert "Wrong-S3cret" not in words_of(caught.value)
    assert "password authentication failed" in caught.value.words
    assert caught.value.hint.startswith("mend the name or password in url / urlFrom")


def test_doctor_tells_a_wrong_login_with_the_words_of_the_server(connect: Connect) -> None:
    (found,) = connect(password="Wrong-S3cret").diagnose(())
    assert (found.check, found.verdict) == ("table", Verdict.FAILED)
    assert "does not let our login in" in found.message
    assert "password authentication failed" in found.message
    assert "Wrong-S3cret" not in found.message
    assert found.remedy.startswith("mend the name or password in url / urlFrom")


def test_a_database_that_does_not_exist_is_a_refused_channel(connect: Connect) -> None:
    with pytest.raises(ChannelRefused):
        connect(database="nosuch").check()


def test_a_login_without_the_right_to_update_is_a_refused_channel(
    connect: Connect, administrator: Administrator
) -> None:
    administrator.execute("DROP ROLE IF EXISTS reader")
    administrator.execute("CREATE ROLE reader LOGIN PASSWORD 'Reader-1'")
    administrator.execute("GRANT SELECT ON accounts TO reader")
    try:
        connector = connect(username="reader", password="Reader-1")
        for attempt in (connector.check, lambda: connector.set_password("alice", NEW)):
            with pytest.raises(ChannelRefused) as caught:
                attempt()
            assert caught.value.directory_code == "42501"
    finally:
        administrator.execute("DROP OWNED BY reader; DROP ROLE reader")
    assert stored(administrator) == "old"


@pytest.mark.parametrize(("table", "code"), [("nosuch", "42P01"), ("nosuch.accounts", "42P01"), ("narrow", "22001")])
def test_a_table_that_is_not_there_or_too_narrow_is_a_refused_channel(
    connect: Connect, administrator: Administrator, table: str, code: str
) -> None:
    administrator.execute("CREATE TABLE narrow (name text, hash varchar(10))")
    administrator.execute("INSERT INTO narrow VALUES ('alice', 'old')")

    with pytest.raises(ChannelRefused) as caught:
        connect(table).set_password("alice", NEW)
    assert caught.value.directory_code == code


def test_a_constraint_refuses_the_account_without_showing_the_hash(
    connect: Connect, administrator: Administrator
) -> None:
    administrator.execute("ALTER TABLE accounts ADD CHECK (hash NOT LIKE '$2b$%')")

    with pytest.raises(AccountRefused) as caught:
        connect().set_password("alice", NEW)
    assert caught.value.directory_code == "23514"
    assert "$2b$" not in str(caught.value) + caught.value.words
    assert caught.value.__context__ is None


def test_a_trigger_that_quotes_the_hash_is_not_quoted(connect: Connect, administrator: Administrator) -> None:
    administrator.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'frozen: %', NEW.hash; END $$"
    )
    administrator.execute("CREATE TRIGGER t BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION refuse()")

    with pytest.raises(AccountRefused) as caught:
        connect().set_password("alice", NEW)
    assert caught.value.words == "frozen: ***"


def test_a_locked_row_is_busy_after_the_time_limit(
    connect: Connect, administrator: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_engine, "LOCK_TIMEOUT", 1)
    with administrator.transaction():
        administrator.execute("SELECT * FROM accounts FOR UPDATE")
        with pytest.raises(Busy) as caught:
            connect().set_password("alice", NEW)

    assert caught.value.directory_code == "55P03"
    assert stored(administrator) == "old"


def test_a_connection_that_ended_between_two_calls_is_made_anew(
    connect: Connect, administrator: Administrator, postgresql_relay: Relay
) -> None:
    connector = connect()
    connector.check()
    postgresql_relay.drop_connections()
    connector.set_password("alice", NEW)

    assert stored(administrator).startswith("$2b$04$")


def test_a_server_that_ends_the_session_during_the_update_is_unavailable(
    connect: Connect, administrator: Administrator
) -> None:
    administrator.execute(KILL)
    administrator.execute("CREATE TRIGGER t BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION kill()")

    with pytest.raises(Unavailable):
        connect().set_password("alice", NEW)
    assert stored(administrator) == "old"


def test_a_connection_lost_before_the_update_is_unavailable(
    connect: Connect, administrator: Administrator, postgresql_relay: Relay
) -> None:
    connector = connect()
    connector.check()

    @event.listens_for(connector.transactions.engine, "before_cursor_execute")
    def hang_up(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE"):
            postgresql_relay.drop_connections()

    with pytest.raises(Unavailable):
        connector.set_password("alice", NEW)
    assert stored(administrator) == "old"


def test_a_server_that_ends_the_session_during_the_commit_leaves_the_outcome_open(
    connect: Connect, administrator: Administrator
) -> None:
    administrator.execute(KILL)
    administrator.execute(
        "CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON accounts DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION kill()"
    )

    with pytest.raises(Indeterminate):
        connect().set_password("alice", NEW)


def test_a_connection_lost_during_the_commit_leaves_the_outcome_open(
    connect: Connect, administrator: Administrator, postgresql_relay: Relay
) -> None:
    connector = connect()
    event.listen(connector.transactions.engine, "commit", lambda _: postgresql_relay.drop_connections(), once=True)

    with pytest.raises(Indeterminate):
        connector.set_password("alice", NEW)
    connector.set_password("alice", NEW)
    assert connector.verify_password("alice", NEW)
    assert stored(administrator).startswith("$2b$04$")


def test_a_constraint_checked_at_commit_refuses_the_account(connect: Connect, administrator: Administrator) -> None:
    administrator.execute("CREATE TABLE known (hash text PRIMARY KEY); INSERT INTO known VALUES ('old')")
    administrator.execute("ALTER TABLE accounts ADD FOREIGN KEY (hash) REFERENCES known DEFERRABLE INITIALLY DEFERRED")

    with pytest.raises(AccountRefused) as caught:
        connect().set_password("alice", NEW)
    assert caught.value.directory_code == "23503"
    assert stored(administrator) == "old"
