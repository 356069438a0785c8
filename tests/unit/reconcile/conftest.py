"""A real store on SQLite, and a hand that alters it behind pwsync's back."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from controller.ports.store import Store
from controller.store.opening import open_store
from tests.doubles.audited import audited

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
AlterByHand = Callable[..., None]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file of the store."""
    return tmp_path / "pwsync.db"


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    """An empty store whose clock stands still."""
    opened = audited(open_store(f"sqlite:///{database}", clock=lambda: NOW))
    yield opened
    opened.close()


@pytest.fixture
def alter_by_hand(database: Path, store: Store) -> AlterByHand:
    """Changes fields of an object's row the way a person with a database tool would."""
    assert store is not None

    def alter(name: str, **fields: Any) -> None:
        connection = sqlite3.connect(database)
        with connection:
            (spec,) = connection.execute("SELECT spec FROM resources WHERE name = ?", [name]).fetchone()
            altered = json.dumps(json.loads(spec) | fields)
            connection.execute("UPDATE resources SET spec = ? WHERE name = ?", [altered, name])
        connection.close()

    return alter
