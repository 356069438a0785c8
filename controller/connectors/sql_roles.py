"""Roles of PostgreSQL: ``ALTER ROLE ... PASSWORD`` with a verifier computed here, so that no log can hold a password.

Verifying is a real login: only a superuser may read the stored verifier.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, text

from controller.connectors.checking import diagnose_by_check, survey_by_look_up
from controller.connectors.sql_scram import ITERATIONS, scram_verifier
from controller.connectors.sql_transaction import Transactions
from controller.model.constraints import Capabilities, Constraints
from controller.model.diagnosis import Finding
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    OldPasswordWrong,
    PasswordRejected,
)
from controller.model.observation import Survey
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret

CAPABILITIES = Capabilities(constraints=Constraints(min_length=1, forbidden="\x00"))
"""libpq takes what stands before a NUL for the whole password, and PostgreSQL lets nobody in with an empty one."""
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_ROLE = text(
    "SELECT r.rolsuper AS is_superuser, r.rolcanlogin AS can_log_in,"
    " coalesce(r.rolvaliduntil < now(), false) AS has_expired,"
    " has_database_privilege(r.oid, current_database(), 'CONNECT') AS may_connect,"
    " r.rolconnlimit >= 0 AND r.rolconnlimit <="
    "   (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid) AS has_too_many,"
    " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int <="
    "   (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'client backend') AS is_full"
    # As text: PostgreSQL cuts a longer name off, which would then be another role's.
    " FROM pg_roles r WHERE r.rolname::text = :name"
)
_OUR_RIGHT = text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")


@dataclass(slots=True)
class PostgresqlRoles:
    """Sets passwords of roles."""

    transactions: Transactions
    iterations: int = ITERATIONS
    capabilities: Capabilities = field(default=CAPABILITIES)

    def set_password(self, account: str, new: Secret) -> None:
        """Set the password of a role that exists.

        Raises:
            PasswordRejected: No client could send it, or a module of the server refuses it.
            AccountUnknown: There is no such role.
            ConnectorError: As ``ports.Connector`` says.
        """
        verifier = self._verifier(account, new)

        def alter(connection: Connection) -> None:
            if _read(connection, account).is_superuser:
                raise AccountRefused(
                    f"{account!r} is a superuser, whose password is not set from elsewhere",
                    hint="remove the mapping, or take SUPERUSER from the role",
                )
            statement = f"ALTER ROLE {_quoted(account)} PASSWORD '{verifier}'"  # it takes no parameters
            connection.execution_options(no_parameters=True).exec_driver_sql(statement)

        self.transactions.do(alter, verifier)

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Set the password when a login proves that *old* is in force.

        Raises:
            OldPasswordWrong: It is not.
            ConnectorError: As for ``set_password``.
        """
        if not self.verify_password(account, old):
            raise OldPasswordWrong(f"{self.transactions.place}: the old password of {account!r} is wrong")
        self.set_password(account, new)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Log in as the role, once.

        Raises:
            AccountUnknown: There is no such role.
            AccountRefused: It may not log in, or the server does not ask it for a password.
            ConnectorError: As ``ports.Connector`` says.
        """
        self._expect_login(account)
        if self.capabilities.constraints.violation(password) is not None or not password.is_unicode():
            return False
        was_let_in, was_asked = self._log_in(account, password)
        role = self._expect_login(account)  # a server that has gone away is told by this
        if not was_asked:
            raise AccountRefused(
                f"{self.transactions.place}: the server does not ask {account!r} for a password from here",
                hint="pg_hba.conf should say scram-sha-256 for this role",
            )
        if not was_let_in and role.is_full:
            raise Busy(f"{self.transactions.place}: the server has no connection left to try the password with")
        return was_let_in

    def check(self) -> None:
        """Make sure of login and right, without changing anything.

        Raises:
            ChannelRefused: Our login may not change roles.
            Busy, Unavailable: As ``ports.Connector`` says.
        """
        if not self.transactions.do(lambda connection: connection.execute(_OUR_RIGHT).scalar()):
            raise ChannelRefused(
                f"{self.transactions.place}: our login may not change roles",
                hint="ALTER ROLE ... CREATEROLE, and from PostgreSQL 16 on GRANT role TO ... WITH ADMIN OPTION",
            )

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """PostgreSQL has no policy that it tells: what a module refuses is not written anywhere.

        Raises:
            AccountUnknown: There is no such role.
            ConnectorError: As ``ports.Connector`` says.
        """
        if account is not None:
            self.transactions.do(lambda connection: _read(connection, account))
        return None

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Look which accounts there are; the server does not tell when a password was set.

        Raises:
            Busy, ChannelRefused, Unavailable: As ``ports.Connector`` says.
        """
        return survey_by_look_up(self.policy, accounts)

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:  # noqa: ARG002  # as ports.Connector
        """Check the channel."""
        return diagnose_by_check(self.check)

    def close(self) -> None:
        """Give back the connection; the next call opens another."""
        self.transactions.engine.dispose()

    def _verifier(self, account: str, new: Secret) -> str:
        violation = self.capabilities.constraints.violation(new)
        if violation is None and not new.is_unicode():
            violation = "with a character that cannot be written in UTF-8"
        if violation is not None:
            raise PasswordRejected(f"the new password of {account!r} is {violation}", hint="choose another password")
        return scram_verifier(new, self.iterations)

    def _expect_login(self, account: str) -> "Row[tuple[bool, ...]]":
        role = self.transactions.do(lambda connection: _read(connection, account))
        for is_hindrance, what in (
            (not role.can_log_in, "may not log in (NOLOGIN)"),
            (role.has_expired, "has expired (VALID UNTIL)"),
            (not role.may_connect, "may not connect to this database"),
            (role.has_too_many, "has as many connections as it may have"),
        ):
            if is_hindrance:
                raise AccountRefused(f"{self.transactions.place}: {account!r} {what}, so its password cannot be tried")
        return role

    def _log_in(self, account: str, password: Secret) -> tuple[bool, bool]:
        """Whether the server let the role in, and whether it asked for the password."""
        engine = self.transactions.engine
        url = engine.url.set(username=account, password=password.reveal())
        arguments, options = engine.dialect.create_connect_args(url)
        driver = engine.dialect.loaded_dbapi
        try:
            connection = driver.connect(*arguments, **options)
        except driver.OperationalError as error:
            refused = error
        else:
            was_asked = bool(connection.pgconn.used_password)
            connection.close()
            return True, was_asked
        return False, bool(getattr(refused.pgconn, "used_password", False))


def _read(connection: Connection, account: str) -> "Row[tuple[bool, ...]]":
    if _UNFIT.search(account):
        raise AccountRefused(f"no role can be named {account!r}", hint="no NUL and no lone surrogate can be in a name")
    role = connection.execute(_ROLE, {"name": account}).one_or_none()
    if role is None:
        raise AccountUnknown(f"the server has no role {account!r}")
    return role


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
