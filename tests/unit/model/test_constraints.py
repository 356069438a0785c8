"""Limits of a target are told in words, never with the password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.constraints import Capabilities, Constraints
from controller.model.secret import Secret


@pytest.mark.parametrize(
    ("constraints", "password", "words"),
    [
        (Constraints(min_length=4), "abc", "shorter than the 4 characters"),
        (Constraints(max_length=3), "abcd", "longer than the 3 characters"),
        (Constraints(max_bytes=3), "äö", "longer than the 3 bytes (UTF-8)"),
        (Constraints(forbidden="#@"), "a@b", "a character that the target does not take"),
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
