"""What a group adapter has been told of its group, and what it is to be told next (behaviours section 10, A1)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from controller.model.notification import AdapterAdded, AdapterDeleted, AdaptersInGroup, MembershipNotification

REPEATED_AFTER = timedelta(minutes=5)
"""The whole list is told again so long after it was last told: an answer may be lost on its way, unnoticed here."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a session has been told.

    Attributes:
        adapters: Names of the members, as it knows them.
        at: When it was last told the whole list.
    """

    adapters: frozenset[str]
    at: datetime


def next_telling(
    told: Told | None, members: frozenset[str], now: datetime
) -> tuple[MembershipNotification, Told] | None:
    """What to tell who was *told* so much, and what it is told then; None when there is nothing to tell."""
    if told is None or told.at + REPEATED_AFTER <= now:
        return AdaptersInGroup(tuple(sorted(members))), Told(members, now)
    for name in sorted(told.adapters - members):
        return AdapterDeleted(name), replace(told, adapters=told.adapters - {name})
    for name in sorted(members - told.adapters):
        return AdapterAdded(name), replace(told, adapters=told.adapters | {name})
    return None
