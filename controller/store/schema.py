"""Brings a database to the schema of this program, one writer at a time, and refuses one that is newer."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, column, inspect, select, table

from controller.model.errors import StoreUnusable
from controller.store.engine import Engines
from controller.store.location import Location
from controller.store.migrations import REVISIONS, VERSION_TABLE
from controller.store.session import lock_for_upgrade

_REVISION: Select[Any] = select(column("version_num")).select_from(table(VERSION_TABLE))


def upgrade(engines: Engines) -> None:
    """Create or migrate the schema where it is not the newest.

    Raises:
        StoreUnusable: It is newer than this program, or the database belongs to something else.
        SQLAlchemyError: From the driver.
    """
    with engines.reading.connect() as connection:
        if revision_of(connection, engines.location) == REVISIONS[-1] and _has_wal(connection, engines):
            return
    with _alone(engines.location):
        _use_wal(engines)
        with engines.writing.begin() as connection:
            lock_for_upgrade(connection)
            if revision_of(connection, engines.location) != REVISIONS[-1]:
                _run_scripts(connection)


def revision_of(connection: Connection, location: Location) -> str | None:
    """The revision of the schema; None when there is none yet.

    Raises:
        StoreUnusable: Unknown to this program, or the SQLite file has tables of something else.
    """
    if not inspect(connection).has_table(VERSION_TABLE):
        _refuse_tables_of_others(connection, location)
        return None
    revision = connection.execute(_REVISION).scalar()
    if revision is not None and revision not in REVISIONS:
        raise StoreUnusable(
            f"{location} has schema revision {revision}; this pwsync knows revisions up to {REVISIONS[-1]}",
            hint="upgrade pwsync, or name another database",
        )
    return revision


def require_newest(connection: Connection, location: Location) -> bool:
    """Tell whether there is a schema; for a store that is only read, and so never migrated.

    Raises:
        StoreUnusable: There is one, but it is older or newer than this program.
    """
    revision = revision_of(connection, location)
    if revision is not None and revision != REVISIONS[-1]:
        raise StoreUnusable(
            f"{location} has schema revision {revision}; this pwsync needs {REVISIONS[-1]}",
            hint="'pwsync apply' or 'pwsync run' upgrades it",
        )
    return revision is not None


def _refuse_tables_of_others(connection: Connection, location: Location) -> None:
    if location.file is not None and (others := inspect(connection).get_table_names()):
        raise StoreUnusable(
            f"{location} holds tables that are not pwsync's, such as {others[0]}",
            hint="give pwsync a database of its own",
        )


def _has_wal(connection: Connection, engines: Engines) -> bool:
    return engines.is_postgresql or connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def _use_wal(engines: Engines) -> None:
    if not engines.is_postgresql:
        connection = engines.writing.raw_connection()  # the journal mode cannot change inside a transaction
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()


@contextmanager
def _alone(location: Location) -> Iterator[None]:
    """Keep other processes from creating the same SQLite database; its folder is the lock, so that no file is left."""
    if location.file is None:
        yield
        return
    folder = os.open(location.file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _run_scripts(connection: Connection) -> None:
    from alembic import command  # slow to import, and needed at an upgrade only
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
