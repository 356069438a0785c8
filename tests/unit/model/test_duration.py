"""Laws of durations: reading is the opposite of writing."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from controller.model.duration import LONGEST, PositiveDuration, format_duration, parse_duration
from controller.model.errors import InvalidInput
from controller.model.options import Unfit

durations = st.integers(0, int(LONGEST.total_seconds())).map(lambda seconds: timedelta(seconds=seconds))


@given(durations)
def test_a_duration_that_is_written_reads_back_as_itself(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 9999), st.integers(0, 99999))
def test_the_parts_of_a_duration_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"{days}d{hours}h{minutes}m{seconds}s"
    assert parse_duration(text) == timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


@given(st.text() | st.text("0123456789dhms -+.,PT"))
@example("")
@example("99999999d99999999h99999999m99999999s")
@example("1s1m")
def test_any_text_is_a_duration_or_is_refused(text: str) -> None:
    try:
        duration = parse_duration(text)
    except Unfit:
        return
    assert timedelta() <= duration <= LONGEST
    assert parse_duration(format_duration(duration)) == duration


def test_durations_may_be_a_hundred_years_and_no_more() -> None:
    assert parse_duration("36500d") == LONGEST
    with pytest.raises(Unfit, match="longer than 100 years"):
        parse_duration("36500d1s")


@pytest.mark.parametrize("duration", [timedelta(seconds=-1), timedelta(microseconds=1)])
def test_what_no_manifest_can_say_is_not_written(duration: timedelta) -> None:
    with pytest.raises(InvalidInput, match="cannot be written in a manifest"):
        format_duration(duration)


def test_a_field_takes_a_duration_as_text_or_as_it_is_and_nothing_else() -> None:
    field = TypeAdapter(PositiveDuration)
    assert field.validate_python("90s") == field.validate_python(timedelta(seconds=90)) == timedelta(seconds=90)
    for wrong, words in ((90, "must be a duration"), ("0s", "longer than nothing")):
        with pytest.raises(ValidationError, match=words):
            field.validate_python(wrong)
