"""What was last heard of the target of each lane."""

from typing import Any

from sqlalchemy import Executable, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from controller.ports.lanes import LaneStatus
from controller.store.session import Session
from controller.store.tables import lanes

_C = lanes.c
_ALL = select(_C.lane, _C.is_online, _C.since, _C.code, _C.message)
_ONE = _ALL.where(_C.lane == bindparam("lane_"))
_DETAIL = (
    update(lanes).where(_C.lane == bindparam("lane_")).values(code=bindparam("code"), message=bindparam("message"))
)


def _turn(statement: Any) -> Executable:  # noqa: ANN401  # either engine's Insert
    """Insert a row, or replace the one that says the opposite; else no row is touched."""
    new = statement.excluded
    turning: Executable = statement.on_conflict_do_update(
        index_elements=[_C.lane],
        set_={"is_online": new.is_online, "since": new.since, "code": new.code, "message": new.message},
        where=_C.is_online != new.is_online,
    ).returning(_C.lane)
    return turning


_TURN = {False: _turn(sqlite.insert(lanes)), True: _turn(postgresql.insert(lanes))}
_REMOVE = delete(lanes).where(_C.lane == bindparam("lane_"))


class SqlLanes:
    """Implements ``ports.Lanes``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self) -> dict[str, LaneStatus]:
        """All that are known, by lane."""
        return {row.lane: LaneStatus(*row) for row in self._session.execute(_ALL)}

    def get(self, lane: str) -> LaneStatus | None:
        """One; None when nothing was ever heard of it."""
        row = self._session.execute(_ONE, {"lane_": lane}).one_or_none()
        return None if row is None else LaneStatus(*row)

    def put(self, status: LaneStatus) -> bool:
        """Insert or replace; tell whether it is new that the lane is online, or offline; else its ``since`` stays.

        Of several transactions that bring the same news at the same time one is told that it is new.
        """
        given = {
            "lane": status.lane,
            "is_online": status.is_online,
            "since": status.since,
            "code": status.code,
            "message": status.message,
        }
        if self._session.execute(_TURN[self._session.is_postgresql], given).first() is not None:
            return True
        self._session.execute(_DETAIL, {"lane_": status.lane, "code": status.code, "message": status.message})
        return False

    def remove(self, lane: str) -> None:
        """Forget it; no error when it is not there."""
        self._session.execute(_REMOVE, {"lane_": lane})
