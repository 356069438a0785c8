"""The catalogue of events, and what the program makes of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.model import events
from controller.model.events import CATALOGUE, Event, EventType, Level
from tests.doubles.recorded_events import assert_declared

PACKAGE = Path(events.__file__).parents[1]
CONSTANTS = {name: value for name, value in vars(events).items() if isinstance(value, EventType)}
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != Path(events.__file__)]


def uses() -> Iterator[tuple[str, str]]:
    """Where the program names a type of the catalogue: file, and name of the constant."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "events" and node.attr.isupper():
                yield str(path.relative_to(PACKAGE)), node.attr


def test_every_event_of_the_catalogue_is_emitted_somewhere() -> None:
    assert CONSTANTS.keys() - {name for _, name in uses()} == set()


def test_every_event_that_is_emitted_is_in_the_catalogue() -> None:
    assert [place for place in uses() if place[1] not in CONSTANTS] == []


def test_event_types_are_made_in_the_catalogue_alone() -> None:
    makers = [
        path
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "EventType"
    ]
    assert makers == []


def test_names_are_stable_and_follow_from_their_constants() -> None:
    for constant, type_ in CONSTANTS.items():
        first, *rest = constant.lower().split("_")
        assert type_.name == first + "".join(word.capitalize() for word in rest)
    assert len(CATALOGUE) == len(CONSTANTS)


@pytest.mark.parametrize("type_", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_a_type_tells_a_constant_sentence_and_what_its_fields_mean(type_: EventType) -> None:
    assert type_.message.endswith(".")
    assert "{" not in type_.message
    assert all(re.fullmatch("[a-z][a-zA-Z]*", name) and meaning for name, meaning in type_.fields.items())
    assert list(type_.reference) == sorted(set(type_.reference))
    assert all(10_600 <= number <= 11_099 for number in type_.reference)


def test_no_field_could_hide_what_every_event_has() -> None:
    taken = {"name", "event", "level", "timestamp", "tracking_id", "adapter", "account"}
    assert {field for type_ in CATALOGUE.values() for field in type_.fields} & taken == set()


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (Event(EventType("windowsChangeAccepted", Level.INFO, "Another.")), "not in the catalogue"),
        (Event(events.WINDOWS_CHANGE_ACCEPTED), "declares"),
        (Event(events.CHANGE_DAMPED, fields={"more": 1}), "declares"),
        (Event(events.WINDOWS_CHANGE_ACCEPTED, fields={"caller": b"bytes"}), "neither text nor numbers"),
    ],
)
def test_the_check_of_all_recorded_events_finds_mistakes(event: Event, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        assert_declared(event)
