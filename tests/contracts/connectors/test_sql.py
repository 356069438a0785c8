"""The connector contract over tables of SQLite and PostgreSQL, judged by implementations other than our own."""

import base64
import hashlib
import sqlite3
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Literal

import psycopg
import pytest
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from sqlalchemy import make_url

from controller.connectors.sql import CONNECTOR_TYPE
from controller.connectors.sql_options import SqlOptions
from controller.model.options import SecretReference
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import ConnectorContract
from tests.contracts.connectors.harness import Bench
from tests.contracts.connectors.libcrypt import crypt_accepts
from tests.contracts.connectors.test_htpasswd import away
from tests.doubles.secrets import secrets_from
from tests.servers.postgresql import plain_url
from tests.servers.proxy import Relay

SchemeName = Literal["bcrypt", "argon2id", "pbkdf2-sha256"]


def accepts(password: str, stored: str) -> bool:
    """Judge a stored hash without our code."""
    match stored.split("$"):
        case ["pbkdf2_sha256", iterations, salt, digest]:
            computed = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), int(iterations))
            return base64.b64decode(digest) == computed
        case ["", "argon2id", *_]:
            try:
                Argon2id.verify_phc_encoded(password.encode(), stored)
            except InvalidKey:
                return False
            return True
        case _:
            return crypt_accepts(password, stored)


class SqliteBench(Bench):
    account, password, missing = "alice", "Initial-1-password", "nobody"

    def __init__(self, file: Path, scheme: SchemeName) -> None:
        self.file = file
        self.refused = "x" * 73 if scheme == "bcrypt" else None
        self.options = SqlOptions(
            url=f"sqlite:///{file}",
            table="accounts",
            account_column="name",
            password_column="hash",
            scheme=scheme,
            cost=4 if scheme == "bcrypt" else None,
            iterations=10 if scheme == "pbkdf2-sha256" else None,
        )
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("CREATE TABLE accounts (name TEXT PRIMARY KEY, hash TEXT)")
            connection.executemany("INSERT INTO accounts VALUES (?, 'unset')", [("alice",), ("bob",)])
        self.fresh().set_password(self.account, Secret(self.password))

    def fresh(self) -> Connector:
        return CONNECTOR_TYPE.connect(self.options, secrets_from({}))

    def login(self, account: str, password: str) -> bool:
        with closing(sqlite3.connect(self.file)) as connection:
            rows = connection.execute("SELECT hash FROM accounts WHERE name = ?", (account,)).fetchall()
        return any(accepts(password, stored) for (stored,) in rows)

    def unreachable(self) -> AbstractContextManager[None]:
        return away(self.file)


class PostgresqlBench(Bench):
    account, password, missing, refused = "alice", "Initial-1-password", "nobody", None

    def __init__(self, url: str, relay: Relay) -> None:
        self._url, self._relay = url, relay
        with self._administrator() as connection:
            connection.execute("CREATE SCHEMA app")
            connection.execute('CREATE TABLE app."Accounts" (name text PRIMARY KEY, "Hash" varchar(200))')
            connection.execute("""INSERT INTO app."Accounts" VALUES ('alice', 'unset'), ('bob', 'unset')""")
        with closing(self.fresh()) as connector:
            connector.set_password(self.account, Secret(self.password))

    def fresh(self) -> Connector:
        options = SqlOptions(
            url_from=SecretReference(env="APP_DATABASE"),
            table="app.Accounts",
            account_column="name",
            password_column="Hash",
            scheme="argon2id",
        )
        url = make_url(self._url).set(port=self._relay.port).render_as_string(hide_password=False)
        return CONNECTOR_TYPE.connect(options, secrets_from({"APP_DATABASE": url}))

    def login(self, account: str, password: str) -> bool:
        with self._administrator() as connection:
            rows = connection.execute('SELECT "Hash" FROM app."Accounts" WHERE name = %s', (account,)).fetchall()
        return any(accepts(password, str(stored)) for (stored,) in rows)

    def unreachable(self) -> AbstractContextManager[None]:
        return self._relay.down()

    def _administrator(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(plain_url(self._url), autocommit=True)


class TestSqlite(ConnectorContract):
    @pytest.fixture(params=["bcrypt", "argon2id", "pbkdf2-sha256"])
    def bench(self, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
        return SqliteBench(tmp_path / "app.db", request.param)


@pytest.mark.system
class TestPostgresql(ConnectorContract):
    @pytest.fixture
    def bench(self, postgresql_database: str, postgresql_relay: Relay) -> Bench:
        return PostgresqlBench(postgresql_database, postgresql_relay)
