"""Turns what a database says into the connector's errors, by its codes and never by its text.

PostgreSQL tells SQLSTATE (its manual, appendix A), SQLite its result code (sqlite.org/rescode.html), MySQL and
MariaDB an error number (MariaDB's "Error Codes").
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import DBAPIError

from controller.model.errors import (
    AccountRefused,
    Busy,
    ChannelRefused,
    ConnectorError,
    Indeterminate,
    PasswordRejected,
    Unavailable,
)

Kind = type[ConnectorError]

_SQLSTATES: dict[str, Kind] = {
    "08": Unavailable,  # connection exception
    "22": ChannelRefused,  # data exception: the hash does not fit into the column
    "23": AccountRefused,  # integrity constraint violation
    "28": ChannelRefused,  # invalid authorization specification
    "25": ChannelRefused,  # invalid transaction state: read-only
    "3D": ChannelRefused,  # no such database
    "3F": ChannelRefused,  # no such schema
    "40": Busy,  # transaction rollback: deadlock, serialization failure
    "42": ChannelRefused,  # no such table or column, or no right to it
    "53": Busy,  # insufficient resources
    "55": Busy,  # object not in prerequisite state: lock not available
    "P0": AccountRefused,  # raised by a trigger
    "57014": Busy,  # query canceled: statement timeout
    "57": Unavailable,  # operator intervention: shutdown, starting up
    "58": Unavailable,  # system error
}
_SQLITE: dict[int, Kind] = {
    sqlite3.SQLITE_BUSY: Busy,
    sqlite3.SQLITE_LOCKED: Busy,
    sqlite3.SQLITE_CANTOPEN: Unavailable,
    sqlite3.SQLITE_FULL: Unavailable,
    sqlite3.SQLITE_IOERR: Unavailable,
    sqlite3.SQLITE_CONSTRAINT: AccountRefused,
    sqlite3.SQLITE_ERROR: ChannelRefused,
    sqlite3.SQLITE_PERM: ChannelRefused,
    sqlite3.SQLITE_AUTH: ChannelRefused,
    sqlite3.SQLITE_READONLY: ChannelRefused,
    sqlite3.SQLITE_NOTADB: ChannelRefused,
    sqlite3.SQLITE_CORRUPT: ChannelRefused,
}
_MYSQL: dict[int, Kind] = {
    **dict.fromkeys([1044, 1045, 1049, 1054, 1142, 1143, 1146, 1290, 1406, 1698], ChannelRefused),
    **dict.fromkeys([1040, 1203, 1205, 1213, 3024], Busy),
    **dict.fromkeys([1048, 1062, 1451, 1452, 1644, 3819, 4025], AccountRefused),
    **dict.fromkeys([1053, 2002, 2003, 2005, 2006, 2013], Unavailable),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """How failures are told, by what is worked on.

    Attributes:
        sentences: What happened, and a hint.
        kinds: Codes that mean something else here.
    """

    sentences: Mapping[Kind, tuple[str, str]]
    kinds: Mapping[str, Kind] = field(default_factory=dict)


_SENTENCES: dict[Kind, tuple[str, str]] = {
    Busy: ("is locked or overloaded", ""),
    Unavailable: ("cannot be reached", "check the address, the network, and that the database runs"),
    ChannelRefused: (
        "cannot be used by our login",
        "check login, rights (SELECT and UPDATE), table and column names, and that the column is wide enough",
    ),
    AccountRefused: ("refuses the new value of this row", "a constraint or trigger of the table forbids it"),
    Indeterminate: ("did not answer while the change was committed", ""),
}
_NAME_OR_PASSWORD = "mend the name or password in url / urlFrom"  # noqa: S105  # a hint
_LOGIN_REFUSED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(["28000", "28P01", "1045", "1698"], ("does not let our login in", _NAME_OR_PASSWORD)),
    # Refused while psycopg connected: neither it nor libpq tells a code, so that the database's name may be the cause.
    "": ("does not let our login in", f"{_NAME_OR_PASSWORD}; if both are right, the name of the database"),
}
"""Of ``ChannelRefused``, by code: the server did not accept who we are. What we may do is another matter."""
OF_TABLES = Wording(_SENTENCES)
OF_LOGINS = Wording(
    {
        **_SENTENCES,
        ChannelRefused: ("does not let our login do this", "grant it what the page on connectors says"),
        AccountRefused: ("refuses to change this login", ""),
        PasswordRejected: ("refuses the new password", ""),
    },
    {
        "22023": PasswordRejected,  # PostgreSQL's passwordcheck and its kin
        "1396": AccountRefused,  # MariaDB: ALTER USER failed
        "1819": PasswordRejected,  # MariaDB: a password validation plugin
    },
)
"""Logins are roles of PostgreSQL and accounts of MariaDB."""


def translate(
    error: Exception, place: str, *, is_committing: bool, secret: str, wording: Wording = OF_TABLES
) -> ConnectorError:
    """Return what to raise for *error*.

    Args:
        error: What SQLAlchemy or the driver raised.
        place: What was worked on, in words.
        is_committing: COMMIT was sent already, so that a lost connection leaves the outcome open.
        secret: Kept out of the database's words.
        wording: How it is told.
    """
    code, kind = _classify(error)
    kind = wording.kinds.get(code, kind)
    if is_committing and (kind is Unavailable or not code):
        kind = Indeterminate
    what, hint = wording.sentences[kind]
    if kind is ChannelRefused:
        what, hint = _LOGIN_REFUSED.get(code, (what, hint))
    return kind(f"the database of {place} {what}", directory_code=code, words=_words(error, secret), hint=hint)


def _classify(error: Exception) -> tuple[str, Kind]:
    """The database's own code, empty when it told none, and what it means."""
    original: Any = error.orig if isinstance(error, DBAPIError) else None
    number = next(iter(getattr(original, "args", ())), None)
    if isinstance(number, int):  # before SQLSTATE, which drivers of MariaDB tell too, as HY000 for nearly everything
        return str(number), _MYSQL.get(number, ChannelRefused)
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    if state:
        return state, _SQLSTATES.get(state) or _SQLSTATES.get(state[:2], ChannelRefused)
    if isinstance(original, sqlite3.Error) and getattr(original, "sqlite_errorname", None):
        # The low byte is the primary result code, the rest tells the variety.
        return original.sqlite_errorname, _SQLITE.get(original.sqlite_errorcode & 0xFF, ChannelRefused)
    if _was_asked_for_a_password(original):
        return "", ChannelRefused
    return "", Unavailable


def _was_asked_for_a_password(original: object) -> bool:
    """Whether a PostgreSQL server answered and refused the login: libpq tells no SQLSTATE while it connects."""
    connection = getattr(original, "pgconn", None)
    return connection is not None and bool(connection.used_password or connection.needs_password)


def _words(error: Exception, secret: str) -> str:
    original = error.orig if isinstance(error, DBAPIError) else None
    # PostgreSQL's primary message alone: its detail quotes the row.
    words = getattr(getattr(original, "diag", None), "message_primary", None) or str(original or "")
    first = words.strip().partition("\n")[0]
    return first.replace(secret, "***") if secret else first
