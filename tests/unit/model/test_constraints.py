"""Limits of a target are told in words, never with the password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.constraints import CATEGORIES, Capabilities, Constraints, categories_of
from controller.model.secret import Secret


@pytest.mark.parametrize(
    ("constraints", "password", "words"),
    [
        (Constraints(min_length=4), "abc", "shorter than the 4 characters"),
        (Constraints(max_length=3), "abcd", "longer than the 3 characters"),
        (Constraints(max_bytes=3), "äö", "longer than the 3 bytes (UTF-8)"),
        (Constraints(forbidden="#@"), "a@b", "a character that the target does not take"),
        (Constraints(min_bytes=5), "äö", "shorter than the 5 bytes (UTF-8)"),
        (Constraints(min_categories=3), "abcDEF ", "fewer than the 3 kinds of characters"),
        (Constraints(gaps=((9, 13),)), "thirteen-char", "of a length from 9 to 13 characters"),
        (Constraints(alphabet="abc"), "abcd", "a character that the target does not take"),
    ],
)
def test_a_limit_that_is_broken_is_named(constraints: Constraints, password: str, words: str) -> None:
    violation = constraints.violation(Secret(password))

    assert violation is not None
    assert words in violation
    assert password not in violation


@pytest.mark.parametrize(
    ("constraints", "password"),
    [
        (Constraints(min_length=4), "abcd"),
        (Constraints(max_length=3), "äöü"),
        (Constraints(max_bytes=4), "äö"),
        (Constraints(forbidden="#@"), "abc"),
        (Constraints(min_bytes=4), "äö"),
        (Constraints(min_categories=3), "abcDEF1"),
        (Constraints(min_categories=3), "abcDEF漢"),
        (Constraints(gaps=((9, 13),)), "eight-ch"),
        (Constraints(alphabet="abc"), "cab"),
    ],
)
def test_a_limit_that_is_just_kept_is_no_violation(constraints: Constraints, password: str) -> None:
    assert constraints.violation(Secret(password)) is None


@given(st.text(st.characters()))
def test_without_limits_everything_is_accepted(text: str) -> None:
    assert Capabilities().constraints.violation(Secret(text)) is None


@given(st.text(st.characters()), st.integers(0, 20), st.integers(0, 20), st.integers(0, 40))
def test_a_password_is_accepted_exactly_when_it_keeps_every_limit(
    text: str, shortest: int, longest: int, most_bytes: int
) -> None:
    constraints = Constraints(shortest, longest, most_bytes, forbidden="#")
    size = len(text.encode("utf-8", "surrogatepass"))
    is_kept = shortest <= len(text) <= longest and size <= most_bytes and "#" not in text

    assert (constraints.violation(Secret(text)) is None) == is_kept


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("aß", ("lower case",)),
        ("ÄŁΩ", ("upper case",)),
        ("09", ("digits",)),
        ("-€", ("special characters",)),
        ("漢한", ("other letters",)),
        (" €🔑\x00٣", ()),
        ("漢-1Aa", CATEGORIES),
    ],
)
def test_characters_are_counted_as_active_directory_does(text: str, categories: tuple[str, ...]) -> None:
    assert set(categories_of(text)) == set(categories)


limits = st.none() | st.integers(0, 12)
some_constraints = st.builds(
    Constraints, limits, limits, limits, st.text("#@a", max_size=2), limits, st.none() | st.integers(0, 5)
)


@given(some_constraints, some_constraints, st.text(max_size=14))
def test_tightened_limits_are_kept_exactly_when_both_are(one: Constraints, other: Constraints, text: str) -> None:
    are_both_kept = all(limits.violation(Secret(text)) is None for limits in (one, other))

    assert (one.tightened(other).violation(Secret(text)) is None) == are_both_kept


def test_limits_are_described_for_a_person() -> None:
    assert list(Constraints().describe()) == []
    assert list(Constraints(1, 2, 3, "#", 4, 3).describe()) == [
        "at least 1 characters",
        "at least 4 bytes (UTF-8)",
        "at most 2 characters",
        "at most 3 bytes (UTF-8)",
        "at least 3 of the categories lower case, upper case, digits, special characters, other letters",
    ]


def test_gaps_and_alphabets_are_tightened_and_told() -> None:
    one, another = Constraints(gaps=((9, 13),), alphabet="abc"), Constraints(gaps=((1, 2), (9, 13)), alphabet="bcd")

    assert one.tightened(another) == Constraints(gaps=((9, 13), (1, 2)), alphabet="bc")
    assert one.tightened(Constraints()) == Constraints().tightened(one) == one
    assert list(one.describe()) == ["not of 9 to 13 characters"]
