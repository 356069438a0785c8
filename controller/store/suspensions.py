"""Adapters that an operator has disabled."""

from sqlalchemy import bindparam, delete, select, update

from controller.ports.resources import Suspension
from controller.store.session import Session
from controller.store.tables import counters, suspensions
from controller.store.upsert import upsert

_C = suspensions.c
_ALL = select(_C.adapter, _C.principal, _C.since)
_PUT = upsert(suspensions, principal=lambda _: _C.principal, since=lambda _: _C.since)
_REMOVE = delete(suspensions).where(_C.adapter == bindparam("adapter_"))
_COUNT = update(counters).where(counters.c.name == "resources").values(value=counters.c.value + 1)


class SqlSuspensions:
    """Implements ``ports.Suspensions``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self) -> dict[str, Suspension]:
        """All, by name of the adapter."""
        return {row.adapter: Suspension(*row) for row in self._session.execute(_ALL)}

    def put(self, adapter: str, principal: str) -> None:
        """Disable; the first one's word stays when there is one already."""
        given = {"adapter": adapter, "principal": principal, "since": self._session.now}
        self._session.execute(_PUT[self._session.is_postgresql], given)
        self._session.execute(_COUNT)

    def remove(self, adapter: str) -> bool:
        """Enable again; tell whether it was disabled."""
        was_there = self._session.execute(_REMOVE, {"adapter_": adapter}).rowcount == 1
        if was_there:
            self._session.execute(_COUNT)
        return was_there
