"""Engines of the ``sql`` connector: one connection, time limits, and never a new SQLite file."""

import sqlite3
from collections.abc import Callable
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from controller.model.errors import SettingsError

CONNECT_TIMEOUT = 10
"""Seconds to reach a server."""
LOCK_TIMEOUT = 10
"""Seconds to wait for a lock."""
STATEMENT_TIMEOUT = 30
"""Seconds for one statement."""


_EXTRAS = {"postgresql": "postgresql", "mysql": "mariadb", "mariadb": "mariadb"}
"""The extra that installs a driver, by kind of database."""


def make_engine(url: URL) -> Engine:
    """Make an engine that keeps at most one connection and logs no values. It opens no connection by itself.

    Raises:
        SettingsError: The driver of *url* is not installed.
    """
    backend = url.get_backend_name()
    try:
        if backend == "sqlite":
            # Opening a file costs little, and a file that was replaced is noticed.
            return create_engine(url, hide_parameters=True, poolclass=NullPool, creator=_opener(url))
        engine = create_engine(
            _with_timeout(url), hide_parameters=True, pool_size=1, max_overflow=0, pool_pre_ping=True
        )
    except ImportError:
        engine = None
    if engine is None:  # raised outside of the handler: its error may quote the URL
        raise SettingsError(
            f"the driver of {url.drivername} databases is not installed",
            hint=f"pip install 'pwsync[{_EXTRAS[backend]}]'" if backend in _EXTRAS else "install it with pip",
        )
    if backend == "postgresql":
        event.listen(engine, "begin", _limit_postgresql)
    elif backend in _EXTRAS:
        event.listen(engine, "begin", _limit_mariadb)
    return engine


def _opener(url: URL) -> Callable[[], sqlite3.Connection]:
    # mode=rw: a missing file is an error; the default would make an empty one (https://sqlite.org/uri.html).
    uri = f"file:{quote(url.database or '')}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT, check_same_thread=False)

    return connect


def _with_timeout(url: URL) -> URL:
    limits = {"connect_timeout": CONNECT_TIMEOUT} if url.get_backend_name() in _EXTRAS else {}
    if url.get_driver_name() == "pymysql":
        limits |= {"read_timeout": STATEMENT_TIMEOUT, "write_timeout": STATEMENT_TIMEOUT}
    return url.update_query_dict({key: str(value) for key, value in limits.items() if key not in url.query})


def _limit_mariadb(connection: Connection) -> None:
    connection.exec_driver_sql(
        f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT}, lock_wait_timeout = {LOCK_TIMEOUT}"
    )


def _limit_postgresql(connection: Connection) -> None:
    # LOCAL: the limits end with the transaction, so that a pooler such as pgbouncer is not left with them.
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}s'")
