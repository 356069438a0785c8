"""Turns what the database drivers raise into the errors of the model. Decides by codes, never by text."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from controller.model.errors import InvalidInput, PwsyncError, StoreUnavailable, StoreUnusable
from controller.store.location import Location

_PRIMARY_CODE = 0xFF  # https://www.sqlite.org/rescode.html: the low byte is the primary result code
_SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SQLITE_SURROUNDINGS = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_SQLITE_VALUE = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH})
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL_BUSY = ("40", "55P03")
_POSTGRESQL_SURROUNDINGS = ("08", "25", "28", "3D", "53", "57", "58")


@contextmanager
def translated(location: Location) -> Iterator[None]:
    """Raise the model's errors instead of SQLAlchemy's.

    Raises:
        StoreUnavailable: Not reachable, busy, full, or not permitted: the surroundings must change.
        StoreUnusable: Not a database, damaged, or its tables are not those of this program.
        InvalidInput: A value that the store cannot take, or a row that is there already.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise translation(error, location) from error


def translation(error: SQLAlchemyError, location: Location) -> PwsyncError:
    """Return the model's error for *error*; one that is a mistake of this program as StoreUnusable."""
    match error:
        case StatementError(orig=PwsyncError() as cause):
            return cause  # raised while a value was bound
        case PoolTimeout():
            return _busy(location)
        case DBAPIError(orig=sqlite3.Error() as cause):
            return _of_sqlite(getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR), str(cause), location)
        case DBAPIError(orig=cause):
            return _of_postgresql(error, getattr(cause, "sqlstate", None), str(cause), location)
        case _:
            return StoreUnusable(f"{location}: {type(error).__name__}", hint="this is a mistake of pwsync: report it")


def _of_sqlite(code: int, words: str, location: Location) -> PwsyncError:
    primary = code & _PRIMARY_CODE
    if primary in _SQLITE_BUSY:
        return _busy(location)
    if primary in _SQLITE_DAMAGED:
        return StoreUnusable(
            f"{location} is not a usable database: {words}",
            hint="restore it from a backup, or move it away to start an empty one",
        )
    if primary in _SQLITE_SURROUNDINGS:
        return _away(location, words, hint="check the file, its folder, their owner and the free space")
    if primary in _SQLITE_VALUE:
        return _not_acceptable(location, words)
    return _not_ours(location, words)


def _of_postgresql(error: DBAPIError, sqlstate: str | None, words: str, location: Location) -> PwsyncError:
    words = location.without_secrets(words)
    if isinstance(error, IntegrityError | DataError):
        return _not_acceptable(location, sqlstate or "a text with NUL")  # the server's words repeat the values
    if (sqlstate or "").startswith(_POSTGRESQL_BUSY):
        return _busy(location)
    if error.connection_invalidated or sqlstate is None or sqlstate.startswith(_POSTGRESQL_SURROUNDINGS):
        return _away(location, words, hint="check that the server runs, its address, user and password")
    return _not_ours(location, words)


def _busy(location: Location) -> StoreUnavailable:
    return StoreUnavailable(f"{location} stays busy; nothing was changed", hint="try again; another writer holds it")


def _away(location: Location, words: str, *, hint: str) -> StoreUnavailable:
    return StoreUnavailable(f"{location} cannot be used now: {words}", hint=hint)


def _not_acceptable(location: Location, words: str) -> InvalidInput:
    return InvalidInput(f"{location} refuses a value or a row that is there already: {words}")


def _not_ours(location: Location, words: str) -> StoreUnusable:
    return StoreUnusable(
        f"{location} does not have the tables that this pwsync expects: {words}",
        hint="give pwsync a database of its own",
    )
