"""Audit rows, linked to chains at the end of each transaction. Triggers refuse to change or delete them.

Rows leave a trail only at its beginning, after its head says up to where: then the triggers let them go.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Row, Select, bindparam, delete, func, insert, select, type_coerce

from controller.model.actor import Actor
from controller.model.audit import SYSTEM, AuditAction, AuditEntry, AuditPolicy, AuditRow, Trail
from controller.model.audit_chain import Head, append, fitting_rows
from controller.model.errors import StoreUnusable
from controller.model.topology import Kind, System
from controller.ports.audit import AuditKey, AuditQuery
from controller.store.columns import EPOCH, storable
from controller.store.rows import readable
from controller.store.session import Session
from controller.store.specs import parse_spec
from controller.store.tables import audit, audit_heads, resources
from controller.store.upsert import upsert

T = TypeVar("T")

_PAGE = 1000
_LEAST = -(1 << 63)
_C = audit.c
_ADD = insert(audit)
_ALL: Select[Any] = select(*(type_coerce(c, BigInteger).label("at") if c is _C.at else c for c in _C))
"""The time as it stands there: one that somebody altered must not fail before it is known of which row it is."""
_OF_TRAIL = _ALL.where(_C.trail == bindparam("trail_"), _C.sequence > bindparam("after")).order_by(_C.sequence)
_HASH = select(_C.hash).where(_C.trail == bindparam("trail_"), _C.sequence == bindparam("sequence_"))
_OLDEST = (
    select(type_coerce(_C.at, BigInteger).label("at"))
    .where(_C.trail == Trail.ACTIONS.value)
    .order_by(_C.sequence)
    .limit(bindparam("limit_"))
)
_REMOVE = delete(audit).where(_C.trail == bindparam("trail_"), _C.sequence <= bindparam("trimmed_"))
_RAW = _ALL.where(_C.trail == bindparam("trail_")).order_by(_C.sequence)
_NEWEST = select(func.max(_C.sequence)).where(_C.trail == bindparam("trail_"))
_HEADS: Select[Any] = select(audit_heads)
_PUT_HEAD = upsert(audit_heads)
_SYSTEM = select(resources.c.spec).where(resources.c.kind == Kind.SYSTEM.value, resources.c.name == "default")


class SqlAudit:
    """Implements ``ports.Audit``. What is added waits until the end of the transaction: so the lock comes last."""

    def __init__(self, session: Session, key: AuditKey | None, pending: list[AuditEntry]) -> None:
        """*pending* takes what is added; without *key* nothing can be."""
        self._session = session
        self._key = key
        self._pending = pending

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

        Raises:
            RuntimeError: It only reads, or the store was opened without the key of its audit.
        """
        if self._key is None or not self._session.is_writable:
            raise RuntimeError("what is audited needs a writing transaction and the key of the audit")
        actor = Actor(storable(by.principal), storable(by.origin))
        self._pending.append(AuditEntry(actor, action, storable(subject), storable(detail), failure, trail))

    def most(self, trail: Trail) -> int | None:
        """How many rows of a trail are kept; None where their age decides."""
        return self._policy().most(trail)

    def find(self, query: AuditQuery) -> list[AuditRow]:
        """Rows that are committed, newest first."""
        statement = _ALL.where(_C.trail == query.trail.value).order_by(_C.sequence.desc()).limit(query.limit)
        exact = ((_C.principal, query.principal), (_C.action, query.action), (_C.object, query.object))
        for column, wanted in exact:
            if wanted:
                statement = statement.where(column == wanted)
        if query.only_failures:
            statement = statement.where(_C.failure != "")
        if query.since is not None:
            statement = statement.where(_C.at >= query.since)
        if query.before:
            statement = statement.where(_C.sequence < query.before)
        return [_read(row) for row in self._session.execute(statement)]

    def heads(self) -> dict[Trail, Head]:
        """Where each trail ends; what is missing there was removed by somebody else."""
        known = {trail.value for trail in Trail}
        rows = [row for row in self._session.execute(_HEADS) if row.trail in known]
        return {Trail(row.trail): readable("audit_heads", row.trail, row, _head) for row in rows}

    def scan(self, trail: Trail) -> Iterator[AuditRow]:
        """All rows of a trail in the order of their sequence.

        Raises:
            StoreUnusable: A row was altered so that it cannot be read; names it.
        """
        after = _LEAST
        while page := self._session.execute(_OF_TRAIL.limit(_PAGE), {"trail_": trail.value, "after": after}).all():
            rows = [_read(row) for row in page]
            yield from rows
            after = rows[-1].sequence

    def trim(self, limit: int) -> int:
        """Remove rows of ``actions`` that are older than the retention, *limit* at most; tell how many.

        One that was altered stays, with all behind it: a row that only looks old would leave without a trace.
        """
        before = (self._session.now - self._policy().retention - EPOCH) // timedelta(microseconds=1)
        self._session.lock("audit")
        oldest = self._session.execute(_OLDEST, {"limit_": limit}).all()
        old = list(takewhile(lambda row: not isinstance(row.at, int) or row.at < before, oldest))
        if not old:
            return 0
        head = self._genuine_heads()[Trail.ACTIONS]
        whole = self._session.execute(_OF_TRAIL.limit(len(old)), {"trail_": Trail.ACTIONS.value, "after": _LEAST})
        fitting = list(fitting_rows(head, _readable(whole.all()), self._tag))
        if fitting:
            self._put(replace(head, trimmed=fitting[-1].sequence, trimmed_hash=fitting[-1].hash))
        return len(fitting)

    def begin(self, key: AuditKey) -> None:
        """Write the heads of all trails of a new store."""
        self._session.lock("audit")
        for trail in Trail:
            self._put_head(Head(trail).sealed(key.tag))

    def raw(self, trail: Trail) -> Iterator[dict[str, object]]:
        """All rows of a trail as they stand there, whatever somebody made of them; bytes as hexadecimal digits."""
        for row in self._session.execute(_RAW, {"trail_": trail.value}).mappings():
            yield {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}

    def begin_anew(self, trail: Trail, by: Actor, problem: str) -> None:
        """Begin a trail behind all of its rows, which leave it; the first row says by whom, and what was wrong.

        Raises:
            RuntimeError: As ``add``.
            StoreUnusable: Its head was made unreadable.
        """
        self._session.lock("audit")
        newest = self._session.execute(_NEWEST, {"trail_": trail.value}).scalar() or 0
        end = max(self.heads().get(trail, Head(trail)).sequence, newest)
        entry = AuditEntry(by, AuditAction.AUDIT_BEGIN, trail.value, storable(problem), trail=trail)
        head, rows = append(Head(trail, end, trimmed=end), [entry], self._session.now, self._tag)
        self._put(head)
        self._session.execute(_ADD, [_values(row) for row in rows])

    def flush(self) -> None:
        """Write down what was added and is to be recorded, as the last thing that the transaction does."""
        if not self._pending:
            return
        policy = self._policy()
        by_trail: dict[Trail, list[AuditEntry]] = defaultdict(list)
        for entry in self._pending:
            if policy.records(entry):
                by_trail[entry.trail].append(entry)
        if not by_trail:
            return
        self._session.lock("audit")
        heads = self._genuine_heads()
        for trail, entries in by_trail.items():
            self._put(self._append(heads[trail], entries, policy.most(trail)))

    def _append(self, head: Head, entries: Sequence[AuditEntry], most: int | None) -> Head:
        """Insert those rows that stay; tell the new head."""
        longer, rows = append(head, entries, self._session.now, self._tag)
        trimmed = max(head.trimmed, longer.sequence - most) if most is not None else head.trimmed
        if trimmed > head.trimmed:
            new = {row.sequence: row.hash for row in rows}
            longer = replace(longer, trimmed=trimmed, trimmed_hash=new.get(trimmed) or self._hash(head.trail, trimmed))
        if kept := [_values(row) for row in rows if row.sequence > trimmed]:
            self._session.execute(_ADD, kept)
        return longer

    def _hash(self, trail: Trail, sequence: int) -> bytes:
        """The hash of a row; of one that somebody removed it is unknown, and the trail will not verify."""
        return self._session.execute(_HASH, {"trail_": trail.value, "sequence_": sequence}).scalar() or b""

    def _genuine_heads(self) -> dict[Trail, Head]:
        """The heads, which nothing may be linked to when somebody else wrote them: that would make it look right."""
        found = self.heads()
        for trail in Trail:
            if trail not in found or not found[trail].is_genuine(self._tag):
                raise StoreUnusable(
                    f"the head of the audit's trail {trail} is missing or was changed: nothing can be audited",
                    hint="'pwsync audit verify' tells more; restore the database, or see docs/how-to/audit.md",
                )
        return found

    def _put(self, head: Head) -> None:
        """Write a head, and let go what it says is trimmed."""
        self._put_head(head.sealed(self._tag))
        if head.trimmed:
            self._session.execute(_REMOVE, {"trail_": head.trail.value, "trimmed_": head.trimmed})

    def _put_head(self, head: Head) -> None:
        values = {
            "trail": head.trail.value,
            "sequence": head.sequence,
            "hash": head.hash,
            "trimmed": head.trimmed,
            "trimmed_hash": head.trimmed_hash,
            "tag": head.tag,
        }
        self._session.execute(_PUT_HEAD[self._session.is_postgresql], values)

    def _tag(self, content: bytes) -> bytes:
        if self._key is None:
            raise RuntimeError("what is audited needs the key of the audit")
        return self._key.tag(content)

    def _policy(self) -> AuditPolicy:
        spec = self._session.execute(_SYSTEM).one_or_none()
        if spec is None:
            return AuditPolicy()
        system = readable("resources", SYSTEM, spec, lambda row: parse_spec(Kind.SYSTEM, row.spec))
        return system.audit if isinstance(system, System) else AuditPolicy()


