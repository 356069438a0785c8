"""Values on their way into the store and back: times, texts, specs; errors on their way out."""

import sqlite3
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from controller import store as package
from controller.model.errors import InvalidInput, PwsyncError, SettingsError, StoreUnavailable, StoreUnusable
from controller.model.filters import Case, Pad, PasswordFilter, Remove, Substitute, Truncate
from controller.model.topology import Adapter, ConnectorSpec, Kind, ReconcilePolicy, System
from controller.store.columns import Instant, Name, Prose
from controller.store.failures import translation
from controller.store.location import Location
from controller.store.migrations import REVISIONS
from controller.store.specs import parse_spec, spec_json

DIALECTS = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
SERVER = Location.parse("postgresql://pwsync:hunter2@db.example.com/pwsync?sslmode=verify-full")
FILE = Location.parse("sqlite:////var/lib/pwsync/pwsync.db")
text = st.text(st.characters(codec="utf-8"), max_size=8)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
rules = st.one_of(
    st.sampled_from([Case("upper"), Case("lower")]),
    st.builds(Remove, text),
    st.builds(Substitute, text, text),
    st.builds(Pad, st.sampled_from(["start", "end"]), st.integers(1, 256), text),
    st.builds(Truncate, st.integers(1, 256)),
)
durations = st.timedeltas(timedelta(0), timedelta(days=4000))


@given(st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=5, minutes=45)))))
def test_times_come_back_exactly(moment: datetime) -> None:
    column = Instant()
    number = column.process_bind_param(moment, DIALECTS[0])
    assert isinstance(number, int)
    assert column.process_result_value(number, DIALECTS[0]) == moment


@given(st.datetimes(), st.datetimes())
def test_times_are_ordered_as_their_numbers(one: datetime, other: datetime) -> None:
    one, other = one.replace(tzinfo=UTC), other.replace(tzinfo=UTC)
    numbers = [Instant().process_bind_param(moment, DIALECTS[0]) or 0 for moment in (one, other)]
    assert (one < other) == (numbers[0] < numbers[1])


def test_a_time_without_zone_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        Instant().process_bind_param(datetime(2026, 3, 1), DIALECTS[0])  # noqa: DTZ001  # the point


@given(st.text(st.characters()))
def test_any_words_can_be_stored(words: str) -> None:
    kept = Prose().process_bind_param(words, DIALECTS[1])
    assert kept is not None
    assert "\x00" not in kept
    kept.encode()
    assert len(kept) == len(words)
    if words.isprintable():
        assert kept == words


@given(st.text(st.characters()))
def test_a_name_is_stored_as_it_is_or_refused(name: str) -> None:
    storable = "\x00" not in name and not any("\ud800" <= c <= "\udfff" for c in name)
    try:
        assert Name().process_bind_param(name, DIALECTS[0]) == name
        assert storable
    except InvalidInput:
        assert not storable


@given(st.dictionaries(text, json_values, max_size=4))
def test_options_of_a_connector_come_back_as_they_were(options: dict[str, Any]) -> None:
    document = spec_json(Adapter(ConnectorSpec("x", MappingProxyType(options))))
    assert document == spec_json(Adapter(ConnectorSpec("x", dict(reversed(options.items())))))
    assert parse_spec(Kind.ADAPTER, document) == Adapter(ConnectorSpec("x", options))


@given(st.lists(rules, max_size=5))
def test_filter_rules_come_back_as_they_were(given_rules: list[Any]) -> None:
    spec = PasswordFilter(tuple(given_rules))
    assert parse_spec(Kind.PASSWORD_FILTER, spec_json(spec)) == spec


@given(durations, durations)
def test_durations_come_back_as_they_were(one: timedelta, other: timedelta) -> None:
    spec = System(max_sync_age=one, damping_window=other, reconcile=ReconcilePolicy(interval=one))
    assert parse_spec(Kind.SYSTEM, spec_json(spec)) == spec


def test_what_is_no_json_cannot_be_part_of_a_spec() -> None:
    with pytest.raises(Exception, match="cannot be part of a spec"):
        spec_json(Adapter(ConnectorSpec("x", {"y": object()})))


