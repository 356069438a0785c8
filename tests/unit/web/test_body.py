"""Strict JSON and its fields; errors never carry what was sent."""

import json
import traceback
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.errors import InvalidInput
from controller.model.secret import Secret
from controller.web.body import ExternalReport, WindowsReport, fields_of, json_object
from controller.web.problem import BadRequest

offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_any_object_is_read_as_it_is(value: dict[str, object]) -> None:
    assert json_object(json.dumps(value).encode()) == value


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=offsets))  # noqa: DTZ001  # bounds are naive
def test_any_time_with_an_offset_is_read_as_that_instant(instant: datetime) -> None:
    body = fields_of(WindowsReport, {"account": "a", "password": "b", "occurredAt": instant.isoformat()})

    assert body.occurred_at == instant
    assert body.occurred_at is not None
    assert body.occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["2026-01-01t12:00:00z", "2026-01-01T12:00:00.123456789Z", "2026-01-01T12:00:00-00:00"]
)
def test_the_lesser_known_forms_of_rfc_3339_are_read(text: str) -> None:
    body = fields_of(WindowsReport, {"account": "a", "password": "b", "occurredAt": text})

    assert body.occurred_at is not None
    assert body.occurred_at.replace(microsecond=0) == datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_passwords_are_secrets_from_the_start() -> None:
    body = fields_of(ExternalReport, {"account": "a", "password": "s3cret", "oldPassword": "0ld-s3cret"})

    assert body.password == Secret("s3cret")
    assert body.old_password == Secret("0ld-s3cret")
    assert "s3cret" not in repr(body) + str(body)


@pytest.mark.parametrize(
    "raw", [b'{"password": "s3cret"', b'{"password": "s3cret", "password": "s3cret"}', b'["s3cret"]', b'"s3cret"\xff']
)
def test_an_error_of_the_parser_carries_nothing_of_the_body(raw: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        json_object(raw)

    assert caught.value.__context__ is None
    assert "s3cret" not in repr(caught.value) + repr(caught.value.problem)


@pytest.mark.parametrize(
    "fields",
    [
        {"account": 1, "password": "s3cret"},
        {"account": "a", "password": ["s3cret"]},
        {"account": "a", "password": "x", "occurredAt": "s3cret"},
        {"account": "a", "password": "x", "s3cret": "x"},
        {"s3cret": "x"},
    ],
)
def test_an_error_of_a_field_carries_nothing_of_the_body(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as caught:
        fields_of(WindowsReport, fields)

    assert caught.value.__context__ is None
    assert "s3cret" not in "".join(traceback.format_exception_only(caught.value))
