"""What the reconcile loop last did, and whether it is suspended: at most one row of each."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from controller.ports.manifests import Pause, Reconciliation
from controller.store.session import Session
from controller.store.tables import pauses, reconciliations
from controller.store.upsert import upsert

_NAME = "default"
_C = reconciliations.c
_P = pauses.c
_READ = select(
    _C.at,
    _C.outcome,
    _C.message,
    _C.manifests,
    _C.attempted,
    _C.applied,
    _C.applied_at,
    _C.refused,
    _C.problem,
    _C.problem_since,
)
_NOTE = upsert(reconciliations)
_PAUSE = select(_P.principal, _P.since, _P.reason)
_RESUME = delete(pauses)


def _unless_there(statement: Any) -> Any:  # noqa: ANN401  # either engine's Insert
    return statement.on_conflict_do_nothing(index_elements=[_P.name])


_SUSPEND = {False: _unless_there(sqlite.insert(pauses)), True: _unless_there(postgresql.insert(pauses))}


class SqlReconciliations:
    """Implements ``ports.Reconciliations``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self) -> Reconciliation | None:
        """The last round; None before the first."""
        row = self._session.execute(_READ).first()
        return None if row is None else Reconciliation(*row)

    def note(self, round_: Reconciliation) -> None:
        """Replace it."""
        given = {
            "name": _NAME,
            "at": round_.at,
            "outcome": round_.outcome,
            "message": round_.message,
            "manifests": round_.manifests,
            "attempted": round_.attempted,
            "applied": round_.applied,
            "applied_at": round_.applied_at,
            "refused": round_.refused,
            "problem": round_.problem,
            "problem_since": round_.problem_since,
        }
        self._session.execute(_NOTE[self._session.is_postgresql], given)

    def pause(self) -> Pause | None:
        """Whether the loop is suspended."""
        row = self._session.execute(_PAUSE).first()
        return None if row is None else Pause(*row)

    def suspend(self, pause: Pause) -> None:
        """Suspend; the first one's word stays when there is one already."""
        given = {"name": _NAME, "principal": pause.principal, "since": pause.since, "reason": pause.reason}
        self._session.execute(_SUSPEND[self._session.is_postgresql], given)

    def resume(self) -> bool:
        """End that; tell whether the loop was suspended."""
        return self._session.execute(_RESUME).rowcount == 1
