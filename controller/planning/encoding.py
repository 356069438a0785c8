"""The JSON shape of model values, the same on every machine: plan files, digests and ``-o json`` are made of it."""

import json
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import TypeAlias, assert_never

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from controller.model.topology import Mapping, Resource
from controller.planning.change import Create, Prune, Replace, Subject, Update

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_SPELLING = {"base_dn": "baseDN"}


def spelling(field_name: str) -> str:
    """The name of a field as manifests and JSON write it."""
    return _SPELLING.get(field_name) or to_camel(field_name)


def canonical(value: Json) -> bytes:
    """The one JSON text of *value*: keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def encode_change(change: Create | Update | Replace | Prune) -> dict[str, Json]:
    """A change with its action and the full values before and after."""
    match change:
        case Create(after):
            return {"action": change.action, "after": encode_subject(after)}
        case Update(before, after) | Replace(before, after):
            return {"action": change.action, "before": encode_subject(before), "after": encode_subject(after)}
        case Prune(before):
            return {"action": change.action, "before": encode_subject(before)}
        case _:
            assert_never(change)


def encode_subject(subject: Subject) -> dict[str, Json]:
    """An object or a mapping; ``kind`` tells which."""
    match subject:
        case Resource():
            return {
                "kind": subject.kind.value,
                "name": subject.name,
                "labels": dict(subject.labels),
                "annotations": dict(subject.annotations),
                "spec": encode_value(subject.spec),
            }
        case Mapping():
            return {
                "kind": subject.key.kind.value,
                "application": subject.application,
                "windows": str(subject.windows),
                "external": subject.external,
                "enabled": subject.enabled,
                "origin": subject.origin,
            }
        case _:
            assert_never(subject)


def encode_value(value: object) -> Json:
    """A specification, or a value inside one. Names are camelCase, durations ISO 8601 in seconds.

    Raises:
        TypeError: A type that no specification is made of.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case timedelta():
            return _iso_duration(value)
        case BaseModel():
            dumped: Json = value.model_dump(mode="json", by_alias=True)
            return dumped
        case ReadOnlyMapping():
            return {str(name): encode_value(item) for name, item in value.items()}
        case tuple() | list():
            return [encode_value(item) for item in value]
        case _ if is_dataclass(value):
            return {spelling(f.name): encode_value(getattr(value, f.name)) for f in fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON shape")


def _iso_duration(duration: timedelta) -> str:
    seconds, rest = divmod(abs(duration), timedelta(seconds=1))
    fraction = f".{rest.microseconds:06d}" if rest else ""
    return f"{'-' if duration < timedelta() else ''}PT{seconds}{fraction}S"
