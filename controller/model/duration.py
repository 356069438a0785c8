"""Durations in manifests: ``90s``, ``10m``, ``1h30m``, ``24h``, ``7d``."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from controller.model.errors import InvalidInput
from controller.model.options import Unfit

PATTERN: Final = r"(?=[0-9])([0-9]{1,8}d)?([0-9]{1,8}h)?([0-9]{1,8}m)?([0-9]{1,8}s)?"
LONGEST: Final = timedelta(days=36_500)  # so that now minus a duration is always a date
_DURATION: Final = re.compile(PATTERN)
_HINT: Final = "numbers with the units d, h, m, s, for example 90s, 10m, 1h30m, 24h or 7d"
_UNITS: Final = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)


def parse_duration(text: str) -> timedelta:
    """Read a duration.

    Raises:
        Unfit: It is not of that form, or longer than 100 years.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Unfit("not a duration", hint=_HINT)
    parts = [int(part[:-1]) if part else 0 for part in found.groups()]
    total = sum((count * unit for count, (_, unit) in zip(parts, _UNITS, strict=True)), timedelta())
    if total > LONGEST:
        raise Unfit("longer than 100 years", hint=_HINT)
    return total


def format_duration(duration: timedelta) -> str:
    """Write a duration in the largest units that fit; the opposite of ``parse_duration``.

    Raises:
        InvalidInput: It is negative or not a whole number of seconds.
    """
    if duration < timedelta() or duration.microseconds:
        raise InvalidInput(f"a duration of {duration.total_seconds()} seconds cannot be written in a manifest")
    text, rest = "", duration
    for letter, unit in _UNITS:
        count, rest = divmod(rest, unit)
        text += f"{count}{letter}" if count else ""
    return text or "0s"


def _read(value: Any) -> timedelta:  # noqa: ANN401  # whatever the manifest has there
    match value:
        case timedelta():
            return value
        case str():
            return parse_duration(value)
        case _:
            raise Unfit("must be a duration", hint=_HINT)


def _positive(duration: timedelta) -> timedelta:
    if not duration:
        raise Unfit("must be longer than nothing", hint=_HINT)
    return duration


_SCHEMA: Final = {"type": "string", "pattern": f"^{PATTERN}$", "examples": ["90s", "10m", "1h30m", "24h", "7d"]}

Duration = Annotated[
    timedelta, PlainValidator(_read), PlainSerializer(format_duration, return_type=str), WithJsonSchema(_SCHEMA)
]
"""A duration, zero or longer."""

PositiveDuration = Annotated[
    timedelta,
    PlainValidator(lambda value: _positive(_read(value))),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(_SCHEMA),
]
"""A duration that is longer than nothing."""
