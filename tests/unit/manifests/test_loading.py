"""YAML text: what plain scalars become, how aliases are bounded, and where every node stands."""

from typing import Any

import pytest

from controller.manifests.document import Document
from controller.manifests.loading import MAX_ALIASED, Loader
from controller.manifests.scalars import UNCLEAR, resolve


def load(text: str) -> tuple[list[Document], list[str]]:
    loader = Loader("f", "/folder")
    documents = list(loader.documents(text))
    return documents, [str(problem) for problem in loader.problems]


def value(text: str) -> Any:
    (document,), problems = load(text)
    assert problems == []
    return document.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[(text, True) for text in ("true", "True", "TRUE")],
        *[(text, False) for text in ("false", "False", "FALSE")],
        *[(text, None) for text in ("", "~", "null", "Null", "NULL")],
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("0x1F", 31),
        ("123456789012345678", 123456789012345678),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("1.", 1.0),
        ("1.0e+3", 1000.0),
    ],
)
def test_a_scalar_that_all_versions_of_yaml_read_alike_has_that_value(text: str, expected: object) -> None:
    found = resolve(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        *["yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"],
        *["0123", "00", "-007", "0o17", "0b11", "1_000", "0x_1", "1234567890123456789", "0x1234567890abcdef"],
        *["1e5", "1E5", "1e+5", ".5", "-.5", "1_0.5", ".inf", "-.INF", ".nan", "1.0e5"],
        *["12:30", "1:30:00", "190:20:30.15", "2024-01-01", "2024-1-1", "2001-12-14t21:59:43.10-05:00", "=", "<<"],
    ],
)
def test_a_scalar_that_versions_of_yaml_read_differently_is_unclear(text: str) -> None:
    assert resolve(text) is UNCLEAR
    assert repr(UNCLEAR) == "Unclear()"


@pytest.mark.parametrize(
    "text",
    [
        *[
            "alice",
            "ALICE1",
            "1a",
            "0x",
            "0b12",
            "-",
            "+",
            ".",
            "..",
            "...",
            "--",
            "y",
            "n",
            "Y",
            "N",
            "nO",
            "tRUE",
            "nan",
        ],
        *[
            "10.0.0.1",
            "1.2.3",
            "host:389",
            "~a",
            "24h",
            "10m",
            "1h30m",
            "1-2",
            "12-34-56",
            "-a",
            ".env",
            "=a",
            "<<a",
            "é",
        ],
        *["0123-4567", "e5", "1e", "1e5x", "5 %", "١٢٣"],
    ],
)
def test_other_text_stays_exactly_as_written(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize("text", ["'0123'", '"0123"', "!!str 0123", "! 0123", "|-\n 0123", ">-\n 0123"])
def test_quoted_text_and_text_with_the_tag_of_text_is_text(text: str) -> None:
    assert value(f"a: {text}") == {"a": "0123"}


def test_several_documents_are_several_values_and_empty_ones_are_passed_over() -> None:
    documents, problems = load("a: 1\n---\n---\n# nothing\n---\n[b]\n...\n---\n!!map {c: !!seq [d]}\n")
    assert [document.value for document in documents] == [{"a": 1}, ["b"], {"c": ["d"]}]
    assert problems == []


def test_every_node_has_its_place() -> None:
    (document,), _ = load("a:\n  - b: 1\n    é: [x,  y]\n  -   z\nq: ''\n")
    places = {
        (): (1, 1),
        ("a",): (2, 3),
        ("a", 0): (2, 5),
        ("a", 0, "b"): (2, 8),
        ("a", 0, "é"): (3, 8),
        ("a", 0, "é", 1): (3, 13),
        ("a", 1): (4, 7),
        ("q",): (5, 4),
    }
    found = {path: document.place(path) for path in places}
    assert {path: (place.line, place.column) for path, place in found.items()} == places
    assert str(document.key_place(("a", 0, "é"))) == "f:3:5"
    assert str(document.key_place(("a", 1))) == "f:4:7"
    assert str(document.key_place(())) == "f:1:1"
    assert str(document.place(("a", "union-member", 0, "b"))) == "f:2:8"


def test_places_stay_right_after_fields_that_were_dropped() -> None:
    (document,), problems = load("a: 1\na: {b: [1, 2], c: &x 3}\n{d: e}: [f]\n2: {g: h}\nz: last\n")
    assert document.value == {"a": 1, "z": "last"}
    assert str(document.place(("z",))) == "f:5:4"
    assert problems == [
        "f:2:1: 'a' is given twice here (remove one of them)",
        "f:3:1: a field name must be text (quote it)",
        "f:4:1: a field name must be text (quote it)",
    ]


def test_an_alias_stands_for_the_value_of_its_anchor_and_leads_to_its_place() -> None:
    (document,), problems = load("a: &x {b: [1, 2]}\nc: *x\n&k d: 3\ne: *k\nz: last\n")
    assert document.value == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": 3, "e": "d", "z": "last"}
    assert str(document.place(("c", "b", 1))) == "f:1:15"
    assert str(document.place(("z",))) == "f:5:4"
    assert problems == []


def test_an_alias_may_be_a_field_name() -> None:
    assert value("- &k a\n- {*k : 1}\n") == ["a", {"a": 1}]


@pytest.mark.parametrize("text", ["a: *x", "a: &x [*x]", "a: &x 1\n---\na: *x", "a: {b: 1, b: &x 2}\nc: *x"])
def test_an_alias_without_a_finished_anchor_in_its_document_is_a_mistake(text: str) -> None:
    _, problems = load(text)
    assert any("there is no finished anchor &x before this alias" in problem for problem in problems)


def test_aliases_of_aliases_are_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    documents, problems = load("\n".join(lines))
    assert documents == []
    (problem,) = problems
    assert problem.endswith(f"aliases stand for more than {MAX_ALIASED} nodes (write the values out)")


def test_depth_is_bounded() -> None:
    assert load("[" * 64 + "]" * 64)[1] == []
    assert load("[" * 65 + "]" * 65)[1] == ["f:1:65: nested deeper than 64 levels"]
    assert load("{a: " * 100_000)[1] == ["f:1:257: nested deeper than 64 levels"]


def test_a_loader_says_whether_it_reached_the_end() -> None:
    for text, is_complete in (
        ("a: 1", True),
        ("a: 1\na: 2", True),
        ("a: [", False),
        ("[" * 99, False),
        ("\x01", False),
    ):
        loader = Loader("f", "/folder")
        list(loader.documents(text))
        assert loader.is_complete is is_complete
