"""Options of the sql connector: no password in a manifest, no surprise about which file or column is meant."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from controller.connectors import sql_engine
from controller.connectors.hashing import Argon2id, Bcrypt, Pbkdf2Sha256
from controller.connectors.sql import CONNECTOR_TYPE
from controller.connectors.sql_engine import make_engine
from controller.connectors.sql_options import SqlOptions, parse_url, scheme_of, url_of
from controller.model.errors import SettingsError
from tests.doubles.secrets import no_secrets, secrets_from

TABLE = {"table": "accounts", "accountColumn": "name", "passwordColumn": "hash", "scheme": "bcrypt"}


def options(folder: Path | None = None, **given: Any) -> SqlOptions:
    return SqlOptions.model_validate(TABLE | given, context={"folder": folder} if folder else None)


def refusal(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        options(**given)
    return str(caught.value)


def test_a_relative_sqlite_file_stands_beside_the_manifest(tmp_path: Path) -> None:
    assert options(tmp_path, url="sqlite:///data/app.db").url == f"sqlite:///{tmp_path}/data/app.db"


def test_an_absolute_sqlite_file_and_a_server_stay_as_they_are(tmp_path: Path) -> None:
    for url in ("sqlite:////srv/app.db", "postgresql+psycopg://app@db.example.com/app?sslmode=verify-full"):
        assert options(tmp_path, url=url).url == url
        assert options(url=url).url == url


def test_options_survive_being_stored_and_read_again(tmp_path: Path) -> None:
    first = options(tmp_path, url="sqlite:///app.db")
    stored = first.model_dump(mode="json", by_alias=True)

    assert SqlOptions.model_validate(stored) == first


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:S3cret@h/d",
        "postgresql://app@h/d?password=S3cret",
        "postgresql://app@h/d?PASSWORD=S3cret",
        "postgresql://app:@h/d?sslpassword=S3cret",
        "postgresql://app@h/d?oauth_client_secret=S3cret",
        "postgresql:///?dbname=host%3Dh%20password%3DS3cret",
        "postgresql://h/host=h password = S3cret",
        "oracle+oracledb://h/?wallet_password=S3cret",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BPWD%3DS3cret",
    ],
)
def test_a_password_in_the_url_is_refused_with_the_remedy_and_not_shown(url: str) -> None:
    text = refusal(url=url)

    assert "urlFrom" in text
    assert "S3cret" not in text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("S3cret", "not a database URL"),
        ("nosuch://app:S3cret@h/d", "not a database URL"),
        ("postgresql://app@h:S3cret/d", "not a database URL"),
        ("postgresql+asyncpg://app:S3cret@h/d", "asynchronous"),
        ("sqlite://", "needs the path of a file"),
        ("sqlite:///:memory:", "needs the path of a file"),
        ("sqlite:///file:S3cret?uri=true", "needs the path of a file"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_not_shown(url: str, words: str) -> None:
    text = refusal(url=url)

    assert words in text
    assert "S3cret" not in text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "exactly one of url and urlFrom"),
        ({"url": "sqlite:///x", "urlFrom": {"env": "X"}}, "exactly one of url and urlFrom"),
        ({"url": "sqlite:///x", "scheme": "argon2id", "cost": 5}, "cost belongs to scheme: bcrypt"),
        ({"url": "sqlite:///x", "iterations": 5}, "iterations belongs to scheme: pbkdf2-sha256"),
        ({"url": "sqlite:///x", "scheme": "md5"}, "scheme"),
        ({"url": "sqlite:///x", "table": "a.b.c"}, "table"),
        ({"url": "sqlite:///x", "table": 'a"; DROP TABLE x; --'}, "table"),
        ({"url": "sqlite:///x", "accountColumn": "na me"}, "accountColumn"),
        ({"url": "sqlite:///x", "passwordColumn": "hash\n"}, "passwordColumn"),
    ],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, Any], words: str) -> None:
    assert words in refusal(**given)


def test_the_scheme_has_sound_defaults_and_its_own_parameter() -> None:
    url = "sqlite:///x"

    assert scheme_of(options(url=url)) == Bcrypt(12)
    assert scheme_of(options(url=url, cost=4)) == Bcrypt(4)
    assert scheme_of(options(url=url, scheme="argon2id")) == Argon2id()
    assert scheme_of(options(url=url, scheme="pbkdf2-sha256")) == Pbkdf2Sha256(600_000)
    assert scheme_of(options(url=url, scheme="pbkdf2-sha256", iterations=7)) == Pbkdf2Sha256(7)


def test_only_bcrypt_limits_the_password() -> None:
    assert CONNECTOR_TYPE.capabilities(options(url="sqlite:///x")).constraints.max_bytes == 72
    assert CONNECTOR_TYPE.capabilities(options(url="sqlite:///x", scheme="argon2id")).constraints.max_bytes is None


def test_a_url_with_a_password_comes_from_a_reference() -> None:
    chosen = options(urlFrom={"env": "APP"})

    assert url_of(chosen, secrets_from({"APP": "postgresql://app:S3cret@h/d"})).password == "S3cret"
    assert url_of(chosen, secrets_from({"APP": "sqlite:////srv/app.db"})).database == "/srv/app.db"


@pytest.mark.parametrize("url", ["S3cret", "nosuch://app:S3cret@h/d", "sqlite:///S3cret.db"])
def test_a_referenced_url_that_cannot_be_used_is_told_by_its_place_alone(url: str) -> None:
    with pytest.raises(SettingsError, match="environment variable APP") as caught:
        url_of(options(urlFrom={"env": "APP"}), secrets_from({"APP": url}))

    assert "S3cret" not in f"{caught.value}{caught.value.__cause__}"


def test_a_reference_to_nothing_is_told() -> None:
    with pytest.raises(SettingsError, match="environment variable APP is not set"):
        CONNECTOR_TYPE.connect(options(urlFrom={"env": "APP"}), no_secrets)


@pytest.mark.parametrize(("driver", "hint"), [("postgresql", "pwsync[postgresql]"), ("mysql", "pip")])
def test_a_driver_that_is_not_installed_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, driver: str, hint: str
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("S3cret")

    monkeypatch.setattr(sql_engine, "create_engine", missing)
    with pytest.raises(SettingsError, match=f"driver of {driver} databases is not installed") as caught:
        make_engine(parse_url(f"{driver}://app:S3cret@h/d"))
    assert hint in caught.value.hint
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h/d", {"connect_timeout": "10"}),
        ("postgresql://h/d?connect_timeout=3", {"connect_timeout": "3"}),
        ("mariadb+mysqldb://h/d", {"connect_timeout": "10"}),
        ("mariadb+pymysql://h/d", {"connect_timeout": "10", "read_timeout": "30", "write_timeout": "30"}),
        ("oracle://h/d", {}),
    ],
)
def test_connecting_has_a_time_limit_unless_the_url_has_its_own(url: str, expected: dict[str, str]) -> None:
    assert dict(sql_engine._with_timeout(parse_url(url)).query) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "postgresql+psycopg://h/d"}, "table, accountColumn, passwordColumn, scheme missing"),
        ({"url": "postgresql+psycopg://h/d", "roles": "postgresql", "table": "t"}, "table belongs to a table"),
        ({"url": "sqlite:///x", "roles": "postgresql"}, "needs a url of the form postgresql"),
        ({"url": "postgresql+psycopg://h/d", "roles": "mariadb"}, "needs a url of the form mariadb"),
        ({"url": "mariadb+pymysql://h", "roles": "mariadb", "iterations": 5000}, "iterations belongs to"),
        ({"url": "mariadb+pymysql://h", "roles": "mariadb", "cost": 5}, "cost belongs to"),
    ],
)
def test_either_a_table_or_the_logins_of_the_database(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SqlOptions.model_validate(given)
    assert words in str(caught.value)


def test_only_accounts_of_which_no_server_counts_wrong_passwords_are_probed_with_every_try() -> None:
    roles = SqlOptions.model_validate({"url": "postgresql+psycopg://h/d", "roles": "postgresql"})
    accounts = SqlOptions.model_validate({"url": "mariadb+pymysql://h", "roles": "mariadb"})
    can = [CONNECTOR_TYPE.capabilities(o).is_probe_harmless for o in (options(url="sqlite:///x"), accounts, roles)]
    assert can == [True, True, False]


def test_making_a_connector_opens_no_connection(tmp_path: Path) -> None:
    CONNECTOR_TYPE.connect(options(tmp_path, url="sqlite:///app.db"), no_secrets).close()

    assert list(tmp_path.iterdir()) == []
