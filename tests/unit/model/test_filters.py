"""Password filters: the reference system's notation and examples, and failing closed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.errors import FilterUnusable, InvalidInput
from controller.model.filters import Case, Pad, PasswordFilter, Remove, Rule, Substitute, Truncate, parse_rules
from controller.model.secret import Secret

characters = st.characters()
lengths = st.integers(1, 256)


def distinct(alphabet: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(alphabet, min_size=1, max_size=10, unique=True).map("".join)


substitutions = distinct(characters).flatmap(
    lambda old: st.text(characters, min_size=len(old), max_size=len(old)).map(lambda new: Substitute(old, new))
)
rules: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Case, st.sampled_from(["upper", "lower"])),
    st.builds(Remove, st.text(characters, min_size=1, max_size=10)),
    substitutions,
    st.builds(Pad, st.sampled_from(["start", "end"]), lengths, characters),
    st.builds(Truncate, lengths),
)


def notation(rule: Rule) -> str:
    match rule:
        case Case(to):
            return "uc/" if to == "upper" else "lc/"
        case Remove(chars):
            return f"rc/{len(chars)}/{chars}/"
        case Substitute(old, new):
            return f"sc/{len(old)}/{old}/{new}/"
        case Pad(at, length, character):
            return f"{'ps' if at == 'start' else 'pe'}/{length}/{character}/"
        case Truncate(length):
            return f"tr/{length}/"


def filtered(text: str, password: str) -> str:
    return PasswordFilter(parse_rules(text)).apply(Secret(password)).reveal()


@pytest.mark.parametrize(
    ("text", "password", "expected"),
    [
        # The examples of the reference system's documentation.
        ("dc/", "Cat", "Cat"),
        ("uc/", "Cat", "CAT"),
        ("lc/", "Cat", "cat"),
        ("rc/2/#@/", "C@t#", "Ct"),
        ("sc/3/abc/def/", "Cat", "Cdt"),
        ("ps/8/#/", "Cat", "#####Cat"),
        ("pe/10/$/", "Cat", "Cat$$$$$$$"),
        ("tr/11/", "Cat123456789", "Cat12345678"),
        # Several in a row, in order; a slash may stand for itself.
        ("uc/rc/2/#@/tr/8/", "p@ssw0rd#long", "PSSW0RDL"),
        ("tr/3/uc/", "abcdef", "ABC"),
        ("rc/1///", "a/b", "ab"),
        ("sc/2/a//xy/", "a/b", "xyb"),
        ("sc/2/ab/ba/", "abc", "bac"),
        ("ps/5///", "Cat", "//Cat"),
        ("ps/2/#/", "Cat", "Cat"),
        ("", "Cat", "Cat"),
    ],
)
def test_rules_do_what_their_notation_says(text: str, password: str, expected: str) -> None:
    assert filtered(text, password) == expected


@pytest.mark.parametrize("text", ["dc/", "uc/lc/", "rc/2/#@/", "sc/2/a//xy/", "ps/8/#/pe/10/$/", "tr/11/"])
def test_a_filter_tells_its_notation(text: str) -> None:
    assert PasswordFilter(parse_rules(text)).notation() == text


@given(st.lists(rules, max_size=6))
def test_reading_the_notation_gives_the_rules_back(chosen: list[Rule]) -> None:
    assert parse_rules("".join(map(notation, chosen))) == tuple(chosen)


@given(st.lists(rules, max_size=6), st.text(characters, max_size=256))
def test_a_filter_gives_a_usable_password_or_fails(chosen: list[Rule], password: str) -> None:
    try:
        result = PasswordFilter(tuple(chosen)).apply(Secret(password))
    except FilterUnusable:
        return
    assert 1 <= len(result.reveal()) <= 256


@given(st.text(characters, min_size=1, max_size=256))
def test_without_rules_the_password_stays_as_it_is(password: str) -> None:
    assert PasswordFilter().apply(Secret(password)).reveal() == password


def test_a_filter_that_leaves_nothing_fails() -> None:
    with pytest.raises(FilterUnusable, match="empty password"):
        filtered("rc/3/abc/", "cab")


def test_a_filter_that_makes_the_password_too_long_fails() -> None:
    with pytest.raises(FilterUnusable, match="longer than 256"):
        filtered("uc/", "ß" * 200)


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("uc", 1, "a slash is missing"),
        ("uc/lc", 4, "a slash is missing"),
        ("xx/", 4, "unknown token 'xx'"),
        ("/", 2, "unknown token ''"),
        ("UC/", 4, "unknown token 'UC'"),
        ("rc/x/a/", 6, "'x' is not a number"),
        ("rc/0/a/", 6, "'0' is not a number"),
        ("rc/-1/a/", 7, "'-1' is not a number"),
        ("rc/²/a/", 6, "'²' is not a number"),
        ("tr/257/", 8, "'257' is not a number"),
        ("tr/", 4, "a slash is missing"),
        ("rc/3/ab/", 9, "expected exactly 3"),
        ("rc/1/ab/", 7, "expected exactly 1"),
        ("ps/8/#", 7, "expected exactly 1"),
        ("sc/2/aa/bc/", 9, "substituted twice"),
        ("sc/2/ab/c/", 11, "expected exactly 2"),
    ],
)
def test_a_mistake_in_the_notation_is_told_with_its_position(text: str, position: int, words: str) -> None:
    with pytest.raises(InvalidInput, match=f"position {position}: ") as caught:
        parse_rules(text)

    assert words in caught.value.message
    assert "rc/N/chars/" in caught.value.hint


@given(st.text(st.sampled_from("ucrscptl/1239ab#"), max_size=20))
def test_any_text_is_rules_or_a_mistake_and_never_another_failure(text: str) -> None:
    try:
        read = parse_rules(text)
    except InvalidInput:
        return
    assert parse_rules("".join(map(notation, read))) == read
