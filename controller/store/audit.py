"""Audit rows. Triggers of the database refuse to change or delete them."""

from sqlalchemy import insert, select

from controller.ports.audit import AuditEntry
from controller.store.session import Session
from controller.store.tables import audit

_C = audit.c
_ADD = insert(audit)
_NEWEST = select(_C.at, _C.principal, _C.action, _C.object, _C.detail).order_by(_C.sequence.desc())


class SqlAudit:
    """Implements ``ports.Audit``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, principal: str, action: str, subject: str, detail: str = "") -> None:
        """Append one."""
        self._session.execute(
            _ADD,
            {
                "at": self._session.now,
                "principal": principal,
                "action": action,
                "object": subject,
                "detail": detail,
            },
        )

    def find(self, limit: int = 100) -> list[AuditEntry]:
        """Rows, newest first."""
        return [AuditEntry(*row) for row in self._session.execute(_NEWEST.limit(limit))]
