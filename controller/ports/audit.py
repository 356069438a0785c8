"""Who did what, in trails that nobody can alter unnoticed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.model.actor import Actor
from controller.model.audit import AuditAction, AuditRow, Trail
from controller.model.audit_chain import Head


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which audit rows of a trail to list, newest first. Empty means any."""

    trail: Trail = Trail.ACTIONS
    principal: str = ""
    action: str = ""
    object: str = ""
    only_failures: bool = False
    since: datetime | None = None
    limit: int = 100
    before: int = 0
    """Only those with a lower sequence, as the next page needs it; 0 means all."""


class AuditKey(Protocol):
    """The key of the audit, which the store itself does not hold."""

    def tag(self, content: bytes) -> bytes:
        """HMAC-SHA256 of *content*; the same for the life of a store."""


class Audit(Protocol):
    """Audit rows, append-only, each trail a chain. What of it is recorded, the System says (``AuditPolicy``)."""

    def add(
        self,
        by: Actor,
        action: AuditAction,
        subject: str,
        detail: str = "",
        *,
        trail: Trail = Trail.ACTIONS,
        failure: str = "",
    ) -> None:
        """Append one row at the end of the transaction.

        When the transaction ends with a ``PwsyncError``, what was added is recorded as failed, with the error's code
        (or its reason) instead: so add what is tried before checking whether it may be. Nothing is recorded when the
        store goes away, and nothing was changed then.

        Raises:
            RuntimeError: The transaction only reads, or the store was opened without the key of its audit.
            StoreUnusable: At the end: the trails were altered by something else. Nothing is changed then.
        """

    def most(self, trail: Trail) -> int | None:
        """How many rows of a trail are kept; None where their age decides."""

    def find(self, query: AuditQuery) -> list[AuditRow]:
        """Rows that are committed, newest first."""

    def heads(self) -> dict[Trail, Head]:
        """Where each trail ends; what is missing there was removed by somebody else."""

    def scan(self, trail: Trail) -> Iterator[AuditRow]:
        """All rows of a trail in the order of their sequence.

        Raises:
            StoreUnusable: A row was altered so that it cannot be read; names it.
        """

    def begin(self, key: AuditKey) -> None:
        """Write the heads of all trails of a new store; nothing can be added before."""

    def raw(self, trail: Trail) -> Iterator[dict[str, object]]:
        """All rows of a trail as they stand there, whatever somebody made of them; bytes as hexadecimal digits."""

    def begin_anew(self, trail: Trail, by: Actor, problem: str) -> None:
        """Begin a trail behind all of its rows, which leave it; the first row says by whom, and what was wrong.

        Raises:
            RuntimeError: As ``add``.
            StoreUnusable: Its head was made unreadable.
        """

    def trim(self, limit: int) -> int:
        """Remove rows of ``actions`` that are older than the retention, *limit* at most; tell how many.

        One that was altered stays, with all behind it.
        """
