"""Connector type ``sql``: password hashes in a column of a table, on any database that SQLAlchemy speaks to.

Or, with ``roles``, the logins of the database itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel
from sqlalchemy import Engine

from controller.connectors.checking import failed
from controller.connectors.hashing import HashUnknown, Scheme, hash_password, matches
from controller.connectors.sql_engine import make_engine
from controller.connectors.sql_errors import OF_LOGINS
from controller.connectors.sql_mariadb import CAPABILITIES as OF_ACCOUNTS
from controller.connectors.sql_mariadb import MariadbAccounts
from controller.connectors.sql_options import SqlOptions, scheme_of, url_of
from controller.connectors.sql_roles import CAPABILITIES as OF_ROLES
from controller.connectors.sql_roles import PostgresqlRoles
from controller.connectors.sql_scram import ITERATIONS
from controller.connectors.sql_table import AccountTable
from controller.connectors.sql_transaction import Transactions
from controller.model.constraints import Capabilities
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import AccountRefused, AccountUnknown, ConnectorError, OldPasswordWrong
from controller.model.observation import Sighting, Survey
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.ports.connectors import Connector, ConnectorType, ResolveSecret


@dataclass(slots=True)
class SqlConnector:
    """Sets passwords in one table, each in a transaction of its own; keeps its connection between calls."""

    transactions: Transactions
    table: AccountTable
    scheme: Scheme
    capabilities: Capabilities = field(default_factory=Capabilities)

    def set_password(self, account: str, new: Secret) -> None:
        """Set the password of an account that has a row.

        Raises:
            PasswordRejected: The scheme cannot take it.
            AccountUnknown: No row has this account.
            AccountRefused: Several rows have it, or the database refuses this row (a constraint or a trigger).
            Busy: The row is locked, or the database is overloaded.
            Unavailable: The database cannot be reached. Nothing was changed.
            ChannelRefused: Login or rights, or the table or a column does not exist.
            Indeterminate: The connection was lost while the transaction was committed.
        """
        new_hash = hash_password(self.scheme, new, account)
        self.transactions.do(lambda connection: self.table.update(connection, account, new_hash), new_hash)

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Set the password when *old* is in force.

        Raises:
            OldPasswordWrong: It is not.
            AccountRefused: The stored hash is of another kind, so that nobody can tell.
            ConnectorError: As for ``set_password``.
        """
        stored = self._stored(account)
        if not self._matches(account, stored, old):
            raise OldPasswordWrong(f"{self.table} holds another password of {account!r} than the old one given")
        new_hash = hash_password(self.scheme, new, account)
        self.transactions.do(
            lambda connection: self.table.update(connection, account, new_hash, only_if=stored), new_hash
        )

    def verify_password(self, account: str, password: Secret) -> bool:
        """Compare *password* with the stored hash; no lockout can come of it.

        Raises:
            AccountUnknown: No row has this account.
            AccountRefused: Several rows have it, or the stored hash is of another kind.
            ConnectorError: As for ``set_password``.
        """
        return self._matches(account, self._stored(account), password)

    def check(self) -> None:
        """Make sure of login, table, columns and the right to update, without changing anything.

        Raises:
            Busy: The database is locked or overloaded.
            Unavailable: The database cannot be reached.
            ChannelRefused: Login or rights, or the table or a column does not exist.
        """
        self.transactions.do(self.table.touch_nothing)

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """A table has no policy beyond the limits of its hashes: what a trigger may refuse is not written anywhere.

        Raises:
            AccountUnknown: No row has this account.
            ConnectorError: As for ``set_password``.
        """
        if account is not None:
            self._stored(account)
        return None

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Look which accounts have a row; a table does not tell when a password was set.

        Raises:
            ConnectorError: As for ``set_password``.
        """
        return Survey({account: Sighting(self._has(account)) for account in accounts})

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:
        """Check login, table, columns and the right to update, and that the mapped accounts have a row."""
        try:
            self.check()
            missing = [account for account, sighting in self.survey(accounts).accounts.items() if not sighting.exists]
        except ConnectorError as error:
            yield failed("table", error)
            return
        yield Finding("table", Verdict.OK, f"{self.table}: login, columns and the right to update are there")
        if missing:
            hint = "insert their rows, or correct the mappings"
            yield Finding("base", Verdict.WARNING, f"mapped, but without a row: {', '.join(missing)}", hint)
        else:
            yield Finding("base", Verdict.OK, f"{len(accounts):,} mapped accounts tried have a row")

    def _has(self, account: str) -> bool:
        try:
            self._stored(account)
        except AccountUnknown:
            return False
        except AccountRefused:  # several rows
            return True
        return True

    def close(self) -> None:
        """Give back the connection; the next call opens another."""
        self.transactions.engine.dispose()

    def _stored(self, account: str) -> str | None:
        return self.transactions.do(lambda connection: self.table.read(connection, account))

    def _matches(self, account: str, stored: str | None, password: Secret) -> bool:
        if stored is None:
            return False  # NULL: no password is in force
        try:
            return matches(stored, password)
        except HashUnknown as error:
            raise AccountRefused(
                f"the stored password of {account!r} in {self.table} cannot be verified: {error}",
                hint="set the password once as an administrator: it is then stored with the scheme of the manifest",
            ) from error


class SqlType:
    """The connector type ``sql``."""

    name = "sql"
    options: type[BaseModel] = SqlOptions

    def capabilities(self, options: SqlOptions) -> Capabilities:
        """Passwords are set without the old one, verified without risk of lockout, and repeatable."""
        match options.roles:
            case "postgresql":
                return OF_ROLES
            case "mariadb":
                return OF_ACCOUNTS
            case None:
                return Capabilities(is_probe_harmless=True, constraints=scheme_of(options).constraints)

    def connect(self, options: SqlOptions, resolve: ResolveSecret) -> Connector:
        """Make a connector; no connection is opened before its first use.

        Raises:
            SettingsError: The secret that ``urlFrom`` refers to is not there or no usable URL, or its driver is not
                installed.
        """
        engine = make_engine(url_of(options, resolve))
        match options.roles:
            case "postgresql":
                transactions = Transactions(engine, _server_of(engine), OF_LOGINS)
                return PostgresqlRoles(transactions, options.iterations or ITERATIONS)
            case "mariadb":
                return MariadbAccounts(Transactions(engine, _server_of(engine), OF_LOGINS, commits_by_itself=True))
            case None:
                return self._table(engine, options)

    def _table(self, engine: Engine, options: SqlOptions) -> Connector:
        names = options.table, options.account_column, options.password_column
        table = AccountTable.named(*(name or "" for name in names))  # validated: all three are there
        return SqlConnector(Transactions(engine, str(table)), table, scheme_of(options), self.capabilities(options))


def _server_of(engine: Engine) -> str:
    return f"server {engine.url.host or 'localhost'}"


CONNECTOR_TYPE: ConnectorType = SqlType()
