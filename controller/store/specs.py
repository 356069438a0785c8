"""Specs of objects as canonical JSON (keys sorted, no spaces) and back."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter

from controller.model.topology import SPEC_TYPES, Kind, Spec

_KIND_OF: dict[type[Spec], Kind] = {spec_type: kind for kind, spec_type in SPEC_TYPES.items()}


def spec_json(spec: Spec) -> str:
    """Equal specs give equal texts."""
    # Without pydantic's warnings: it expects a dict where a Mapping is declared, and would show the value.
    document = _adapter(_KIND_OF[type(spec)]).dump_python(spec, mode="json", warnings=False, fallback=_plain)
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def parse_spec(kind: Kind, document: str) -> Spec:
    """Read what ``spec_json`` wrote.

    Raises:
        ValueError: It is not a spec of that kind (pydantic's ValidationError is one).
        KeyError: Objects of that kind are not stored here.
    """
    return cast("Spec", _adapter(kind).validate_json(document, strict=True))


def _plain(value: object) -> dict[str, Any]:
    """Frozen views of dictionaries, which pydantic does not know, as dictionaries."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot be part of a spec")


@cache
def _adapter(kind: Kind) -> TypeAdapter[Any]:
    return TypeAdapter(SPEC_TYPES[kind])  # takes milliseconds to build, so only for the kinds that occur
