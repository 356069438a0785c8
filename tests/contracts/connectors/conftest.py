"""Asserts of the shared suite explain themselves like those of any test file; a PostgreSQL server for applications."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import make_url

from tests.servers.fixtures import require_server
from tests.servers.postgresql import find_binaries, new_database, running_postgresql
from tests.servers.proxy import Relay

pytest.register_assert_rewrite("tests.contracts.connectors.contract")


@pytest.fixture(scope="session")
def application_postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server's administrator."""
    if find_binaries() is None:
        require_server("initdb")
    with running_postgresql() as url:
        yield url


@pytest.fixture
def postgresql_database(application_postgresql: str) -> Iterator[str]:
    """The URL of an empty database."""
    with new_database(application_postgresql) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_relay(application_postgresql: str) -> Iterator[Relay]:
    """A relay in front of the server."""
    with closing(Relay(make_url(application_postgresql).port or 0)) as relay:
        yield relay
