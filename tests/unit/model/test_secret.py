"""A secret gives its text to ``reveal`` and to nothing else."""

import copy
import json
import logging
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.secret import MAX_PASSWORD_LENGTH, Secret

TEXT = "hunter2-hunter2"
any_text = st.text(st.characters())


@given(any_text)
def test_the_text_is_kept_exactly_as_given(text: str) -> None:
    assert Secret(text).reveal() == text


@pytest.mark.parametrize("text", ["0123", "1e3", "true", " x ", "e\u0301", "\ufeffx", "a\r\nb"])
def test_nothing_is_converted_trimmed_or_normalised(text: str) -> None:
    assert Secret(text).reveal() == text


@pytest.mark.parametrize("value", [123, b"bytes", None, True])
def test_only_text_is_a_secret(value: object) -> None:
    with pytest.raises(TypeError, match="holds text") as caught:
        Secret(value)  # type: ignore[arg-type]  # the point of the test

    assert str(value) not in str(caught.value)


@given(any_text)
def test_no_way_of_showing_it_depends_on_its_text(text: str) -> None:
    secret = Secret(text)

    assert {str(secret), f"{secret}", f"{secret:>40}", f"{secret!s}"} == {"***"}
    assert {repr(secret), f"{secret!r}", repr([secret])[1:-1]} == {"Secret(***)"}


def test_it_does_not_show_in_logs_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    error = ValueError(Secret(TEXT))
    logging.getLogger("x").error("got %s and %r", Secret(TEXT), {"password": Secret(TEXT)}, exc_info=error)

    assert TEXT not in caplog.text


def test_it_has_no_attributes_to_look_into() -> None:
    with pytest.raises(TypeError):
        vars(Secret(TEXT))
    with pytest.raises(TypeError):
        json.dumps(Secret(TEXT))


@pytest.mark.parametrize("attempt", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_not_pickled_or_copied(attempt: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        attempt(Secret(TEXT))


def test_it_has_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Secret(TEXT))


@given(any_text, any_text)
def test_it_equals_a_secret_with_the_same_text_and_no_other(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert Secret(one) == Secret(one)


@given(any_text)
def test_it_can_be_written_in_utf_8_unless_it_has_a_lone_surrogate(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        assert not Secret(text).is_unicode()
        return
    assert Secret(text).is_unicode()


def test_a_lone_surrogate_cannot_be_written_in_utf_8() -> None:
    assert not Secret("Aa1-\ud800").is_unicode()
    assert Secret("Aa1-🔑").is_unicode()


def test_it_never_equals_plain_text() -> None:
    assert Secret(TEXT) != TEXT
    assert Secret(TEXT) != TEXT


@pytest.mark.parametrize(
    ("length", "is_empty", "is_too_long"),
    [(0, True, False), (1, False, False), (256, False, False), (257, False, True)],
)
def test_its_length_is_counted_in_characters(length: int, is_empty: bool, is_too_long: bool) -> None:
    secret = Secret("\U0001f511" * length)

    assert MAX_PASSWORD_LENGTH == 256
    assert secret.is_empty() is is_empty
    assert secret.is_too_long() is is_too_long
