"""Connector type ``sql``: password hashes in a column of a table, on any database that SQLAlchemy speaks to."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from controller.connectors.hashing import HashUnknown, Scheme, hash_password, matches
from controller.connectors.sql_engine import make_engine
from controller.connectors.sql_errors import translate
from controller.connectors.sql_options import SqlOptions, scheme_of, url_of
from controller.connectors.sql_table import AccountTable
from controller.model.constraints import Capabilities
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import AccountRefused, AccountUnknown, ConnectorError, OldPasswordWrong
from controller.model.observation import Sighting, Survey
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.ports.connectors import Connector, ConnectorType, ResolveSecret

T = TypeVar("T")


@dataclass(slots=True)
class SqlConnector:
    """Sets passwords in one table, each in a transaction of its own; keeps its connection between calls."""

    engine: Engine
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
        self._in_transaction(lambda connection: self.table.update(connection, account, new_hash), new_hash)

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
        self._in_transaction(
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
        self._in_transaction(self.table.touch_nothing)

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
            yield Finding("table", Verdict.FAILED, error.message, error.hint)
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
        self.engine.dispose()

    def _stored(self, account: str) -> str | None:
        return self._in_transaction(lambda connection: self.table.read(connection, account))

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

    def _in_transaction(self, work: Callable[[Connection], T], new_hash: str = "") -> T:
        """Do *work* in one transaction; *new_hash* is kept out of the database's words."""
        is_committing = False
        try:
            with self.engine.connect() as connection, connection.begin() as transaction:
                result = work(connection)
                is_committing = True
                transaction.commit()
                return result
        except SQLAlchemyError as error:
            failure = translate(error, str(self.table), is_committing=is_committing, secret=new_hash)
        # Raised outside of the handler: the cause keeps the statement's values and the login.
        raise failure


class SqlType:
    """The connector type ``sql``."""

    name = "sql"
    options: type[BaseModel] = SqlOptions

    def capabilities(self, options: SqlOptions) -> Capabilities:
        """Passwords are set without the old one, verified without risk of lockout, and repeatable."""
        return Capabilities(constraints=scheme_of(options).constraints)

    def connect(self, options: SqlOptions, resolve: ResolveSecret) -> Connector:
        """Make a connector; no connection is opened before its first use.

        Raises:
            SettingsError: The secret that ``urlFrom`` refers to is not there or no usable URL, or its driver is not
                installed.
        """
        table = AccountTable.named(options.table, options.account_column, options.password_column)
        return SqlConnector(
            make_engine(url_of(options, resolve)), table, scheme_of(options), self.capabilities(options)
        )


CONNECTOR_TYPE: ConnectorType = SqlType()
