"""The objects of the actual topology, each as canonical JSON with a digest that shows changes made by hand."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row, Select, bindparam, case, delete, select

from controller.model.errors import StoreUnusable
from controller.model.topology import Key, Kind, Resource
from controller.ports.resources import ResourceRecord
from controller.store.session import Session
from controller.store.specs import parse_spec, spec_json
from controller.store.tables import counters, resources
from controller.store.upsert import upsert

_COLUMNS = resources.c
_ALL: Select[Any] = select(resources)
_ONE = _ALL.where(_COLUMNS.kind == bindparam("kind"), _COLUMNS.name == bindparam("name"))
_REVISION = select(counters.c.value).where(counters.c.name == "resources")
_REMOVE = delete(resources).where(_COLUMNS.kind == bindparam("kind_"), _COLUMNS.name == bindparam("name_"))
_PUT = upsert(
    resources,
    generation=lambda new: case((_COLUMNS.spec == new.spec, _COLUMNS.generation), else_=_COLUMNS.generation + 1),
    revision=lambda new: case((new.revision == "", _COLUMNS.revision), else_=new.revision),
)


class SqlResources:
    """Implements ``ports.Resources``. Triggers count the revision, so that it grows with changes by hand too."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self) -> dict[Key, Resource]:
        """All objects.

        Raises:
            StoreUnusable: A row cannot be read; the message names it.
        """
        found = [_resource(row) for row in self._session.execute(_ALL)]
        return {resource.key: resource for resource in found}

    def revision(self) -> int:
        """Grows with every ``put`` and ``remove``; equal revisions mean equal objects."""
        return self._session.execute(_REVISION).scalar() or 0

    def drifted(self) -> set[Key]:
        """Objects whose row was altered by something other than ``put``."""
        return {_key(row) for row in self._session.execute(_ALL) if _has_drifted(row)}

    def put(self, resource: Resource, revision: str = "") -> None:
        """Insert or replace; the object's generation grows when its spec differs.

        *revision* tells which manifests it comes from; without one, that of before stays.
        """
        texts = (spec_json(resource.spec), _canonical(resource.labels), _canonical(resource.annotations))
        spec, labels, annotations = texts
        self._session.execute(
            _PUT[self._session.is_postgresql],
            {
                "kind": resource.kind.value,
                "name": resource.name,
                "spec": spec,
                "labels": labels,
                "annotations": annotations,
                "digest": _digest(resource.kind.value, resource.name, *texts),
                "generation": 1,
                "updated_at": self._session.now,
                "revision": revision,
            },
        )

    def remove(self, key: Key) -> None:
        """Delete; no error when it is not there."""
        self._session.execute(_REMOVE, {"kind_": key.kind.value, "name_": key.name})

    def records(self) -> dict[Key, ResourceRecord]:
        """All objects with what the store knows about them.

        Raises:
            StoreUnusable: A row cannot be read; the message names it.
        """
        found = [_record(row) for row in self._session.execute(_ALL)]
        return {record.resource.key: record for record in found}

    def describe(self, key: Key) -> ResourceRecord | None:
        """The object with what the store knows about it; None when it is not there."""
        row = self._session.execute(_ONE, {"kind": key.kind.value, "name": key.name}).one_or_none()
        return None if row is None else _record(row)


def _record(row: Row[Any]) -> ResourceRecord:
    return ResourceRecord(_resource(row), row.generation, row.updated_at, _has_drifted(row), row.revision)


def _resource(row: Row[Any]) -> Resource:
    try:
        kind = Kind(row.kind)
        spec = parse_spec(kind, row.spec)
        return Resource(kind, row.name, spec, _texts(row.labels), _texts(row.annotations))
    except (ValueError, KeyError) as error:
        raise _unreadable(row.kind, row.name, error) from None  # pydantic's text would repeat the row's values


def _key(row: Row[Any]) -> Key:
    try:
        return Key(Kind(row.kind), row.name)
    except ValueError as error:
        raise _unreadable(row.kind, row.name, error) from None


def _unreadable(kind: str, name: str, error: Exception) -> StoreUnusable:
    match error:
        case ValidationError():
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            what = f"{place}: {first['msg']}" if place else first["msg"]
        case json.JSONDecodeError():
            what = f"its labels or annotations are not JSON: {error.msg}"
        case _:
            what = "its kind, labels or annotations are not what pwsync writes"
    return StoreUnusable(
        f"the store's row of {kind}/{name} cannot be read: {what}",
        hint="delete that row of the table resources, then 'pwsync apply' writes it anew",
    )


def _texts(document: str) -> dict[str, str]:
    read = json.loads(document)
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        raise ValueError("not an object of texts")
    return read


def _canonical(texts: Mapping[str, str]) -> str:
    return json.dumps(dict(texts), sort_keys=True, separators=(",", ":"))


def _has_drifted(row: Row[Any]) -> bool:
    return bool(row.digest != _digest(row.kind, row.name, row.spec, row.labels, row.annotations))


def _digest(*parts: str) -> str:
    document = json.dumps(parts, separators=(",", ":"))  # unlike joined text, two lists never look alike
    return sha256(document.encode()).hexdigest()
