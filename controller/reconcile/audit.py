"""Audit rows of an applied plan: one per object, one per mapping up to a bound, then one that counts the rest."""

from collections import Counter
from collections.abc import Iterable

from controller.model.topology import Kind, Mapping
from controller.planning.change import Action, Change, Replace, Update
from controller.planning.fields import differences
from controller.ports.store import Transaction

MOST_MAPPING_ROWS = 1000
"""Mappings of one plan that get a row of their own."""


def audit(tx: Transaction, changes: Iterable[Change], principal: str) -> None:
    """Write down who did what to which object. Values are not written, only the names of fields."""
    mapping_rows = 0
    rest: Counter[Action] = Counter()
    for change in changes:
        if isinstance(change.subject, Mapping):
            if mapping_rows == MOST_MAPPING_ROWS:
                rest[change.action] += 1
                continue
            mapping_rows += 1
        tx.audit.add(principal, change.action, str(change.key), _detail(change))
    for action, count in rest.items():
        tx.audit.add(principal, action, Kind.MAPPING.value, f"{count:,} more mappings")


def _detail(change: Change) -> str:
    match change:
        case Update(before, after) | Replace(before, after):
            return ", ".join(field.path for field in differences(before, after))
        case _:
            return ""
