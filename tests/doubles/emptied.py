"""One store in memory for the many examples of a test: emptied for each, since most of the time went into making it."""

from functools import cache
from pathlib import Path

from sqlalchemy import URL

from controller.ports.clock import Clock
from controller.store.database import SqlStore
from controller.store.engine import Engines, memory_engine
from controller.store.location import Location
from controller.store.tables import METADATA


def emptied_store(clock: Clock) -> SqlStore:
    """The store, with nothing in it. It is not to be closed.

    It has no triggers, so that nobody notices an object that is declared after something was read.
    """
    engines = _engines()
    with engines.writing.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
    return SqlStore(engines, clock)


@cache
def _engines() -> Engines:
    engine = memory_engine()
    METADATA.create_all(engine)
    return Engines(Location(URL.create("sqlite"), Path(":memory:")), writing=engine, reading=engine)
