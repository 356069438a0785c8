"""The chain of audit rows, pure: how rows are linked, and which is the first that does not fit.

The hash of a row is SHA-256 over the hash of the row before it (32 bytes, zeros before the first) and the row as a
JSON array in ASCII without spaces: trail, sequence, time (microseconds since 1970 in UTC), principal, origin, action,
object, detail, failure. So anybody can compute it. Its tag, an HMAC of the hash under a key that the database does not
hold, nobody else can.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import takewhile

from controller.model.audit import AuditEntry, AuditRow, Trail

GENESIS = bytes(32)
"""Stands for the hash of the row before the first one."""
MakeTag = Callable[[bytes], bytes]
"""HMAC of some bytes under the key of the audit."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a trail ends, and where it begins since its oldest rows were removed.

    Attributes:
        sequence: Of the newest row; 0 when there was none yet.
        hash: Of that row.
        trimmed: Sequence of the newest row that was removed in good order; 0 when none was.
        trimmed_hash: Of that row.
        tag: HMAC over all of this.
    """

    trail: Trail
    sequence: int = 0
    hash: bytes = GENESIS
    trimmed: int = 0
    trimmed_hash: bytes = GENESIS
    tag: bytes = b""

    def sealed(self, make_tag: MakeTag) -> "Head":
        """This head with its tag."""
        return replace(self, tag=make_tag(self._content()))

    def is_genuine(self, make_tag: MakeTag) -> bool:
        """Whether it was written with the key of the audit."""
        return hmac.compare_digest(self.tag, make_tag(self._content()))

    @property
    def anchor(self) -> str:
        """The newest row in one word, to be kept where nobody can change it: ``TRAIL:SEQUENCE:HASH``."""
        return f"{self.trail}:{self.sequence}:{self.hash.hex()}"

    def _content(self) -> bytes:
        parts = ("head", self.trail, self.sequence, self.hash.hex(), self.trimmed, self.trimmed_hash.hex())
        return _canonical(*parts)


def append(head: Head, entries: Iterable[AuditEntry], at: datetime, make_tag: MakeTag) -> tuple[Head, list[AuditRow]]:
    """Link entries to the end of a trail; returns its new head, not sealed yet, and the rows."""
    rows: list[AuditRow] = []
    sequence, previous = head.sequence, head.hash
    for entry in entries:
        sequence += 1
        row = AuditRow(
            head.trail,
            sequence,
            at,
            entry.by.principal,
            entry.by.origin,
            entry.action.value,
            entry.object,
            entry.detail,
            entry.failure,
        )
        previous = hash_of(row, previous)
        rows.append(replace(row, hash=previous, tag=make_tag(previous)))
    return replace(head, sequence=sequence, hash=previous), rows


def hash_of(row: AuditRow, previous: bytes) -> bytes:
    """The hash of a row that follows the one with the hash *previous*."""
    at = (row.at - _EPOCH) // timedelta(microseconds=1)
    words = (row.principal, row.origin, row.action, row.object, row.detail, row.failure)
    return sha256(previous + _canonical(row.trail, row.sequence, at, *words)).digest()


def _canonical(*parts: str | int) -> bytes:
    return json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode("ascii")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of checking one trail.

    Attributes:
        count: Rows that fit, from the oldest on.
        problem: The first thing that does not fit, naming the row; empty when all does.
    """

    trail: Trail
    count: int
    head: Head
    problem: str = ""


@dataclass(slots=True)
class _Walk:
    """How far the check of one trail has come."""

    head: Head
    make_tag: MakeTag
    sequence: int = field(init=False)
    previous: bytes = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.sequence, self.previous = self.head.trimmed, self.head.trimmed_hash

    def problem_of(self, row: AuditRow) -> str:
        """Why a row does not follow the one before; empty when it does, and then it is passed."""
        if row.sequence <= self.sequence:
            return f"row {row.sequence} was inserted before the oldest row"
        if row.sequence > self.sequence + 1:
            return f"{_rows(self.sequence + 1, row.sequence - 1)} missing"
        if row.sequence > self.head.sequence:
            return f"row {row.sequence} was inserted behind the newest row"
        is_linked = hash_of(row, self.previous) == row.hash
        if not is_linked or not hmac.compare_digest(row.tag, self.make_tag(row.hash)):
            return f"row {row.sequence} does not fit: it was changed, inserted or moved"
        self.sequence, self.previous, self.count = row.sequence, row.hash, self.count + 1
        return ""


def fitting_rows(head: Head, rows: Iterable[AuditRow], make_tag: MakeTag) -> Iterator[AuditRow]:
    """The oldest rows of a trail, up to the first one that does not fit."""
    walk = _Walk(head, make_tag)
    return takewhile(lambda row: not walk.problem_of(row), rows)


def verify(
    trail: Trail, head: Head | None, rows: Iterable[AuditRow], make_tag: MakeTag, anchors: ReadOnlyMapping[int, str]
) -> Verdict:
    """Check one trail.

    Args:
        trail: Which one.
        head: As it stands in the store; None when it is missing.
        rows: All of the trail in the order of their sequence.
        make_tag: With the key of the audit.
        anchors: Hashes (hex) that rows must have, by sequence, as they were written down elsewhere.
    """
    if head is None:
        return Verdict(trail, 0, Head(trail), "its head is missing")
    walk = _Walk(head, make_tag)
    problem = _first_misfit(walk, rows, anchors)
    if not problem and not head.is_genuine(make_tag):
        problem = f"its head was changed: rows up to {head.trimmed}, or behind {head.sequence}, may have been removed"
    return Verdict(trail, walk.count, head, problem)


def _first_misfit(walk: _Walk, rows: Iterable[AuditRow], anchors: ReadOnlyMapping[int, str]) -> str:
    known = {walk.head.trimmed: walk.head.trimmed_hash.hex()}
    for row in rows:
        if problem := walk.problem_of(row):
            return problem
        if row.sequence in anchors:
            known[row.sequence] = row.hash.hex()
    if walk.sequence < walk.head.sequence:
        return f"{_rows(walk.sequence + 1, walk.head.sequence)} missing at the end"
    if walk.previous != walk.head.hash:
        return f"row {walk.sequence} is not the one that its head names"
    return next(_misfits(walk.head, known, anchors), "")


def _misfits(head: Head, known: ReadOnlyMapping[int, str], anchors: ReadOnlyMapping[int, str]) -> Iterator[str]:
    for sequence, expected in sorted(anchors.items()):
        if sequence > head.sequence:
            yield f"{_rows(head.sequence + 1, sequence)} missing at the end"
        elif sequence not in known:
            yield f"row {sequence} was removed as too old, so that it cannot be compared with what is expected"
        elif not hmac.compare_digest(known[sequence], expected):
            yield f"row {sequence} has another hash than is expected"


def _rows(first: int, last: int) -> str:
    return f"row {first} is" if first == last else f"rows {first} to {last} are"
