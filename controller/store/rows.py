"""Reads rows into values, and says which row it is that cannot be read."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Row

from controller.model.errors import InvalidInput, StoreUnusable

T = TypeVar("T")


def readable(table: str, name: str, row: Row[Any], read: Callable[[Row[Any]], T]) -> T:
    """Read a row.

    Raises:
        StoreUnusable: It was altered so that it cannot be read; names its *table* and *name*.
    """
    try:
        return read(row)
    except (ValueError, InvalidInput) as error:
        raise StoreUnusable(
            f"the row {name} of the store's table {table} cannot be read",
            hint="something other than pwsync altered it: correct or delete the row",
        ) from error
