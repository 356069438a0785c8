"""Differences of single fields, for people: dotted camelCase paths and values as manifests write them."""

import json
import re
from collections.abc import Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import timedelta
from typing import assert_never

from pydantic import BaseModel

from controller.model.accounts import WindowsAccount
from controller.model.filters import PasswordFilter
from controller.model.topology import MappingRule, Resource
from controller.planning.change import Subject
from controller.planning.encoding import spelling

Leaf = str | int | float | bool | timedelta | tuple[object, ...] | None

_FLATTENED = frozenset({"endpoint", "options", "spec"})  # levels that manifests do not have
_NOTHING: frozenset[Leaf] = frozenset({None, ()})  # an absent list and an empty one read the same
_CONNECTOR = "connector."
_CONNECTOR_TYPE = "connector.type"
_IDENTITY = frozenset({"kind", "name"})
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):[^@/\s]+@")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. None means that it is absent.

    Attributes:
        has_default: Absent means the default of the connector type, which is not stored.
    """

    path: str
    before: Leaf
    after: Leaf
    has_default: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self._shown(self.before)} -> {self._shown(self.after)}"

    def _shown(self, leaf: Leaf) -> str:
        return "(default)" if leaf is None and self.has_default else show(leaf)


def differences(before: Subject, after: Subject) -> list[FieldChange]:
    """The fields in which two versions of one object or mapping differ."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    pairs = ((path, old.get(path), new.get(path)) for path in {**old, **new})
    is_same_type = old.get(_CONNECTOR_TYPE) == new.get(_CONNECTOR_TYPE)
    return [
        FieldChange(path, a, b, has_default=is_same_type and path.startswith(_CONNECTOR))
        for path, a, b in pairs
        if a != b and not {a, b} <= _NOTHING
    ]


def declared(subject: Subject) -> list[tuple[str, Leaf]]:
    """The fields of an object that are not at their defaults."""
    return [(path, leaf) for path, leaf in _leaves(subject, skip_defaults=True) if leaf not in _NOTHING]


def show(leaf: Leaf) -> str:
    """A value in one line of plain characters; a password inside a URL is masked."""
    match leaf:
        case None:
            return "(none)"
        case bool():
            return "true" if leaf else "false"
        case timedelta():
            return duration_text(leaf)
        case str():
            return _quoted_if_needed(_PASSWORD_IN_URL.sub(r"\1:***@", leaf))
        case tuple():
            return f"[{', '.join(show(item) for item in leaf)}]"  # type: ignore[arg-type]  # leaves hold only leaves
        case int() | float():
            return str(leaf)
        case _:
            assert_never(leaf)


def duration_text(duration: timedelta) -> str:
    """A duration as manifests write it: ``24h``, ``1m``, ``1h30m``, ``0.5s``."""
    minutes, seconds = divmod(abs(duration), timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h"] * bool(hours) + [f"{minutes}m"] * bool(minutes)
    if seconds or not parts:
        parts.append(f"{seconds.total_seconds():f}".rstrip("0").rstrip(".") + "s")
    return ("-" if duration < timedelta() else "") + "".join(parts)


def _quoted_if_needed(text: str) -> str:
    is_plain = text.isprintable() and text == text.strip() and not set(text) & set(',[]"') and text not in _WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=not text.isprintable())


_OF_RULES = {
    "base_dn": "match.baseDN",
    "filter": "match.filter",
    "account_attribute": "windowsAccount.attribute",
    "external_attribute": "externalAccount.attribute",
    "case": "externalAccount.case",
    "allowed": "externalAccount.allowed",
    "exclude": "externalAccount.exclude",
}
_WORDS = frozenset({"", "true", "false", "(none)", "(default)"})  # quoted, so that text is never taken for another type


def _leaves(value: object, path: str = "", *, skip_defaults: bool = False) -> Iterator[tuple[str, Leaf]]:
    value = _as_written(value)
    match value:
        case BaseModel():
            dumped = value.model_dump(mode="json", by_alias=True, exclude_defaults=skip_defaults)
            yield from _leaves(dumped, path)
        case ReadOnlyMapping():
            for name, item in value.items():
                yield from _leaves(item, _join(path, str(name)), skip_defaults=skip_defaults)
        case tuple() | list() if any(not isinstance(item, str | int | float) for item in value):
            for index, item in enumerate(value):
                yield from _leaves(item, f"{path}[{index}]", skip_defaults=skip_defaults)
        case tuple() | list():
            yield path, tuple(value)
        case None | str() | int() | float() | timedelta():
            yield path, value
        case _ if is_dataclass(value):
            for field in fields(value):
                item = getattr(value, field.name)
                if not (skip_defaults and _is_default(field, item)) and not _is_identity(value, field):
                    inner = path if field.name in _FLATTENED else _join(path, _spelling(value, field.name))
                    yield from _leaves(item, inner, skip_defaults=skip_defaults)
        case _:
            raise TypeError(f"{type(value).__name__} cannot be shown")


def _as_written(value: object) -> object:
    """Where manifests write something in a form of its own: that form."""
    match value:
        case WindowsAccount():
            return str(value)
        case PasswordFilter(rules):
            return {"rules": value.notation() if rules else None}
        case _:
            return value


def _spelling(value: object, name: str) -> str:
    """What manifests call a field."""
    return _OF_RULES.get(name, spelling(name)) if isinstance(value, MappingRule) else spelling(name)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_identity(value: object, field: Field[object]) -> bool:
    return isinstance(value, Resource) and field.name in _IDENTITY


def _is_default(field: Field[object], item: object) -> bool:
    if field.default_factory is not MISSING:
        return item == field.default_factory()
    return field.default is not MISSING and item == field.default
