"""The table of accounts: one statement for each thing that is done to it. Identifiers are quoted by SQLAlchemy."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table, false, select, update

from controller.model.errors import AccountRefused, AccountUnknown, Busy

_UNFIT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class AccountTable:
    """A table with a column of account names and a column of password hashes, both text."""

    table: Table
    account: Column[Any]
    password: Column[Any]

    @classmethod
    def named(cls, table: str, account_column: str, password_column: str) -> "AccountTable":
        """Describe ``table`` or ``schema.table``, without looking at the database."""
        schema, _, name = table.rpartition(".")
        account, password = Column(account_column, String, quote=True), Column(password_column, String, quote=True)
        described = Table(name, MetaData(), account, password, schema=schema or None, quote=True, quote_schema=True)
        return cls(described, account, password)

    def __str__(self) -> str:
        return f"table {self.table.fullname}"

    def read(self, connection: Connection, account: str) -> str | None:
        """The stored hash of *account*; None when the column is NULL.

        Raises:
            AccountUnknown: No row has this account.
            AccountRefused: Several rows have it, or the column does not hold text.
        """
        self._expect_fit(account)
        rows = connection.execute(select(self.password).where(self.account == account).limit(2)).all()
        self._expect_one(len(rows), account)
        stored = rows[0][0]
        if stored is not None and not isinstance(stored, str):
            raise AccountRefused(
                f"column {self.password.name!r} of {self} holds something other than text for {account!r}",
                hint="make it a text column",
            )
        return stored

    def update(self, connection: Connection, account: str, new_hash: str, *, only_if: str | None = None) -> None:
        """Store *new_hash* for *account*; with *only_if*, only when that hash is still there.

        Raises:
            AccountUnknown: No row has this account.
            AccountRefused: Several rows have it; the caller rolls back.
            Busy: Another hash was stored meanwhile.
        """
        self._expect_fit(account)
        statement = update(self.table).where(self.account == account).values({self.password: new_hash})
        if only_if is not None:
            statement = statement.where(self.password == only_if)
        count = connection.execute(statement).rowcount
        if only_if is not None and count == 0:
            raise Busy(f"the stored password of {account!r} in {self} was changed by another program meanwhile")
        self._expect_one(count, account)

    def touch_nothing(self, connection: Connection) -> None:
        """Run both statements on no row at all: the database checks names and rights."""
        connection.execute(select(self.account, self.password).where(false()))
        connection.execute(update(self.table).where(false()).values({self.password: self.password}))

    def _expect_fit(self, account: str) -> None:
        if _UNFIT.search(account):
            raise AccountRefused(
                f"the name {account!r} cannot stand in {self}", hint="no NUL and no lone surrogate can be in a name"
            )

    def _expect_one(self, count: int, account: str) -> None:
        if count == 0:
            raise AccountUnknown(f"{self} has no account {account!r} in column {self.account.name!r}")
        if count > 1:
            raise AccountRefused(
                f"{self} has several rows with account {account!r} in column {self.account.name!r}; none was changed",
                hint="make the column unique, or name the column that is",
            )
