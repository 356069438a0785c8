"""What the repositories of one transaction share: its connection, its time, its locks."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeVar

from sqlalchemy import ARRAY, BigInteger, Boolean, Connection, CursorResult, Executable, bindparam, column, func, select

from controller.model.accounts import Account
from controller.model.errors import PwsyncError
from controller.store.failures import translated
from controller.store.location import Location

T = TypeVar("T")

_LOCK = select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger)))
_KEYS = func.unnest(bindparam("keys", type_=ARRAY(BigInteger))).table_valued(column("key", BigInteger)).render_derived()
_TRY_LOCKS = select(_KEYS.c.key, func.pg_try_advisory_xact_lock(_KEYS.c.key, type_=Boolean))


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction in progress.

    Locks are taken in one order so that transactions do not wait for each other in a circle: lane, account, row.
    SQLite has one writer at a time, so there every lock is held already.

    Attributes:
        connection: Inside its transaction.
        location: For messages.
        now: The time of the transaction.
        is_writable: A reading transaction takes no locks.
        failures: Of statements. PostgreSQL would turn a COMMIT after one of them into a silent ROLLBACK.
        at_end: Closes what was left open, such as a half-read stream, before the transaction ends.
    """

    connection: Connection
    location: Location
    now: datetime
    is_writable: bool
    failures: list[PwsyncError] = field(default_factory=list)
    at_end: ExitStack = field(default_factory=ExitStack)

    @property
    def is_postgresql(self) -> bool:
        """Whether others may write at the same time."""
        return self.location.file is None

    @property
    def shares_writing(self) -> bool:
        """Whether a lock is needed to keep another writer out."""
        return self.is_postgresql and self.is_writable

    def execute(self, statement: Executable, given: Any = None, **options: Any) -> CursorResult[*tuple[Any, ...]]:  # noqa: ANN401  # as SQLAlchemy
        """Carry out a statement, with one set of parameters or many.

        Raises:
            PwsyncError: Instead of SQLAlchemy's errors, as ``failures.translated`` says.
        """
        try:
            with translated(self.location):
                return self.connection.execute(statement, given, execution_options=options)
        except PwsyncError as error:
            self.failures.append(error)
            raise

    def lock(self, *names: str) -> None:
        """Wait until no other transaction holds the lock of these *names*; hold it until the end."""
        if self.shares_writing:
            self.execute(_LOCK, {"key": _key(*names)})

    def lock_account(self, account: Account) -> None:
        """Hold the lock of *account*, whether it has rows or not."""
        self.lock("account", account.lane, account.name)

    def lock_free(self, items: Sequence[T], place_of: Callable[[T], tuple[str, str]]) -> list[T]:
        """Hold the account locks of *items* as far as they are free, without waiting; return the items locked.

        *place_of* tells an item's lane and account name.
        """
        if not self.shares_writing or not items:
            return list(items)
        keys = [_key("account", *place_of(item)) for item in items]
        rows = self.execute(_TRY_LOCKS, {"keys": sorted(set(keys))})
        locked = {key for key, is_locked in rows if is_locked}
        return [item for item, key in zip(items, keys, strict=True) if key in locked]


def _key(*names: str) -> int:
    """64 bits for PostgreSQL's advisory locks. Two names that collide only wait for each other needlessly."""
    text = "\x00".join(names).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8, person=b"pwsync").digest(), signed=True)


def lock_for_upgrade(connection: Connection) -> None:
    """Keep other programs from upgrading the same PostgreSQL database; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"key": _key("upgrade")})
