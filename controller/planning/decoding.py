"""Reading changes back from their JSON shape. Everything is checked, since files come from anywhere."""

import json
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from controller.model.accounts import WindowsAccount
from controller.model.errors import InvalidInput
from controller.model.topology import SPEC_TYPES, Kind, Mapping, Resource
from controller.planning.change import Change, Create, Prune, Replace, Subject, Update
from controller.planning.encoding import spelling


def decode_change(data: Any, place: str) -> Change:  # noqa: ANN401  # anything that JSON can hold
    """Read a change.

    Args:
        data: What ``encode_change`` gives.
        place: Where it stands, for messages.

    Raises:
        InvalidInput: It is not a change; the message names the place.
    """
    match data:
        case {"action": "create", "after": after, **rest} if not rest:
            return Create(decode_subject(after, f"{place}.after"))
        case {"action": "update" | "replace" as action, "before": before, "after": after, **rest} if not rest:
            type_ = Update if action == "update" else Replace
            old, new = decode_subject(before, f"{place}.before"), decode_subject(after, f"{place}.after")
            if not _is_one_subject(old, new, may_move=action == "replace"):
                raise InvalidInput(f"{place}: before and after are not the same object")
            return type_(old, new)
        case {"action": "prune", "before": before, **rest} if not rest:
            return Prune(decode_subject(before, f"{place}.before"))
        case _:
            raise InvalidInput(f"{place}: not a change")


def _is_one_subject(before: Subject, after: Subject, *, may_move: bool) -> bool:
    """Whether both are versions of one thing; a mapping that is replaced moves to another external account."""
    if may_move and isinstance(before, Mapping) and isinstance(after, Mapping):
        return (before.application, before.windows) == (after.application, after.windows)
    return before.key == after.key


def decode_subject(data: Any, place: str) -> Subject:  # noqa: ANN401  # anything that JSON can hold
    """Read an object or a mapping.

    Raises:
        InvalidInput: It is neither; the message names the place.
    """
    match data:
        case {"kind": Kind.MAPPING.value, **rest}:
            return _decode_mapping(rest, place)
        case {"kind": str(kind), "name": str(name), "labels": labels, "annotations": annotations, "spec": spec, **rest}:
            if kind not in set(SPEC_TYPES) or rest:
                raise InvalidInput(f"{place}: not an object that this version knows")
            return Resource(
                Kind(kind),
                name,
                _decode_value(SPEC_TYPES[Kind(kind)], spec, f"{place}.spec"),
                labels=_decode_value(dict[str, str], labels, f"{place}.labels"),
                annotations=_decode_value(dict[str, str], annotations, f"{place}.annotations"),
            )
        case _:
            raise InvalidInput(f"{place}: not an object")


def _decode_mapping(data: object, place: str) -> Mapping:
    match data:
        case {
            "application": str(application),
            "windows": str(windows),
            "external": str(external),
            "enabled": bool(enabled),
            "origin": str(origin),
            **rest,
        } if not rest and "\\" in windows:
            domain, _, user = windows.partition("\\")  # exactly as stored, even when a hand has altered it
            return Mapping(application, WindowsAccount(domain, user), external, enabled, origin)
        case _:
            raise InvalidInput(f"{place}: not a mapping")


def _decode_value(expected: Any, data: Any, place: str) -> Any:  # noqa: ANN401  # the caller names the type
    if isinstance(expected, UnionType):
        return _decode_union(expected, data, place)
    if get_origin(expected) is tuple:
        (item_type, _) = get_args(expected)
        if not isinstance(data, list):
            raise InvalidInput(f"{place}: not a list")
        return tuple(_decode_value(item_type, item, f"{place}[{i}]") for i, item in enumerate(data))
    if isinstance(expected, type) and is_dataclass(expected):
        return _decode_dataclass(expected, data, place)
    return _decode_leaf(expected, data, place)


def _decode_union(expected: UnionType, data: object, place: str) -> Any:  # noqa: ANN401  # the caller names the type
    members = get_args(expected)
    if data is None and NoneType in members:
        return None
    for member in members:
        if _fits(member, data):
            return _decode_value(member, data, place)
    raise InvalidInput(f"{place}: not a value that this version knows")


def _fits(member: type[Any], data: object) -> bool:
    """Whether *data* can be of that type. Dataclasses are told apart by the names of their fields."""
    if is_dataclass(member):
        names = {spelling(f.name) for f in fields(member)}
        return isinstance(data, dict) and data.keys() == names
    return member is not NoneType


def _decode_dataclass(expected: Any, data: object, place: str) -> Any:  # noqa: ANN401  # the caller names the type
    hints = _hints(expected)
    if not isinstance(data, dict) or data.keys() != hints.keys():
        raise InvalidInput(f"{place}: expected exactly the fields {', '.join(hints)}")
    return expected(*(_decode_value(hint, data[name], f"{place}.{name}") for name, hint in hints.items()))


def _decode_leaf(expected: Any, data: object, place: str) -> Any:  # noqa: ANN401  # the caller names the type
    try:
        return _adapter(expected).validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        _refuse(error, place)


def _refuse(error: ValidationError, place: str) -> NoReturn:
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    inner = "".join(f".{step}" for step in first["loc"])
    raise InvalidInput(f"{place}{inner}: {first['msg']}") from None


@cache
def _hints(type_: Any) -> dict[str, Any]:  # noqa: ANN401  # a dataclass of the model
    hints = get_type_hints(type_)
    return {spelling(f.name): hints[f.name] for f in fields(type_)}


@cache
def _adapter(type_: Any) -> TypeAdapter[Any]:  # noqa: ANN401  # a field type of the model
    return TypeAdapter(type_)
