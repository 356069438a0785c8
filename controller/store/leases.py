"""Leases with fencing tokens: who may act, decided by the database."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Executable, and_, bindparam, case, or_, update
from sqlalchemy.dialects import postgresql, sqlite

from controller.store.columns import EPOCH, Instant
from controller.store.session import Session
from controller.store.tables import leases

_C = leases.c


def _acquire(statement: Any) -> Executable:  # noqa: ANN401  # either engine's Insert
    """Insert the lease, or take it over when it is free, or renew it when it is ours; else nothing comes back."""
    now = bindparam("now", type_=Instant)
    is_ours = _C.holder == statement.excluded.holder
    has_run_out = _C.expires_at <= now
    acquiring: Executable = statement.on_conflict_do_update(
        index_elements=[_C.name],
        set_={
            "holder": statement.excluded.holder,
            "token": case((and_(is_ours, ~has_run_out), _C.token), else_=_C.token + 1),
            "expires_at": statement.excluded.expires_at,
        },
        where=or_(is_ours, has_run_out),
    ).returning(_C.token)
    return acquiring


_ACQUIRE = {False: _acquire(sqlite.insert(leases)), True: _acquire(postgresql.insert(leases))}
# The row stays, so that its token goes on growing.
_RELEASE = (
    update(leases)
    .where(_C.name == bindparam("name_"), _C.holder == bindparam("holder_"))
    .values(holder="", expires_at=EPOCH)
)


class SqlLeases:
    """Implements ``ports.Leases``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def acquire(self, name: str, holder: str, duration: timedelta) -> int | None:
        """Take or renew a lease. Returns its fencing token, which grows with each new holder, or None.

        A holder that comes back after its lease ran out gets a new token as well: it has held nothing meanwhile.
        """
        now = self._session.now
        given = {"name": name, "holder": holder, "token": 1, "expires_at": now + duration, "now": now}
        token: int | None = self._session.execute(_ACQUIRE[self._session.is_postgresql], given).scalar()
        return token

    def release(self, name: str, holder: str) -> None:
        """Give it back; no error when it is not held."""
        self._session.execute(_RELEASE, {"name_": name, "holder_": holder})
