"""The page docs/reference/behaviours.md, from the table of the behaviour tests."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.behaviour.rows import ROWS, SECTIONS, Row

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "behaviour"


@cache
def names_in(path: Path) -> tuple[str, ...]:
    """The names of the tests in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


@cache
def behaviour_tests() -> tuple[tuple[Path, str], ...]:
    """All behaviour tests: file and name."""
    return tuple((path, name) for path in sorted(FOLDER.glob("test_*.py")) for name in names_in(path))


def shown_by(row: Row) -> list[str]:
    """The tests that show a row, as ``file::name``: those that its id names first."""
    named = [f"{path.relative_to(ROOT)}::{name}" for path, name in behaviour_tests() if name.startswith(row.prefix)]
    return [*named, *(test for test in row.tests if test not in named)]


def behaviours_page(note: str) -> str:
    """Every row with what we do, the events and the tests."""
    lines = [
        "# Behaviours",
        "",
        note,
        "",
        "What a user of the reference product (ESSO) expects, row by row of its documented behaviours, and what pwsync",
        'does. "Not yet" means that it does not; [Critiques](../critiques.md) says so too. [Events](events.md) has the',
        "numbers of that product's events. The tests are those that show it.",
        "",
    ]
    for section, title in SECTIONS.items():
        lines += [f"## {title}", "", "| row | what we do | events | tests |", "|---|---|---|---|"]
        lines += [_line(row) for row in ROWS if row.section == section]
        lines += [""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _line(row: Row) -> str:
    name = row.id if row.section else f"section {row.id}"
    missing = f"**Not yet**{row.missing.removeprefix('not yet')}." if row.missing else ""
    told = " ".join(filter(None, (row.ours, missing)))
    events = ", ".join(f"`{event}`" for event in row.events)
    parts = (test.partition("::") for test in shown_by(row))
    tests = "<br>".join(f"`{Path(file).name}` {_words(test)}" for file, _, test in parts)
    return f"| {name} | {told} | {events} | {tests} |"


def _words(name: str) -> str:
    """The name of a test as the sentence that it is."""
    return re.sub(r"^test_([a-z]\d+_)?", "", name).replace("_", " ")
