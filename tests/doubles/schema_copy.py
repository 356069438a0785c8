"""Schemas of SQLite stores for tests: the migration runs once in a process, the others repeat its statements."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from controller.store import schema


@pytest.fixture(scope="session", autouse=True)
def schemas_by_copy() -> Iterator[None]:
    """Alembic costs 40 ms for each store. What it made is taken over, statement by statement, rows included."""
    run_scripts, recorded = schema._run_scripts, list[str]()

    def repeat(connection: Connection) -> None:
        if connection.dialect.name != "sqlite":
            run_scripts(connection)
        elif recorded:
            for statement in recorded:
                connection.exec_driver_sql(statement)
        else:
            run_scripts(connection)
            recorded.extend(_statements_of(connection))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_run_scripts", repeat)
        yield


def _statements_of(connection: Connection) -> list[str]:
    """What makes an equal database; the transaction is the caller's."""
    driver = connection.connection.driver_connection
    assert driver is not None
    return [line for line in driver.iterdump() if line not in ("BEGIN TRANSACTION;", "COMMIT;")]
