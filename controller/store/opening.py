"""Opens stores: the one that a URL names, an empty one that keeps nothing, or a scratch one in memory."""

from pathlib import Path

from sqlalchemy import URL

from controller.ports.clock import Clock
from controller.store.database import SqlStore
from controller.store.database_file import ensure_file, file_exists, protect_files
from controller.store.engine import Engines, engines_of, memory_engine
from controller.store.failures import translated
from controller.store.location import Location
from controller.store.schema import require_newest, upgrade
from controller.store.tables import METADATA


def open_store(url: str, *, clock: Clock | None = None, read_only: bool = False) -> SqlStore:
    """Open the store that *url* names, and create or migrate its schema where needed.

    Args:
        url: ``sqlite:////path/file`` or ``postgresql+psycopg://user:password@host/database``.
        clock: Tells the time of each transaction; absent: the server's time, or this process's for SQLite.
        read_only: Nothing is created or migrated and ``write`` refuses; a store that does not exist yet is seen
            as empty.

    Raises:
        SettingsError: The URL cannot be read, or its driver is not installed.
        StoreUnavailable: Not reachable, or its file cannot be created or opened.
        StoreUnusable: Not a database, damaged, with a schema that this program does not know; or, unless it is only
            read, its file is a link or belongs to another user.
    """
    location = Location.parse(url)
    if read_only:
        return _open_for_reading(location, clock)
    if location.file is not None:
        ensure_file(location.file)
    engines = engines_of(location)
    try:
        with translated(location):
            upgrade(engines)
        if location.file is not None:
            protect_files(location.file)
    except BaseException:
        engines.dispose()
        raise
    return SqlStore(engines, clock)


def empty_store(*, clock: Clock | None = None) -> SqlStore:
    """An empty store for reading, in memory: what ``plan`` sees before the first ``apply``."""
    engine = memory_engine()
    METADATA.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    location = Location(URL.create("sqlite"), Path(":memory:"))
    return SqlStore(Engines(location, writing=engine, reading=engine), clock, is_read_only=True)


def scratch_store(*, clock: Clock) -> SqlStore:
    """An empty store in memory that can be written to: nothing of it outlives it, nothing else sees it."""
    engine = memory_engine()
    METADATA.create_all(engine)
    location = Location(URL.create("sqlite"), Path(":memory:"))
    return SqlStore(Engines(location, writing=engine, reading=engine), clock)


def _open_for_reading(location: Location, clock: Clock | None) -> SqlStore:
    if location.file is not None and not file_exists(location.file):
        return empty_store(clock=clock)
    engines = engines_of(location)
    try:
        with translated(location), engines.reading.connect() as connection:
            if require_newest(connection, location):
                return SqlStore(engines, clock, is_read_only=True)
    except BaseException:
        engines.dispose()
        raise
    engines.dispose()
    return empty_store(clock=clock)
