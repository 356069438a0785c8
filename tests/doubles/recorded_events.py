"""Every event that any test records is checked against the catalogue: a plugin of pytest.

Only the contract suite of the store is left alone: it records events that nothing would, such as ones with secrets.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.model.events import CATALOGUE, Event
from controller.store.events import SqlEvents

_STORE_CONTRACT = Path(__file__).parents[1] / "contracts" / "store"
_is_exempt = [False]
PLAIN = (str, int, float, bool, type(None))


def assert_declared(event: Event) -> None:
    """Fail unless the event's type is in the catalogue, with exactly the fields that it declares, in plain values."""
    name, declared = event.type.name, event.type.fields.keys()
    assert CATALOGUE.get(name) is event.type, f"{name} is not in the catalogue"
    assert event.fields.keys() == declared, f"{name} has {sorted(event.fields)} and declares {sorted(declared)}"
    strange = [field for field, value in event.fields.items() if not _is_plain(value)]
    assert not strange, f"{name}: {strange} are neither text nor numbers nor lists of them"


def _is_plain(value: Any) -> bool:
    return all(isinstance(v, PLAIN) for v in value) if isinstance(value, list | tuple) else isinstance(value, PLAIN)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note whether the next test is of the store's contract suite."""
    _is_exempt[0] = _STORE_CONTRACT in item.path.parents


@pytest.fixture(scope="session", autouse=True)
def _events_are_as_declared() -> Iterator[None]:
    add = SqlEvents.add

    def checked_add(self: SqlEvents, event: Event) -> None:
        if not _is_exempt[0]:
            assert_declared(event)
        add(self, event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqlEvents, "add", checked_add)
        yield
