"""INSERT ... ON CONFLICT DO UPDATE for both engines, which write it alike but through different constructs."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

Override = Callable[[Any], ColumnElement[Any]]
"""Given the columns of the row that was to be inserted, the value to set instead."""


def upsert(table: Table, **overrides: Override) -> dict[bool, Executable]:
    """Insert a row, or replace the one with the same primary key: {is PostgreSQL: statement}."""
    return {
        False: on_conflict_replace(sqlite.insert(table), table, **overrides),
        True: on_conflict_replace(postgresql.insert(table), table, **overrides),
    }


def on_conflict_replace(statement: Any, table: Table, **overrides: Override) -> Executable:  # noqa: ANN401  # either engine's Insert
    """Add the conflict clause to an INSERT of *table*."""
    values = {
        column.name: overrides[column.name](statement.excluded)
        if column.name in overrides
        else statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    replacing: Executable = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
    return replacing
