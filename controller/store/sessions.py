"""Sessions of remote adapters."""

from typing import Any

from sqlalchemy import Row, bindparam, delete, select

from controller.model.membership import Told
from controller.model.session import AdapterSession, Presence
from controller.store.rows import readable
from controller.store.session import Session
from controller.store.tables import sessions
from controller.store.upsert import upsert

_C = sessions.c
_ALL = select(sessions).order_by(_C.adapter)
_ONE = select(sessions).where(_C.adapter == bindparam("adapter_"))
_PUT = upsert(sessions)
_REMOVE = delete(sessions).where(_C.adapter == bindparam("adapter_"))


class SqlSessions:
    """Implements ``ports.Sessions``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self) -> dict[str, AdapterSession]:
        """All, by name of the adapter."""
        return {row.adapter: _session(row) for row in self._session.execute(_ALL)}

    def get(self, adapter: str) -> AdapterSession | None:
        """The session of one adapter."""
        row = self._session.execute(_ONE, {"adapter_": adapter}).one_or_none()
        return None if row is None else _session(row)

    def put(self, session: AdapterSession) -> None:
        """Insert it, or replace the one that the adapter has."""
        self._session.execute(_PUT[self._session.is_postgresql], _values(session))

    def remove(self, adapter: str) -> bool:
        """Delete; tell whether there was one."""
        return self._session.execute(_REMOVE, {"adapter_": adapter}).rowcount == 1


def _session(row: Row[Any]) -> AdapterSession:
    return readable("sessions", row.adapter, row, _read)


def _read(row: Row[Any]) -> AdapterSession:
    return AdapterSession(
        adapter=row.adapter,
        id=row.id,
        principal=row.principal,
        since=row.since,
        heard_at=row.heard_at,
        asked_at=row.asked_at,
        presence=Presence(row.presence),
        told=None if row.told_at is None else Told(frozenset(row.told.split()), row.told_at),
    )


def _values(session: AdapterSession) -> dict[str, Any]:
    return {
        "adapter": session.adapter,
        "id": session.id,
        "principal": session.principal,
        "since": session.since,
        "heard_at": session.heard_at,
        "asked_at": session.asked_at,
        "presence": session.presence.value,
        "told_at": None if session.told is None else session.told.at,
        "told": "" if session.told is None else " ".join(sorted(session.told.adapters)),
    }
