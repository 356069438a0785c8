"""Stores of both engines. A test that asks for ``store`` runs over each of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from controller.ports.clock import Clock
from controller.ports.store import Store
from controller.store.opening import open_store
from tests.doubles.audited import audited
from tests.servers.postgresql import find_binaries, new_database, running_postgresql

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.system)]


@dataclass
class SettableClock:
    """A clock that stands still until a test moves it."""

    now: datetime = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move on."""
        self.now += timedelta(**by)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a private server; skipped where none is installed, failed in CI."""
    if find_binaries() is None:
        message = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with running_postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_template(postgresql_server: str) -> Iterator[str]:
    """The name of a database with the newest schema, to be copied."""
    with new_database(postgresql_server, "pwsync_template") as url:
        open_store(url).close()
        yield make_url(url).database or ""


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """The engine of this run of the test."""
    name: str = request.param
    return name


@pytest.fixture
def empty_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which no store was opened yet."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'pwsync.db'}"
    else:
        with new_database(request.getfixturevalue("postgresql_server")) as url:
            yield url


@pytest.fixture
def store_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'pwsync.db'}"
    else:
        template = request.getfixturevalue("migrated_template")
        with new_database(request.getfixturevalue("postgresql_server"), template=template) as url:
            yield url


@pytest.fixture
def clock() -> SettableClock:
    """The time of the ``store`` fixture."""
    return SettableClock()


OpenStore = Callable[..., Store]


@pytest.fixture
def opened(store_url: str) -> Iterator[OpenStore]:
    """Opens the test's store once more, as another process would; closed at the end."""
    with ExitStack() as at_end:

        def open_again(clock: Clock | None = None, *, read_only: bool = False) -> Store:
            store = open_store(store_url, clock=clock, read_only=read_only)
            at_end.callback(store.close)
            return store if read_only else audited(store)

        yield open_again


@pytest.fixture
def store(opened: OpenStore, clock: SettableClock) -> Store:
    """An empty store whose time the test sets."""
    return opened(clock)