def test_the_revisions_are_those_of_the_scripts() -> None:
    folder = Path(package.__path__[0]) / "migrations"
    config = Config(toml_file=None)
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    scripts = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(scripts)) == REVISIONS


class _Refused(Exception):
    def __init__(self, words: str, sqlstate: str | None) -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


def _of_server(sqlstate: str | None, *, invalidated: bool = False) -> PwsyncError:
    cause = _Refused("the server says:\n  hunter2", sqlstate)
    error = DBAPIError.instance("SELECT 1", {}, cause, _Refused, connection_invalidated=invalidated)
    assert isinstance(error, DBAPIError)
    return translation(error, SERVER)


@pytest.mark.parametrize(
    ("sqlstate", "kind", "words"),
    [
        ("40001", StoreUnavailable, "busy"),
        ("40P01", StoreUnavailable, "busy"),
        ("55P03", StoreUnavailable, "busy"),
        ("57P01", StoreUnavailable, "cannot be used now"),
        ("53300", StoreUnavailable, "cannot be used now"),
        ("28P01", StoreUnavailable, "cannot be used now"),
        (None, StoreUnavailable, "cannot be used now"),
        ("42P01", StoreUnusable, "tables"),
        ("XX001", StoreUnusable, "tables"),
    ],
)
def test_errors_of_postgresql_are_told_apart_by_code(sqlstate: str | None, kind: type[PwsyncError], words: str) -> None:
    error = _of_server(sqlstate)
    assert type(error) is kind
    assert words in error.message
    assert "hunter2" not in str(error)
    assert "\n" not in error.message
    assert "pwsync:***@db.example.com" in error.message


def test_a_connection_that_broke_is_unavailable_whatever_its_code() -> None:
    assert isinstance(_of_server("XX000", invalidated=True), StoreUnavailable)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreUnavailable),
        (sqlite3.SQLITE_LOCKED, StoreUnavailable),
        (sqlite3.SQLITE_FULL, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreUnavailable),
        (sqlite3.SQLITE_CANTOPEN, StoreUnavailable),
        (sqlite3.SQLITE_READONLY_DBMOVED, StoreUnavailable),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreUnusable),
        (sqlite3.SQLITE_NOTADB, StoreUnusable),
        (sqlite3.SQLITE_ERROR, StoreUnusable),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, InvalidInput),
        (sqlite3.SQLITE_TOOBIG, InvalidInput),
    ],
)
def test_errors_of_sqlite_are_told_apart_by_code(code: int, kind: type[PwsyncError]) -> None:
    cause = sqlite3.OperationalError("words")
    cause.sqlite_errorcode = code
    error = DBAPIError("SELECT 1", {}, cause)
    found = translation(error, FILE)
    assert type(found) is kind
    assert "/var/lib/pwsync/pwsync.db" in found.message


def test_a_pool_without_a_free_connection_is_busy_and_a_mistake_of_ours_is_called_one() -> None:
    assert isinstance(translation(PoolTimeout(), FILE), StoreUnavailable)
    mistake = translation(NoSuchTableError(), FILE)
    assert isinstance(mistake, StoreUnusable)
    assert "report it" in mistake.hint


def test_a_location_never_shows_a_password() -> None:
    location = Location.parse("postgresql://u:hunter2@h/d?password=hunter3&sslpassword=hunter4&sslmode=require")
    for shown in (str(location), repr(location), location.without_secrets("hunter2 hunter3\n hunter4")):
        assert "hunter" not in shown


def test_a_driver_that_is_not_installed_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match="psycopg") as caught:
        Location.parse("postgresql://u:hunter2@h/d")
    assert "pip install" in caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_no_words_are_kept_as_none() -> None:
    assert Prose().process_bind_param(None, DIALECTS[0]) is None


@pytest.mark.parametrize("url", ["mysql://pwsync:hunter2@db/x", "mssql+pyodbc://db/x", "oracle://db/x"])
def test_another_engine_is_refused_with_the_urls_that_there_are(url: str) -> None:
    with pytest.raises(SettingsError, match="is no engine that a store can use") as caught:
        Location.parse(url)

    assert url.partition(":")[0].partition("+")[0] in caught.value.message
    assert "sqlite:///" in caught.value.hint
    assert "postgresql+psycopg://" in caught.value.hint
    assert "hunter2" not in str(caught.value)
