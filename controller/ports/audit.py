"""Who did what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which object."""

    at: datetime
    principal: str
    action: str
    object: str
    detail: str = ""


class Audit(Protocol):
    """Audit rows, append-only."""

    def add(self, principal: str, action: str, subject: str, detail: str = "") -> None:
        """Append one."""

    def find(self, limit: int = 100) -> list[AuditEntry]:
        """Rows, newest first."""