def _read(row: Row[Any]) -> AuditRow:
    return readable("audit", f"{row.trail}/{row.sequence}", row, _audit_row)


def _readable(rows: Iterable[Row[Any]]) -> Iterator[AuditRow]:
    """Rows up to the first one that was altered so that it cannot be read."""
    for row in rows:
        try:
            yield _read(row)
        except StoreUnusable:
            return


def _audit_row(row: Row[Any]) -> AuditRow:
    return AuditRow(
        trail=Trail(row.trail),
        sequence=_typed(row.sequence, int),
        at=_instant(_typed(row.at, int)),
        principal=_typed(row.principal, str),
        origin=_typed(row.origin, str),
        action=_typed(row.action, str),
        object=_typed(row.object, str),
        detail=_typed(row.detail, str),
        failure=_typed(row.failure, str),
        hash=_typed(row.hash, bytes),
        tag=_typed(row.tag, bytes),
    )


def _head(row: Row[Any]) -> Head:
    return Head(
        trail=Trail(row.trail),
        sequence=_typed(row.sequence, int),
        hash=_typed(row.hash, bytes),
        trimmed=_typed(row.trimmed, int),
        trimmed_hash=_typed(row.trimmed_hash, bytes),
        tag=_typed(row.tag, bytes),
    )


def _typed(value: object, type_: type[T]) -> T:
    """A value as it was written; SQLite takes any type in any column."""
    if not isinstance(value, type_):
        raise ValueError("of another type than pwsync writes")  # noqa: TRY004  # what ``readable`` takes for unreadable
    return value


def _instant(microseconds: int) -> datetime:
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise ValueError("no time") from None


def _values(row: AuditRow) -> dict[str, Any]:
    names = ("sequence", "at", "principal", "origin", "action", "object", "detail", "failure", "hash", "tag")
    return {"trail": row.trail.value} | {name: getattr(row, name) for name in names}
