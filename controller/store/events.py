"""Recorded events, bounded: the oldest go first."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select

from controller.model.events import Event, RecordedEvent
from controller.ports.events import EventQuery
from controller.store.accounts import spellings
from controller.store.rows import readable
from controller.store.session import Session
from controller.store.tables import events

KEPT = 100_000
"""How many events stay."""
TRIM_EVERY = 1_000
"""Only each so manyth event looks for old ones, so that there may be that many more for a while."""

_C = events.c
_ADD = insert(events).returning(_C.sequence)
_ADD_MANY = insert(events)
_ALL: Select[Any] = select(events)
_COUNTS = select(_C.name, func.count()).where(_C.at >= bindparam("moment", type_=_C.at.type)).group_by(_C.name)
_TRIM = delete(events).where(_C.sequence <= bindparam("oldest"))


class SqlEvents:
    """Implements ``ports.Events``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, event: Event) -> None:
        """Record one."""
        self.add_all([event])

    def add_all(self, events: Sequence[Event]) -> None:
        """Record many, in their order."""
        if not events:
            return
        *before, last = (self._values(event) for event in events)
        if before:
            self._session.execute(_ADD_MANY, before)
        sequence = self._session.execute(_ADD, last).scalar_one()
        if sequence % TRIM_EVERY < len(events):
            self._session.execute(_TRIM, {"oldest": sequence - KEPT})

    def _values(self, event: Event) -> dict[str, Any]:
        return {
            "at": self._session.now,
            "name": event.type.name,
            "level": event.type.level.value,
            "message": event.type.message,
            "tracking_id": event.tracking_id,
            "adapter": event.adapter,
            "account": event.account,
            "fields": json.dumps(dict(event.fields), default=str, separators=(",", ":")),
        }

    def find(self, query: EventQuery) -> list[RecordedEvent]:
        """Events, newest first."""
        statement = _ALL.order_by(_C.sequence.desc()).limit(query.limit)
        if query.account:
            statement = statement.where(_C.account.in_(sorted(spellings(query.account))))
        exact = (
            (_C.tracking_id, query.tracking_id),
            (_C.adapter, query.adapter),
            (_C.name, query.name),
            (_C.level, query.level),
        )
        for column, wanted in exact:
            if wanted:
                statement = statement.where(column == wanted)
        if query.of_adapters is not None:
            statement = statement.where(_C.adapter.in_(sorted(query.of_adapters)))
        if query.before:
            statement = statement.where(_C.sequence < query.before)
        if query.since is not None:
            statement = statement.where(_C.at >= query.since)
        rows = self._session.execute(statement)
        return [readable("events", str(row.sequence), row, _recorded) for row in rows]

    def count_since(self, moment: datetime) -> dict[str, int]:
        """How many events of each name were recorded at *moment* or later, as far as they are kept."""
        return dict(self._session.execute(_COUNTS, {"moment": moment}).all())


def _recorded(row: Row[Any]) -> RecordedEvent:
    return RecordedEvent(
        sequence=row.sequence,
        at=row.at,
        name=row.name,
        level=row.level,
        message=row.message,
        tracking_id=row.tracking_id,
        adapter=row.adapter,
        account=row.account,
        fields=json.loads(row.fields),
    )
