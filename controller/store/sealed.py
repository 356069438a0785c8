"""Everything sealed in the store, by the key that sealed it. What is in it cannot be opened here."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, LargeBinary, Table, bindparam, func, select, tuple_, update

from controller.ports.sealing import MARK_SIZE, SealedKind, SealedValue
from controller.store.session import Session
from controller.store.tables import changes, credentials, deliveries, windows_passwords


@dataclass(frozen=True, slots=True)
class _Where:
    """One kind of sealed values.

    Attributes:
        names: Columns that name a value.
        unique: How many of them suffice for that.
    """

    table: Table
    sealed: Column[bytes]
    names: tuple[Column[str], ...]
    unique: int


_CHANGE = (changes.c.tracking_id, changes.c.lane, changes.c.account)
_WHERE = {
    SealedKind.CREDENTIAL: _Where(
        credentials,
        credentials.c.sealed,
        (credentials.c.application, credentials.c.external_account, credentials.c.field),
        unique=3,
    ),
    SealedKind.WINDOWS_PASSWORD: _Where(
        windows_passwords, windows_passwords.c.sealed, (windows_passwords.c.account,), unique=1
    ),
    SealedKind.CHANGE: _Where(changes, changes.c.sealed_password, _CHANGE, unique=1),
    SealedKind.OLD_PASSWORD: _Where(changes, changes.c.sealed_old_password, _CHANGE, unique=1),
    SealedKind.DELIVERY: _Where(
        deliveries,
        deliveries.c.sealed_password,
        (deliveries.c.id, deliveries.c.lane, deliveries.c.account),
        unique=1,
    ),
}


class SqlSealedValues:
    """Implements ``ports.SealedValues``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def count_by_mark(self) -> dict[bytes, int]:
        """How many values begin with each mark."""
        total: Counter[bytes] = Counter()
        for where in _WHERE.values():
            mark = _mark(where)
            counts = select(mark, func.count()).where(where.sealed.is_not(None)).group_by(mark)
            for found, count in self._session.execute(counts):
                total[found] += count
        return dict(total)

    def claim_others(self, kind: SealedKind, mark: bytes, after: SealedValue | None, limit: int) -> list[SealedValue]:
        """Values of a kind that do not begin with *mark*, from behind *after* on, locked as far as they are free."""
        where = _WHERE[kind]
        position = where.names[: where.unique]
        statement = (
            select(where.sealed, *where.names)
            .where(where.sealed.is_not(None), _mark(where) != bindparam("mark_", mark, type_=LargeBinary))
            .order_by(*position)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if after is not None:
            statement = statement.where(tuple_(*position) > tuple_(*after.names[: where.unique]))
        return [SealedValue(tuple(names), sealed) for sealed, *names in self._session.execute(statement)]

    def replace(self, kind: SealedKind, value: SealedValue, sealed: bytes) -> bool:
        """Put *sealed* in the place of *value*, if that stands there still; tells whether it did."""
        where = _WHERE[kind]
        named = (column == name for column, name in zip(where.names, value.names, strict=True))
        statement = update(where.table).where(*named, where.sealed == value.sealed).values({where.sealed: sealed})
        return self._session.execute(statement).rowcount == 1


def _mark(where: _Where) -> ColumnElement[bytes]:
    return func.substr(where.sealed, 1, MARK_SIZE, type_=LargeBinary)
