"""Engines of SQLAlchemy with the settings that make SQLite and PostgreSQL behave alike and durably."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from controller.store.location import Location

BUSY_SECONDS = 30
"""How long a writer waits for another one before the store counts as unavailable."""
_CONNECT_SECONDS = "10"
_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # a commit is on the disk before it returns, also in WAL
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # an erased sealed password leaves no trace in free pages
    "PRAGMA journal_size_limit = 67108864",
)


@dataclass(frozen=True, slots=True)
class Engines:
    """How to reach one store.

    Attributes:
        location: For messages.
        writing: Its connections begin transactions that write.
        reading: Its connections see one consistent picture and cannot write.
    """

    location: Location
    writing: Engine
    reading: Engine

    @property
    def is_postgresql(self) -> bool:
        """Whether several transactions can write at the same time."""
        return self.location.file is None

    def dispose(self) -> None:
        """Close all connections that are idle."""
        self.writing.dispose()
        self.reading.dispose()


def engines_of(location: Location) -> Engines:
    """Make the engines; nothing is opened before their first use."""
    return _postgresql(location) if location.file is None else _sqlite(location, location.file)


def memory_engine() -> Engine:
    """An SQLite database in memory, which all threads see through one connection."""
    return create_engine(
        "sqlite://", hide_parameters=True, poolclass=StaticPool, connect_args={"check_same_thread": False}
    )


def _sqlite(location: Location, file: Path) -> Engines:
    # rw: a file that went away is never silently created anew, without its mode and schema.
    url = URL.create("sqlite", database=file.as_uri(), query={"mode": "rw", "uri": "true"})
    # Writers queue on the store's lock, so that one connection, with its warm page cache, serves them all.
    writing = create_engine(url, pool_size=1, max_overflow=0, **_sqlite_options())
    reading = create_engine(url, pool_size=5, max_overflow=45, **_sqlite_options())
    _begin_with(writing, "BEGIN IMMEDIATE")
    _begin_with(reading, "BEGIN DEFERRED")

    @event.listens_for(reading, "connect")
    def _refuse_writes(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001  # SQLAlchemy's signature
        connection.execute("PRAGMA query_only = ON")

    return Engines(location, writing, reading)


def _sqlite_options() -> dict[str, Any]:
    return {
        "hide_parameters": True,
        "pool_timeout": BUSY_SECONDS,
        "connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False},
    }


def _begin_with(engine: Engine, statement: str) -> None:
    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001  # SQLAlchemy's signature
        connection.isolation_level = None  # the module's own BEGIN comes too late and is never IMMEDIATE
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)


def _postgresql(location: Location) -> Engines:
    defaults = {"application_name": "pwsync", "connect_timeout": _CONNECT_SECONDS}
    query = {**defaults, **location.url.query}
    engine = create_engine(
        location.url.set(drivername="postgresql+psycopg", query=query),
        hide_parameters=True,
        pool_size=10,
        max_overflow=40,
        pool_timeout=BUSY_SECONDS,
    )
    return Engines(
        location,
        writing=engine.execution_options(isolation_level="READ COMMITTED"),
        reading=engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
    )
