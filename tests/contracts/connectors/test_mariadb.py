"""The connector contract over MariaDB: a table of hashes, and accounts of the server, judged by its own client."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any, Literal

import pytest
from sqlalchemy import URL

from controller.connectors.sql import CONNECTOR_TYPE
from controller.connectors.sql_options import SqlOptions
from controller.model.errors import AccountRefused, AccountUnknown, ChannelRefused, PasswordRejected
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import NEW, ConnectorContract
from tests.contracts.connectors.harness import Bench
from tests.contracts.connectors.test_sql import accepts
from tests.doubles.secrets import secrets_from
from tests.servers.fixtures import require_server
from tests.servers.mariadb import MariadbServer, running_mariadb
from tests.servers.proxy import Relay

pytestmark = pytest.mark.system

INITIAL = "Initial-1-password"
SERVICE, SERVICE_PASSWORD = "pwsync", "Service-of-mariadb-1"
_TABLE = {"table": "app.accounts", "accountColumn": "name", "passwordColumn": "hash", "scheme": "argon2id"}


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariadbServer]:
    require_server("mariadbd", "mariadb-install-db", "mariadb")
    with running_mariadb(tmp_path_factory.mktemp("mariadb")) as server:
        server.administer(
            f"CREATE USER {SERVICE} IDENTIFIED BY '{SERVICE_PASSWORD}'",
            f"CREATE USER reader IDENTIFIED BY '{SERVICE_PASSWORD}'",
            f"GRANT CREATE USER ON *.* TO {SERVICE}",
            f"GRANT SELECT ON mysql.global_priv TO {SERVICE}, reader",
            "CREATE DATABASE app",
            "CREATE TABLE app.accounts (name varchar(100) PRIMARY KEY, hash varchar(200))",
            f"GRANT SELECT, UPDATE ON app.accounts TO {SERVICE}",
        )
        yield server


@pytest.fixture(scope="module")
def mariadb_relay(mariadb: MariadbServer) -> Iterator[Relay]:
    with closing(Relay(mariadb.port)) as relay:
        yield relay


def connect_to(port: int, *, user: str = SERVICE, **options: Any) -> Connector:
    url = URL.create("mariadb+pymysql", user, SERVICE_PASSWORD, "127.0.0.1", port)
    resolve = secrets_from({"APP": url.render_as_string(hide_password=False)})
    return CONNECTOR_TYPE.connect(SqlOptions.model_validate({"urlFrom": {"env": "APP"}, **options}), resolve)


class MariadbBench(Bench):
    password, missing = INITIAL, "nobody"

    def __init__(self, server: MariadbServer, relay: Relay, account: str, kind: Literal["table", "accounts"]) -> None:
        self._server, self._relay, self._kind = server, relay, kind
        self.account = account
        if kind == "accounts":
            server.administer(f"CREATE USER `{account}` IDENTIFIED BY '{self.password}'")
        else:
            server.administer(f"INSERT INTO app.accounts VALUES ('{account}', 'unset')")  # noqa: S608  # the test's own
            with closing(self.fresh()) as connector:
                connector.set_password(account, Secret(self.password))

    def fresh(self) -> Connector:
        return connect_to(self._relay.port, **({"roles": "mariadb"} if self._kind == "accounts" else _TABLE))

    def login(self, account: str, password: str) -> bool:
        if self._kind == "accounts":
            return self._server.lets_in(account, password)
        rows = self._server.administer(f"SELECT hash FROM app.accounts WHERE name = '{account}'")  # noqa: S608  # the test's own
        return any(accepts(password, str(stored)) for (stored,) in rows)

    def unreachable(self) -> AbstractContextManager[None]:
        return self._relay.down()


class TestMariadb(ConnectorContract):
    @pytest.fixture(params=["table", "accounts"])
    def bench(
        self,
        mariadb: MariadbServer,
        mariadb_relay: Relay,
        fresh_name: Callable[[str], str],
        request: pytest.FixtureRequest,
    ) -> Bench:
        return MariadbBench(mariadb, mariadb_relay, fresh_name("alice"), request.param)


@pytest.fixture
def accounts(mariadb: MariadbServer) -> Iterator[Connector]:
    with closing(connect_to(mariadb.port, roles="mariadb")) as connector:
        yield connector


def test_no_log_of_the_server_holds_a_password(mariadb: MariadbServer, accounts: Connector) -> None:
    mariadb.administer("CREATE USER logged IDENTIFIED BY 'other'")
    accounts.set_password("logged", Secret(NEW))
    assert accounts.verify_password("logged", Secret(NEW))

    log = mariadb.general_log.read_text(errors="replace")
    assert "ALTER USER `logged`@`%` IDENTIFIED VIA mysql_native_password USING" in log
    assert NEW not in log
    assert mariadb.lets_in("logged", NEW)


@pytest.mark.parametrize("name", ["we`ird %s", "o'hara", 'quo"ted', "back\\slash"])
def test_whatever_an_account_is_called_it_alone_is_changed(
    mariadb: MariadbServer, accounts: Connector, name: str
) -> None:
    quoted = name.replace("`", "``")
    mariadb.administer(f"CREATE USER `{quoted}` IDENTIFIED BY '{INITIAL}'")
    accounts.set_password(f"{name}@%", Secret(NEW))

    assert accounts.verify_password(name, Secret(NEW))
    assert not accounts.verify_password(name, Secret(INITIAL))


def test_the_host_is_a_part_of_the_name(mariadb: MariadbServer, accounts: Connector) -> None:
    mariadb.administer(
        f"CREATE USER twice@localhost IDENTIFIED BY '{INITIAL}'",
        f"CREATE USER twice@127.0.0.1 IDENTIFIED BY '{INITIAL}'",
    )
    accounts.set_password("twice@127.0.0.1", Secret(NEW))

    assert mariadb.lets_in("twice", NEW)
    assert accounts.verify_password("twice@localhost", Secret(INITIAL))
    with pytest.raises(AccountUnknown):
        accounts.verify_password("twice", Secret(INITIAL))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE USER other IDENTIFIED VIA unix_socket", "unix_socket"),
        ("CREATE USER other IDENTIFIED VIA unix_socket OR mysql_native_password", "left as it is"),
        ("CREATE ROLE other", "is a role"),
    ],
)
def test_an_account_that_is_identified_in_another_way_is_left_as_it_is(
    mariadb: MariadbServer, accounts: Connector, statement: str, words: str
) -> None:
    account = "other@" if "ROLE" in statement else "other"
    mariadb.administer(statement)
    try:
        with pytest.raises(AccountRefused, match=words):
            accounts.set_password(account, Secret(NEW))
    finally:
        mariadb.administer(f"DROP {'ROLE' if 'ROLE' in statement else 'USER'} other")


def test_a_login_without_the_right_is_a_refused_channel(mariadb: MariadbServer) -> None:
    mariadb.administer(f"CREATE OR REPLACE USER target IDENTIFIED BY '{INITIAL}'")
    with closing(connect_to(mariadb.port, user="reader", roles="mariadb")) as connector:
        for attempt in (connector.check, lambda: connector.set_password("target", Secret(NEW))):
            with pytest.raises(ChannelRefused):
                attempt()
    assert mariadb.lets_in("target", INITIAL)


@pytest.mark.parametrize("user", [SERVICE, "not-there"])
@pytest.mark.parametrize("options", [{"roles": "mariadb"}, _TABLE], ids=["accounts", "table"])
def test_our_own_wrong_password_is_no_question_of_rights(
    mariadb: MariadbServer, user: str, options: dict[str, object]
) -> None:
    resolve = secrets_from({"APP": f"mariadb+pymysql://{user}:Wrong-S3cret@127.0.0.1:{mariadb.port}"})
    given = SqlOptions.model_validate({"urlFrom": {"env": "APP"}, **options})
    with closing(CONNECTOR_TYPE.connect(given, resolve)) as connector:
        (found,) = connector.diagnose(())
    assert "does not let our login in" in found.message
    assert "Wrong-S3cret" not in found.message
    assert found.remedy == "mend the name or password in url / urlFrom"


def test_a_server_that_wants_to_see_passwords_is_a_refused_channel(mariadb: MariadbServer, accounts: Connector) -> None:
    mariadb.administer(
        f"CREATE OR REPLACE USER target IDENTIFIED BY '{INITIAL}'", "INSTALL SONAME 'simple_password_check'"
    )
    try:
        for attempt in (accounts.check, lambda: accounts.set_password("target", Secret(NEW))):
            with pytest.raises(ChannelRefused, match="takes no hashes"):
                attempt()
        mariadb.administer("SET GLOBAL strict_password_validation = OFF")
        accounts.set_password("target", Secret(NEW))
    finally:
        mariadb.administer("SET GLOBAL strict_password_validation = ON", "UNINSTALL SONAME 'simple_password_check'")
    assert mariadb.lets_in("target", NEW)


@pytest.mark.parametrize("password", ["", "a\x00b", "\ud800"])
def test_what_no_client_could_send_is_not_set(accounts: Connector, password: str) -> None:
    with pytest.raises(PasswordRejected):
        accounts.set_password("root@localhost", Secret(password))


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
def test_a_name_that_no_account_can_have_is_refused(accounts: Connector, name: str) -> None:
    with pytest.raises(AccountRefused):
        accounts.set_password(name, Secret(NEW))
