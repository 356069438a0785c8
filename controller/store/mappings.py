"""Mappings, by the hundred thousand: written in batches, read as a stream."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ARRAY, Boolean, Select, Text, bindparam, column, delete, func, literal, select, tuple_
from sqlalchemy.dialects import postgresql

from controller.model.accounts import WindowsAccount
from controller.model.topology import Mapping
from controller.ports.mappings import MappingQuery
from controller.store.columns import Name
from controller.store.session import Session
from controller.store.tables import counters, mappings
from controller.store.upsert import on_conflict_replace, upsert

_BATCH = 10_000
_STREAM = 1_000
_C = mappings.c
_KEY = (_C.application, _C.windows_account, _C.external_account)
_ALL: Select[Any] = select(*_KEY, _C.enabled, _C.origin).order_by(*_KEY)
_REVISION = select(counters.c.value).where(counters.c.name == "mappings")
_COUNT = select(func.count()).select_from(mappings)
_OF_WINDOWS = _ALL.where(_C.windows_account == bindparam("windows"))
_OF_EXTERNAL = _ALL.order_by(None).where(
    _C.application.in_(bindparam("applications", expanding=True)), _C.external_account == bindparam("external")
)
_PUT = upsert(mappings)[False]
_KEY_NAMES = [c.name for c in mappings.primary_key]
_REMOVE = delete(mappings).where(*(_C[name] == bindparam(f"{name}_") for name in _KEY_NAMES))

# PostgreSQL takes a batch as arrays: one statement, one round trip, no limit on the number of parameters.
_ROWS = (
    func.unnest(*(bindparam(c.name, type_=ARRAY(Boolean if c is _C.enabled else Text)) for c in _C))
    .table_valued(*(column(c.name, Boolean if c is _C.enabled else Name) for c in _C))
    .render_derived(name="given")
)
_PUT_ARRAYS = on_conflict_replace(
    postgresql.insert(mappings).from_select([c.name for c in _C], select(_ROWS)), mappings
)
_KEYS = (
    func.unnest(*(bindparam(f"{name}_", type_=ARRAY(Text)) for name in _KEY_NAMES))
    .table_valued(*(column(name, Name) for name in _KEY_NAMES))
    .render_derived(name="given")
)
_REMOVE_ARRAYS = delete(mappings).where(*(_C[name] == _KEYS.c[name] for name in _KEY_NAMES))


class SqlMappings:
    """Implements ``ports.Mappings``. Triggers count the revision, so that it grows with changes by hand too."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def scan(self) -> Iterator[Mapping]:
        """All, in the order of ``Mapping.sort_key``, streamed; ends with the transaction."""
        result = self._session.execute(_ALL, yield_per=_STREAM)
        # A statement left half read would keep SQLite's old snapshot alive for the connection's next user.
        self._session.at_end.callback(result.close)
        for rows in result.partitions():
            yield from map(_mapping, rows)

    def find(self, query: MappingQuery) -> list[Mapping]:
        """Some, in that order."""
        statement = _ALL.limit(query.limit)
        if query.applications is not None:
            statement = statement.where(_C.application.in_(query.applications))
        if query.windows is not None:
            statement = statement.where(_C.windows_account == str(query.windows))
        if query.external:
            statement = statement.where(_C.external_account == query.external)
        if any(query.after):
            statement = statement.where(tuple_(*_KEY) > tuple_(*(literal(name, Name()) for name in query.after)))
        return [_mapping(row) for row in self._session.execute(statement)]

    def revision(self) -> int | None:
        """Grows with every change; None where nothing counts them (a store in memory)."""
        revision: int | None = self._session.execute(_REVISION).scalar()
        return revision

    def count(self) -> int:
        """How many there are."""
        count: int = self._session.execute(_COUNT).scalar_one()
        return count

    def of_windows(self, account: WindowsAccount) -> list[Mapping]:
        """Those of one Windows account, in order."""
        rows = self._session.execute(_OF_WINDOWS, {"windows": str(account)})
        return [_mapping(row) for row in rows]

    def of_external(self, applications: Sequence[str], external: str) -> list[Mapping]:
        """Those of one external account inside the given applications, in order."""
        given = {"applications": list(applications), "external": external}
        found = [_mapping(row) for row in self._session.execute(_OF_EXTERNAL, given)]
        return sorted(found, key=lambda mapping: mapping.sort_key)

    def put(self, mappings: Iterable[Mapping]) -> None:
        """Insert or replace many."""
        for batch in _batches(mappings):
            if self._session.is_postgresql:
                self._session.execute(_PUT_ARRAYS, _arrays([_row(m) for m in batch]))
            else:
                self._session.execute(_PUT, [_row(m) for m in batch])

    def remove(self, mappings: Iterable[Mapping]) -> None:
        """Delete many (by application and both accounts); no error when one is not there."""
        for batch in _batches(mappings):
            keys = [{f"{name}_": row[name] for name in _KEY_NAMES} for row in map(_row, batch)]
            if self._session.is_postgresql:
                self._session.execute(_REMOVE_ARRAYS, _arrays(keys))
            else:
                self._session.execute(_REMOVE, keys)


def _batches(mappings: Iterable[Mapping]) -> Iterator[list[Mapping]]:
    remaining = iter(mappings)
    while batch := list(islice(remaining, _BATCH)):
        # One statement can touch a row only once; of two that are given for one key, the later one stays.
        yield list({(m.application, m.windows, m.external): m for m in batch}.values())


def _row(mapping: Mapping) -> dict[str, Any]:
    return {
        "application": mapping.application,
        "windows_account": str(mapping.windows),
        "external_account": mapping.external,
        "enabled": mapping.enabled,
        "origin": mapping.origin,
    }


def _arrays(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _mapping(row: Sequence[Any]) -> Mapping:
    application, windows, external, enabled, origin = row
    domain, _, name = windows.partition("\\")
    return Mapping(application, WindowsAccount(domain, name), external, enabled, origin)
