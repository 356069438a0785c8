"""Audit rows of an applied plan: one per object, one per mapping up to a bound, then one that counts the rest.

Applications and mappings that were deleted, or replaced, are recorded with what they were in trails of their own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from controller.model.actor import Actor
from controller.model.audit import AuditAction, Trail
from controller.model.topology import Application, Kind, Mapping, Resource
from controller.planning.change import Change, Prune, Replace, Update
from controller.planning.encoding import canonical, encode_subject
from controller.planning.fields import differences
from controller.ports.store import Transaction

MOST_MAPPING_ROWS = 1000
"""Mappings of one plan that get a row of their own."""


def audit(tx: Transaction, changes: Sequence[Change], by: Actor) -> None:
    """Write down who did what to which object. Values are not written, only the names of fields."""
    mapping_rows = 0
    rest: Counter[AuditAction] = Counter()
    for change in changes:
        action = AuditAction(change.action)
        if isinstance(change.subject, Mapping):
            if mapping_rows == MOST_MAPPING_ROWS:
                rest[action] += 1
                continue
            mapping_rows += 1
        tx.audit.add(by, action, str(change.key), _detail(change))
    for action, count in rest.items():
        tx.audit.add(by, action, Kind.MAPPING.value, f"{count:,} more mappings")
    for trail, gone in _deleted(changes).items():
        for change in gone[_first_kept(tx, trail, len(gone)) :]:
            was = canonical(encode_subject(change.before)).decode("ascii")
            tx.audit.add(by, AuditAction(change.action), str(change.before.key), was, trail=trail)


def _first_kept(tx: Transaction, trail: Trail, count: int) -> int:
    """From which of so many rows on a trail would keep them: the others need not be made."""
    most = tx.audit.most(trail)
    return 0 if most is None else max(0, count - most)


def _detail(change: Change) -> str:
    match change:
        case Update(before, after) | Replace(before, after):
            return ", ".join(field.path for field in differences(before, after))
        case _:
            return ""


def _deleted(changes: Iterable[Change]) -> dict[Trail, list[Prune | Replace]]:
    found: dict[Trail, list[Prune | Replace]] = {Trail.DELETED_APPLICATIONS: [], Trail.DELETED_MAPPINGS: []}
    for change in changes:
        match change:
            case Prune(Mapping()) | Replace(Mapping()):
                found[Trail.DELETED_MAPPINGS].append(change)
            case Prune(Resource(spec=Application())) | Replace(Resource(spec=Application())):
                found[Trail.DELETED_APPLICATIONS].append(change)
            case _:
                pass
    return found
