"""No row of the reference system's behaviours is left out silently."""

import re
from pathlib import Path

import pytest

from controller.model.events import CATALOGUE
from tests.behaviour.rows import ROWS, Row
from tests.documentation.behaviours import ROOT, behaviour_tests, names_in, shown_by

COUNTS = {"D": 7, "M": 8, "E": 13, "T": 6, "Q": 11, "R": 6, "A": 13}
WHOLE_SECTIONS = ["8", "9", "10", "11"]
CRITIQUES = ROOT / "docs" / "critiques.md"
every_row = pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])


def test_every_row_is_there_once_and_in_order() -> None:
    numbered = [f"{letter}{number + 1}" for letter, count in COUNTS.items() for number in range(count)]
    assert [row.id for row in ROWS] == [*numbered, *WHOLE_SECTIONS]


@every_row
def test_a_row_says_what_we_do_or_plainly_that_it_is_not_done_yet(row: Row) -> None:
    assert row.ours or row.missing
    assert not row.missing or row.missing.startswith("not yet: ")
    assert bool(row.missing) == bool(row.critique)


@every_row
def test_what_is_missing_stands_among_the_critiques(row: Row) -> None:
    assert row.critique in CRITIQUES.read_text(encoding="utf-8")


@every_row
def test_what_is_done_has_tests_that_exist(row: Row) -> None:
    tests = shown_by(row)
    assert tests or not row.ours, f"no test in tests/behaviour begins with {row.prefix}"
    for test in tests:
        file, _, name = test.partition("::")
        assert name in names_in(ROOT / file), test


@every_row
def test_the_events_of_a_row_are_in_the_catalogue(row: Row) -> None:
    assert [name for name in row.events if name not in CATALOGUE] == []


def test_every_behaviour_test_that_names_a_row_names_one_that_exists() -> None:
    ids = {row.id.lower() for row in ROWS}
    found = ((path, re.match(r"test_([demtqra]\d+)_", name)) for path, name in behaviour_tests())
    assert [(path.name, match[1]) for path, match in found if match and match[1] not in ids] == []


def test_the_table_does_not_repeat_tests_that_are_found_by_their_names() -> None:
    folder = str(Path("tests") / "behaviour")
    repeated = [
        test
        for row in ROWS
        for test in row.tests
        if test.startswith(folder) and test.partition("::")[2].startswith(row.prefix)
    ]
    assert repeated == []
