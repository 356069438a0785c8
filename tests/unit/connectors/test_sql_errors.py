"""What a database's codes mean, also of databases that are not at hand."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from controller.connectors import sql_engine
from controller.connectors.sql_errors import OF_LOGINS, OF_TABLES, Wording, translate
from controller.connectors.sql_options import parse_url
from controller.model.errors import AccountRefused, Busy, ChannelRefused, ConnectorError, Indeterminate, Unavailable


class DriverError(Exception):
    """An error as drivers raise it, with whatever attributes they give it."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments)
        vars(self).update(attributes)


def translated(
    original: Exception, *, is_committing: bool = False, secret: str = "", wording: Wording = OF_TABLES
) -> ConnectorError:
    error = OperationalError("UPDATE t", {"hash": "H"}, original)
    return translate(error, "table t", is_committing=is_committing, secret=secret, wording=wording)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1045, ChannelRefused),
        (1146, ChannelRefused),
        (1205, Busy),
        (1213, Busy),
        (1062, AccountRefused),
        (1644, AccountRefused),
        (2003, Unavailable),
        (2013, Unavailable),
        (9999, ChannelRefused),
    ],
)
def test_error_numbers_of_mysql_and_mariadb(number: int, expected: type[ConnectorError]) -> None:
    error = translated(DriverError(number, "words"))

    assert type(error) is expected
    assert error.directory_code == str(number)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("08006", Unavailable),
        ("25006", ChannelRefused),
        ("28P01", ChannelRefused),
        ("40001", Busy),
        ("40P01", Busy),
        ("53300", Busy),
        ("57014", Busy),
        ("57P01", Unavailable),
        ("P0001", AccountRefused),
        ("XX000", ChannelRefused),
    ],
)
@pytest.mark.parametrize("attribute", ["sqlstate", "pgcode"])
def test_sqlstates_of_postgresql_with_either_driver(attribute: str, state: str, expected: type[ConnectorError]) -> None:
    error = translated(DriverError("words", **{attribute: state}))

    assert type(error) is expected
    assert (error.directory_code, error.words) == (state, "words")


NAME_OR_PASSWORD = "mend the name or password in url / urlFrom"


@pytest.mark.parametrize("wording", [OF_TABLES, OF_LOGINS])
@pytest.mark.parametrize(
    "original",
    [
        DriverError("words", sqlstate="28P01"),
        DriverError("words", pgcode="28000"),
        DriverError(1045, "Access denied"),
        DriverError(1698, "Access denied"),
    ],
)
def test_a_refused_login_is_told_from_missing_rights(original: DriverError, wording: Wording) -> None:
    error = translated(original, wording=wording)
    assert type(error) is ChannelRefused
    assert error.message == "the database of table t does not let our login in"
    assert error.hint == NAME_OR_PASSWORD

    for other in (DriverError("words", sqlstate="42501"), DriverError(1044, "words"), DriverError(1142, "words")):
        assert "rights" in translated(other).hint
        assert translated(other, wording=OF_LOGINS).hint == "grant it what the page on connectors says"


@pytest.mark.parametrize("asked", ["used_password", "needs_password"])
def test_a_refusal_while_psycopg_connects_has_no_code(asked: str) -> None:
    connection = SimpleNamespace(**{"used_password": False, "needs_password": False, asked: True})
    error = translated(DriverError("fe_sendauth: no password supplied", pgconn=connection), wording=OF_LOGINS)
    assert type(error) is ChannelRefused
    assert error.hint == f"{NAME_OR_PASSWORD}; if both are right, the name of the database"


def test_only_a_lost_connection_leaves_a_commit_open() -> None:
    assert isinstance(translated(DriverError(2013, "lost"), is_committing=True), Indeterminate)
    assert isinstance(translated(DriverError("lost"), is_committing=True), Indeterminate)
    assert isinstance(translated(DriverError(1213, "deadlock"), is_committing=True), Busy)


def test_an_error_without_any_code_is_unavailable() -> None:
    assert type(translated(DriverError())) is Unavailable
    assert type(translate(PoolTimeout("pool"), "table t", is_committing=False, secret="")) is Unavailable


def test_the_words_are_one_line_without_the_secret() -> None:
    error = translated(DriverError(1062, "Duplicate entry 'H4SH'\nfor key 'x'"), secret="H4SH")

    assert "H4SH" not in error.words
    assert "***" in error.words
    assert "\n" not in error.words
    assert "table t" in error.message


def test_the_time_limits_of_postgresql_are_not_sent_to_other_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    made = object()
    monkeypatch.setattr(sql_engine, "create_engine", lambda *_, **__: made)

    assert sql_engine.make_engine(parse_url("oracle://h/d")) is made
