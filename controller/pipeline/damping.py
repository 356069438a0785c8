"""Recognising echoes, repeats and stale reports by what is known of the password in force (decision 7). Pure.

Each system is taken to report its own changes in their order; it may report them late, more than once, or only the
last of several.
"""

import hmac
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeGuard

from controller.model.change import PasswordChange, Reason
from controller.model.credential import Fingerprint

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a source's clock may differ from the store's: the limit that Kerberos sets in a domain (RFC 4120, 7.2)."""
MOST_OVERWRITTEN = 16
"""Writes of ours whose echo may be outstanding, per account."""


def judge(known: Fingerprint, reported: bytes, change: PasswordChange) -> Reason | None:
    """Say why a report is no real change, or None when it is one.

    A report of the password in force, or of the one that is being written right now, is an echo or a repeat. So is
    one that tells what the newest told, of the same time: its sender had no answer to the first, and what came into
    force since then must not be replaced by it. One of
    a password that we wrote and that was replaced before its echo came is that late echo. Anything else differs and
    is never damped; it is stale when a newer change is in force already: by the store's own sequence, by the
    source's own two times, or by a source time that lies before our write by more than clocks may differ.
    """
    if _is_repeat(known, reported, change):
        return Reason.DAMPED if _same(known.in_force, reported) else Reason.STALE
    if _find(known.overwritten, reported) is not None and not _is_surely_later(known, change):
        return Reason.STALE
    if _same(known.in_force, reported) or _same(known.writing, reported):
        return Reason.DAMPED
    if known.sequence > change.sequence or _is_surely_earlier(known, change):
        return Reason.STALE
    return None


def absorb(known: Fingerprint, reported: bytes, change: PasswordChange) -> Fingerprint:
    """What is known after a report that was no real change: which echoes are still to come.

    One that its system had told before tells nothing of them.
    """
    if _is_repeat(known, reported, change) or _is_older_than_told(known, change):
        return known
    told = hear(known, reported, change)
    late = _find(known.overwritten, reported)
    if late is not None:
        # Itself is kept: what was in doubt may have been written twice.
        return replace(told, overwritten=known.overwritten[late:])
    if _same(known.in_force, reported):
        return replace(told, is_echoed=True, overwritten=())
    if _same(known.writing, reported):
        # The account's own system tells that our write has arrived, before our connector does.
        arrived = replace(told, in_force=known.writing, sequence=known.writing_sequence, set_by="delivery")
        return replace(arrived, is_echoed=True, overwritten=())
    return told


def overwrite(known: Fingerprint) -> tuple[bytes, ...]:
    """The writes whose echo is still to come, once the password in force is replaced by another."""
    if known.in_force is None or not awaits_echo(known):
        return known.overwritten
    return (*known.overwritten, known.in_force)[-MOST_OVERWRITTEN:]


def awaits_echo(known: Fingerprint) -> bool:
    """Whether we wrote the password in force, and its own system has not reported it."""
    return known.set_by == "delivery" and not known.is_echoed


def is_in_force(known: Fingerprint, wanted: bytes) -> bool:
    """Whether the account is known to have this password, with no write under way that could change it."""
    return known.writing is None and _same(known.in_force, wanted)


def later_of(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two times, of which either may be unknown."""
    return max((time for time in (one, other) if time is not None), default=None)


def hear(known: Fingerprint, reported: bytes, change: PasswordChange) -> Fingerprint:
    """Note what the account's own system has told last, and of which time."""
    credible = known.occurred_at if _is_credible(known.occurred_at, change) else None
    newest = later_of(credible, change.occurred_at)
    is_newest = change.occurred_at is not None and change.occurred_at == newest
    return replace(known, occurred_at=newest, told=reported if is_newest else known.told)


def plausible(occurred_at: datetime | None, now: datetime) -> datetime | None:
    """A source's time; *now* when it lies further ahead of the store's clock than clocks may differ."""
    return now if occurred_at is not None and occurred_at > now + CLOCK_TOLERANCE else occurred_at


def _is_repeat(known: Fingerprint, reported: bytes, change: PasswordChange) -> bool:
    is_same_time = change.occurred_at is not None and change.occurred_at == known.occurred_at
    return is_same_time and _same(known.told, reported)


def _is_surely_earlier(known: Fingerprint, change: PasswordChange) -> bool:
    if change.occurred_at is None:
        return False
    if _is_older_than_told(known, change):
        return True
    if known.set_by != "delivery" or not _is_credible(known.set_at, change):
        return False
    return change.occurred_at < known.set_at - CLOCK_TOLERANCE


def _is_older_than_told(known: Fingerprint, change: PasswordChange) -> bool:
    """Whether the account's own system has told of a later time already; it tells each change first in its order."""
    if change.occurred_at is None or not _is_credible(known.occurred_at, change):
        return False
    return change.occurred_at < known.occurred_at


def _is_credible(time: datetime | None, change: PasswordChange) -> TypeGuard[datetime]:
    """Whether a time noted earlier is no later than the report: else a clock was ahead, and was set back."""
    return time is not None and time <= change.received_at + CLOCK_TOLERANCE


def _is_surely_later(known: Fingerprint, change: PasswordChange) -> bool:
    if change.occurred_at is None or known.set_at is None:
        return False
    return change.occurred_at > known.set_at + CLOCK_TOLERANCE


def _find(fingerprints: tuple[bytes, ...], wanted: bytes) -> int | None:
    return next((place for place, kept in enumerate(fingerprints) if _same(kept, wanted)), None)


def _same(kept: bytes | None, other: bytes) -> bool:
    return kept is not None and hmac.compare_digest(kept, other)
