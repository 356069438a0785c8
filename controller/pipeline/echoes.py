"""What we know of our own writes to one account, of which its own system will tell: their echoes. Pure.

Each attempt is remembered before it is made, and leads to one echo, or to none when it did not arrive. Attempts are
strictly one after another, and so are their echoes: one that comes says that no echo of an earlier attempt will.
"""

import hmac
from dataclasses import replace
from datetime import datetime, timedelta

from controller.model.change import PasswordChange
from controller.model.credential import Fingerprint, Write

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a source's clock may differ from the store's: the limit that Kerberos sets in a domain (RFC 4120, 7.2)."""
MOST_WRITES = 16
"""Writes of ours whose echo may be outstanding, per account."""


def hand_out(known: Fingerprint, password: bytes, sequence: int, now: datetime) -> Fingerprint:
    """Remember a write before it is made. Whoever was at an earlier one is gone."""
    over = end_writes(known, now).writes
    return replace(known, writes=(*over, Write(password, sequence))[-MOST_WRITES:])


def end_writes(known: Fingerprint, now: datetime, sequence: int | None = None) -> Fingerprint:
    """Nobody is at any write any more, or at any of one change. Whether it arrived, nobody knows."""

    def ended(write: Write) -> Write:
        return replace(write, ended_at=now) if _is_under_way(write, sequence) else write

    return replace(known, writes=tuple(map(ended, known.writes)))


def drop_write(known: Fingerprint, sequence: int) -> Fingerprint:
    """The attempt that is under way has written nothing: it will have no echo."""
    return replace(known, writes=tuple(write for write in known.writes if not _is_under_way(write, sequence)))


def note_made(known: Fingerprint, password: bytes, sequence: int, now: datetime) -> Fingerprint:
    """The target has taken the password over. A newer report, which came meanwhile, stays what is in force."""
    place = _last(known, password, is_made=False)
    if place is None and same(known.in_force, password):  # its echo was faster
        return replace(known, sequence=max(known.sequence, sequence))
    writes = known.writes if place is None else _made(known.writes, place, now)
    if known.sequence > sequence:
        return replace(known, writes=writes)
    return replace(known, in_force=password, sequence=sequence, set_by="delivery", set_at=now, writes=writes)


def note_found(known: Fingerprint, password: bytes, sequence: int, now: datetime) -> Fingerprint:
    """The target has the password, and this attempt wrote nothing: an earlier one did, or the account's own system.

    When that system has told of it, no echo of an earlier write is to come: it would have been told before.
    """
    known = drop_write(known, sequence)
    newest = max(known.sequence, sequence)
    place = _last(known, password)
    if place is not None:
        writes = _made(known.writes, place, now)[: place + 1]
        return replace(known, in_force=password, sequence=newest, set_by="delivery", set_at=now, writes=writes)
    if same(known.in_force, password):
        writes = () if known.set_by == "report" else known.writes
        return replace(known, sequence=newest, writes=writes)
    return replace(known, in_force=password, sequence=newest, set_by="delivery", set_at=now)


def find_echo(known: Fingerprint, reported: bytes, change: PasswordChange) -> int | None:
    """The place of the earliest write of which a report may be the echo, or None: surely it is of none."""
    return next(
        (
            place
            for place, write in enumerate(known.writes)
            if same(write.password, reported) and not _is_surely_later(write, change)
        ),
        None,
    )


def take_echo(known: Fingerprint, place: int, change: PasswordChange) -> Fingerprint:
    """The account's own system has told of a write: it arrived, and no echo of an earlier one is to come.

    A system that tells no times may repeat a report unrecognised: the echo of a write that others followed stays.
    """
    arrived, rest = known.writes[place], known.writes[place + 1 :]
    current = next((write for write in reversed(rest) if write.is_made), arrived)
    is_new = known.set_by != "delivery" or not same(known.in_force, current.password)
    set_at = (current.ended_at or change.received_at) if is_new else known.set_at
    return replace(
        known,
        in_force=current.password,
        sequence=max(known.sequence, current.sequence),
        set_by="delivery",
        set_at=set_at,
        writes=(arrived, *rest) if rest and change.occurred_at is None else rest,
    )


def is_in_force(known: Fingerprint, wanted: bytes) -> bool:
    """Whether the account is known to have this password, with no write that could have changed it since."""
    return same(known.in_force, wanted) and (not known.writes or _is_ours(known, known.writes[-1]))


def is_surely_before(write: Write, change: PasswordChange, now: datetime, window: timedelta) -> bool:
    """Whether a write was over before the account's own system made a change, which it reported without its echo."""
    if change.occurred_at is None:
        return write.ended_at is not None and now > write.ended_at + window
    return _is_surely_later(write, change)


def same(kept: bytes | None, other: bytes) -> bool:
    """Whether two fingerprints are of one password."""
    return kept is not None and hmac.compare_digest(kept, other)


def _is_ours(known: Fingerprint, last: Write) -> bool:
    return known.set_by == "delivery" and last.is_made and same(known.in_force, last.password)


def _is_surely_later(write: Write, change: PasswordChange) -> bool:
    """Whether what a report tells happened after a write was over, by more than clocks may differ."""
    if change.occurred_at is None or write.ended_at is None:
        return False
    return change.occurred_at > write.ended_at + CLOCK_TOLERANCE


def _is_under_way(write: Write, sequence: int | None) -> bool:
    return write.ended_at is None and sequence in (None, write.sequence)


def _last(known: Fingerprint, password: bytes, *, is_made: bool | None = None) -> int | None:
    return next(
        (
            place
            for place, write in reversed(list(enumerate(known.writes)))
            if same(write.password, password) and is_made in (None, write.is_made)
        ),
        None,
    )


def _made(writes: tuple[Write, ...], place: int, now: datetime) -> tuple[Write, ...]:
    made = replace(writes[place], ended_at=now, is_made=True)
    return (*writes[:place], made, *writes[place + 1 :])
