"""Recognising echoes, repeats and stale reports by what is known of the password in force (decision 7). Pure."""

import hmac
from datetime import timedelta

from controller.model.change import PasswordChange, Reason
from controller.model.credential import Fingerprint

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a source's clock may differ from the store's: the limit that Kerberos sets in a domain (RFC 4120, 7.2)."""


def judge(known: Fingerprint, reported: bytes, change: PasswordChange) -> Reason | None:
    """Say why a report is no real change, or None when it is one.

    A report of the password in force, or of the one that is being written right now, is an echo or a repeat. A
    report that differs is never damped. It is stale when a newer change is in force already: by the store's own
    sequence, by the source's own two times, or (when we wrote the password in force) by a source time that lies
    before our write by more than clocks may differ.
    """
    if _same(known.in_force, reported) or _same(known.writing, reported):
        return Reason.DAMPED
    if known.in_force is None:
        return None
    if known.sequence > change.sequence:
        return Reason.STALE
    if change.occurred_at is None or known.set_at is None:
        return None
    if known.occurred_at is not None:
        return Reason.STALE if change.occurred_at < known.occurred_at else None
    return Reason.STALE if change.occurred_at < known.set_at - CLOCK_TOLERANCE else None


def is_in_force(known: Fingerprint, wanted: bytes) -> bool:
    """Whether the account is known to have this password, with no write under way that could change it."""
    return known.writing is None and _same(known.in_force, wanted)


def _same(kept: bytes | None, other: bytes) -> bool:
    return kept is not None and hmac.compare_digest(kept, other)
