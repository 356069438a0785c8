"""SQLite stores of tests share what SQLAlchemy has compiled: each engine would compile every statement for itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine

from controller.store import engine


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """Later engines get the dialect and the cache of the first one, which are the same but for what they remember."""
    first: list[Engine] = []

    def create(url: str | URL, **options: Any) -> Engine:
        made = create_engine(url, **options)
        if made.dialect.name == "sqlite":
            first[:] = first or [made]
            made.dialect = made.pool._dialect = first[0].dialect
            made._compiled_cache = first[0]._compiled_cache
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "create_engine", create)
        yield
