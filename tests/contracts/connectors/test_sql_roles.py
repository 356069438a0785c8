"""The connector contract over roles of PostgreSQL: what is set there lets in, and no log of the server holds it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from controller.connectors.sql import CONNECTOR_TYPE
from controller.connectors.sql_options import SqlOptions
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    ChannelRefused,
    OldPasswordWrong,
    PasswordRejected,
    SettingsError,
)
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import NEW, ConnectorContract
from tests.contracts.connectors.harness import Bench
from tests.doubles.secrets import secrets_from
from tests.servers.postgresql import plain_url
from tests.servers.proxy import Relay

pytestmark = pytest.mark.system

INITIAL = "Initial-1-password"
SERVICE, SERVICE_PASSWORD = "pwsync", "Service-of-roles-1"
Administrator: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"


@pytest.fixture(scope="module")
def administrator(application_postgresql: str) -> Iterator[Administrator]:
    """The superuser; beside it a service account that may change roles, and whose statements are logged."""
    with psycopg.connect(plain_url(application_postgresql), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {SERVICE} LOGIN CREATEROLE PASSWORD '{SERVICE_PASSWORD}'")
        connection.execute(f"ALTER ROLE {SERVICE} SET log_statement = 'all'")
        connection.execute(f"ALTER ROLE {SERVICE} SET log_min_duration_statement = 0")
        for name in ("trusted", "rejected"):
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{INITIAL}'")
        with _asking_some_for_no_password(application_postgresql, connection):
            yield connection
        connection.execute(f"DROP ROLE {SERVICE}, trusted, rejected")


@contextmanager
def _asking_some_for_no_password(url: str, administrator: Administrator) -> Iterator[None]:
    """Within the block ``trusted`` is let in without a password, and ``rejected`` not even with it."""
    (row,) = administrator.execute("SHOW hba_file").fetchall()
    file = Path(str(row[0]))
    before = file.read_text()
    file.write_text(f"host all trusted all trust\nhost all rejected all reject\n{before}")
    administrator.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 30
    while not lets_in(url, "trusted", "any"):  # the server reads it in its own time
        assert time.monotonic() < deadline
    try:
        yield
    finally:
        file.write_text(before)
        administrator.execute("SELECT pg_reload_conf()")


@pytest.fixture
def role(administrator: Administrator, fresh_name: Callable[[str], str]) -> Iterator[str]:
    """A role whose name needs care."""
    name = f'{fresh_name("Alice")} "%s" o\'hara'
    administrator.execute(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(INITIAL))
    )
    yield name
    administrator.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def connect_to(url: str, port: int | None = None, *, user: str = SERVICE, **options: Any) -> Connector:
    parts = make_url(url)
    given = parts.set(username=user, password=SERVICE_PASSWORD, port=port or parts.port)
    resolve = secrets_from({"ROLES": given.render_as_string(hide_password=False)})
    declared = {"urlFrom": {"env": "ROLES"}, "roles": "postgresql", **options}
    return CONNECTOR_TYPE.connect(SqlOptions.model_validate(declared), resolve)


def lets_in(url: str, role: str, password: str) -> bool:
    try:
        psycopg.connect(plain_url(url), user=role, password=password).close()
    except psycopg.OperationalError:
        return False
    return True


class RolesBench(Bench):
    password, missing = INITIAL, "nobody"

    def __init__(self, url: str, relay: Relay, role: str) -> None:
        self._url, self._relay, self.account = url, relay, role

    def fresh(self) -> Connector:
        return connect_to(self._url, self._relay.port)

    def login(self, account: str, password: str) -> bool:
        return lets_in(self._url, account, password)

    def unreachable(self) -> AbstractContextManager[None]:
        return self._relay.down()


@pytest.mark.usefixtures("administrator")
class TestPostgresqlRoles(ConnectorContract):
    @pytest.fixture
    def bench(self, application_postgresql: str, postgresql_relay: Relay, role: str) -> Bench:
        return RolesBench(application_postgresql, postgresql_relay, role)


def test_no_log_of_the_server_holds_a_password(
    application_postgresql: str, administrator: Administrator, role: str
) -> None:
    connector = connect_to(application_postgresql)
    connector.set_password(role, Secret(NEW))
    assert connector.verify_password(role, Secret(NEW))
    connector.close()

    (row,) = administrator.execute("SHOW data_directory").fetchall()
    log = (Path(str(row[0])).parent / "log").read_text(encoding="utf-8")
    assert "ALTER ROLE" in log
    assert "SCRAM-SHA-256$4096:" in log
    assert NEW not in log


@pytest.mark.parametrize(
    "password",
    ["½ Ⅸ ﬁ ª", "soft\u00adhyphen", "no\u00a0break\u3000space", "א1", "1א2", "\u0007bell", "\U000e0001tag", "\u00ad"],
)
def test_a_password_is_prepared_as_clients_prepare_it(application_postgresql: str, role: str, password: str) -> None:
    connector = connect_to(application_postgresql)
    connector.set_password(role, Secret(password))
    connector.close()

    assert lets_in(application_postgresql, role, password)
    assert not lets_in(application_postgresql, role, password + "1")


def test_more_iterations_can_be_asked_for(application_postgresql: str, administrator: Administrator, role: str) -> None:
    connector = connect_to(application_postgresql, iterations=10_000)
    connector.set_password(role, Secret(NEW))
    connector.close()

    row = administrator.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [role]).fetchone()
    assert row is not None
    assert str(row[0]).startswith("SCRAM-SHA-256$10000:")
    assert lets_in(application_postgresql, role, NEW)


@pytest.mark.parametrize("state", ["NOLOGIN", "VALID UNTIL '2001-01-01'", "CONNECTION LIMIT 0"])
def test_a_role_that_cannot_log_in_hides_the_answer(
    application_postgresql: str, administrator: Administrator, role: str, state: str
) -> None:
    connector = connect_to(application_postgresql)
    administrator.execute(sql.SQL("ALTER ROLE {} " + state).format(sql.Identifier(role)))
    connector.set_password(role, Secret(NEW))
    with pytest.raises(AccountRefused):
        connector.verify_password(role, Secret(NEW))
    connector.close()


@pytest.mark.parametrize("name", ["trusted", "rejected"])
@pytest.mark.usefixtures("administrator")
def test_a_server_that_does_not_ask_for_the_password_cannot_tell(application_postgresql: str, name: str) -> None:
    connector = connect_to(application_postgresql)
    with pytest.raises(AccountRefused, match="does not ask"):
        connector.verify_password(name, Secret(INITIAL))
    connector.close()


def test_a_login_without_the_right_is_a_refused_channel(
    application_postgresql: str, administrator: Administrator, role: str
) -> None:
    administrator.execute(f"CREATE ROLE reader LOGIN PASSWORD '{SERVICE_PASSWORD}'")
    connector = connect_to(application_postgresql, user="reader")
    try:
        for attempt in (connector.check, lambda: connector.set_password(role, Secret(NEW))):
            with pytest.raises(ChannelRefused):
                attempt()
    finally:
        connector.close()
        administrator.execute("DROP ROLE reader")


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize("password", ["", ":Wrong-S3cret"])
def test_our_own_wrong_password_is_no_question_of_rights(application_postgresql: str, password: str) -> None:
    port = make_url(application_postgresql).port
    resolve = secrets_from({"ROLES": f"postgresql+psycopg://{SERVICE}{password}@127.0.0.1:{port}/postgres"})
    options = SqlOptions.model_validate({"urlFrom": {"env": "ROLES"}, "roles": "postgresql"})
    with closing(CONNECTOR_TYPE.connect(options, resolve)) as connector:
        (found,) = connector.diagnose(())
    assert "does not let our login in" in found.message
    assert "Wrong-S3cret" not in found.message
    assert found.remedy.startswith("mend the name or password in url / urlFrom")


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize("name", ["x" * 70, "a\x00b", "\ud800"])
def test_a_name_that_no_role_can_have_is_not_cut_to_one_that_is_there(application_postgresql: str, name: str) -> None:
    connector = connect_to(application_postgresql)
    with pytest.raises((AccountUnknown, AccountRefused)):
        connector.set_password(name, Secret(NEW))
    connector.close()


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize("password", ["", "a\x00b", "\ud800"])
def test_what_no_client_could_send_is_neither_set_nor_in_force(
    application_postgresql: str, role: str, password: str
) -> None:
    connector = connect_to(application_postgresql)
    with pytest.raises(PasswordRejected):
        connector.set_password(role, Secret(password))
    assert not connector.verify_password(role, Secret(password))
    with pytest.raises(OldPasswordWrong):
        connector.change_password(role, Secret(password), Secret(NEW))
    connector.close()


def test_another_kind_of_database_has_no_such_roles() -> None:
    with pytest.raises(SettingsError, match="postgresql\\+psycopg"):
        connect_to("mariadb+pymysql://root@127.0.0.1")
