"""Stores in which things can be audited, without a keyring."""

import hmac
from dataclasses import dataclass

from controller.model.audit import AuditRow, Trail
from controller.ports.audit import AuditQuery
from controller.ports.store import Store
from controller.store.database import SqlStore


@dataclass(frozen=True)
class FixedAuditKey:
    """Implements ``ports.AuditKey``."""

    key: bytes = b"key of the audit"

    def tag(self, content: bytes) -> bytes:
        """See ``ports.AuditKey``."""
        return hmac.digest(self.key, content, "sha256")


AUDIT_KEY = FixedAuditKey()


def audited(store: SqlStore) -> SqlStore:
    """*store*, with the beginning of its audit where it is new."""
    with store.write() as tx:
        if not tx.audit.heads():
            tx.audit.begin(AUDIT_KEY)
    return store.with_audit_key(AUDIT_KEY)


def audit_rows(store: Store, trail: Trail = Trail.ACTIONS) -> list[AuditRow]:
    """All rows of a trail, newest first."""
    with store.read() as tx:
        return tx.audit.find(AuditQuery(trail, limit=10_000))
