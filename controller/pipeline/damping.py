"""Recognising echoes, repeats and stale reports by what is known of the password in force (decision 7). Pure.

Each system is taken to report its own changes in their order; it may report them late, more than once, or only the
last of several. What we know of our own writes is in ``echoes``.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeGuard

from controller.model.change import PasswordChange, Reason
from controller.model.credential import Fingerprint
from controller.pipeline.echoes import CLOCK_TOLERANCE, find_echo, is_surely_before, same, take_echo


def judge(known: Fingerprint, reported: bytes, change: PasswordChange) -> Reason | None:
    """Say why a report is no real change, or None when it is one.

    One that tells no later time than the newest did is a repeat, whose sender had no answer to the first: what came
    into force since then must not be replaced by it. One that can be the echo of a write of ours is that echo, since
    nobody could tell the two apart. One of the password in force is a repeat. Anything else differs and is never
    damped; it is stale when a newer change is in force already: by the store's own sequence, or by a source time that
    lies before our write by more than clocks may differ.
    """
    is_in_force = same(known.in_force, reported)
    if _was_told(known, reported, change):
        return Reason.DAMPED if is_in_force else Reason.STALE
    place = find_echo(known, reported, change)
    if place is not None:
        return Reason.DAMPED if is_in_force or place == len(known.writes) - 1 else Reason.STALE
    if is_in_force:
        return Reason.DAMPED
    if known.sequence > change.sequence or _is_before_our_write(known, change):
        return Reason.STALE
    return None


def absorb(known: Fingerprint, reported: bytes, change: PasswordChange) -> Fingerprint:
    """What is known after a report that was no real change: which echoes are still to come.

    One that its system had told before tells nothing of them.
    """
    if _was_told(known, reported, change):
        return known
    told = hear(known, reported, change)
    place = find_echo(known, reported, change)
    return told if place is None else take_echo(told, place, change)


def accept(
    known: Fingerprint, reported: bytes, change: PasswordChange, now: datetime, window: timedelta
) -> Fingerprint:
    """What is known after a report that was a real change.

    The writes that remain are those that may have come after it, as far as is known: it is not surely later than they
    by its own time or, when it tells none, by the time that the echo of each has been waited for: *window*.
    """
    told = hear(known, reported, change)
    writes = tuple(write for write in known.writes if not is_surely_before(write, change, now, window))
    return replace(told, in_force=reported, sequence=change.sequence, set_by="report", set_at=now, writes=writes)


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


def _was_told(known: Fingerprint, reported: bytes, change: PasswordChange) -> bool:
    """Whether the account's own system has told this already: it tells each change first in its order."""
    if change.occurred_at is None:
        return False
    if change.occurred_at == known.occurred_at:
        return same(known.told, reported)
    return _is_credible(known.occurred_at, change) and change.occurred_at < known.occurred_at


def _is_before_our_write(known: Fingerprint, change: PasswordChange) -> bool:
    if change.occurred_at is None or known.set_by != "delivery" or not _is_credible(known.set_at, change):
        return False
    return change.occurred_at < known.set_at - CLOCK_TOLERANCE


def _is_credible(time: datetime | None, change: PasswordChange) -> TypeGuard[datetime]:
    """Whether a time noted earlier is no later than the report: else a clock was ahead, and was set back."""
    return time is not None and time <= change.received_at + CLOCK_TOLERANCE
