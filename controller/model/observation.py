"""What a system tells of accounts without telling a password, and what that means beside what we know. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from controller.model.credential import Fingerprint

UNKNOWN_DIFFERENCE = timedelta(minutes=5)
"""What clocks may differ when a system does not tell its own (RFC 4120 section 1.6)."""
KNOWN_DIFFERENCE = timedelta(seconds=5)
"""What is left of it when it does: it tells whole seconds, and its answer takes a while."""


class Standing(StrEnum):
    """How far an account is from its lockout, as its system tells."""

    UNTOLD = "untold"
    """The system does not tell, or the service account may not read it."""
    CLEAN = "clean"
    """It is open, and no wrong password counts against it."""
    FAILURES = "failures"
    """Wrong passwords count against it."""
    CLOSED = "closed"
    """It is disabled, locked or expired, or its password is."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One account, as its system tells.

    Attributes:
        exists: Whether there is such an account.
        set_at: When its password was last set, by the system's clock; None when the system does not tell.
        standing: How far it is from its lockout.
        expires_at: When the account or its password expires, by the system's clock; None when that is not known of it.
    """

    exists: bool
    set_at: datetime | None = None
    standing: Standing = Standing.UNTOLD
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """Some accounts, as their system tells.

    Attributes:
        accounts: By name; one about which nothing can be told is not here.
        clock: What time it is by the system's clock; None when it does not tell.
    """

    accounts: Mapping[str, Sighting] = field(default_factory=dict)
    clock: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What was last seen of one account, as the store keeps it.

    Attributes:
        set_at: When its password was last set, by its system's clock.
        missing_since: When it was first seen that there is no such account; None when there is one.
        missed_since: When it was first seen that its password was set and nobody told; None when all is told.
    """

    set_at: datetime | None = None
    missing_since: datetime | None = None
    missed_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SurveyNote:
    """How the last look at a target went.

    Attributes:
        at: When.
        missing: How many mapped accounts there are not.
        missed: How many passwords were set without our knowing.
        differing: How many stored passwords were tried and do not open their accounts.
        names: Some of all these.
        problem: Why the target could not be asked, in words; empty when it could.
    """

    at: datetime
    missing: int = 0
    missed: int = 0
    differing: int = 0
    names: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of the changes of one account.

    Attributes:
        fingerprint: Of the password in force.
        reported_at: When its newest change was accepted, by the store's clock; None when there is none.
    """

    fingerprint: Fingerprint
    reported_at: datetime | None = None

    @property
    def newest(self) -> datetime | None:
        """The store's time of the newest change or write that we know of; None when we know of none."""
        writes = (write.ended_at for write in self.fingerprint.writes)
        times = [time for time in (self.fingerprint.set_at, self.reported_at, *writes) if time is not None]
        return max(times, default=None)

    @property
    def is_writing(self) -> bool:
        """Whether an attempt of ours is under way, so that nobody can say what is there."""
        return any(write.ended_at is None for write in self.fingerprint.writes)

    def tells(self, set_at: datetime, difference: timedelta | None) -> bool:
        """Whether a password that was set at *set_at*, by its system's clock, is one that we know of.

        Args:
            set_at: When it was set.
            difference: By how much the store's clock is ahead; None when that is not known.
        """
        tolerance = UNKNOWN_DIFFERENCE if difference is None else KNOWN_DIFFERENCE
        occurred_at, newest = self.fingerprint.occurred_at, self.newest
        if occurred_at is not None and occurred_at + KNOWN_DIFFERENCE >= set_at:
            return True
        return newest is not None and newest + tolerance >= set_at + (difference or timedelta())


def observe(
    before: Observation | None,
    sighting: Sighting,
    known: Known | None,
    *,
    now: datetime,
    difference: timedelta | None,
    latency: timedelta,
) -> Observation:
    """What is known after a look at an account.

    Args:
        before: What was known; None on the first look.
        sighting: What its system told.
        known: Of its changes; None where nobody reports or writes them, so that none can be missed.
        now: By the store's clock.
        difference: By how much the store's clock is ahead of the system's; None when that is not known.
        latency: How long a report may take; what is younger is judged at a later look.
    """
    if not sighting.exists:
        return Observation(missing_since=(before.missing_since if before else None) or now)
    last, set_at = before or Observation(), sighting.set_at
    if known is None or set_at is None:
        return Observation(set_at)
    if known.is_writing:
        return Observation(last.set_at, missed_since=last.missed_since)
    is_judged = set_at == last.set_at and last.missed_since is None
    is_first = last.set_at is None and known.newest is None  # what happened before anybody looked is no news
    if is_judged or is_first or known.tells(set_at, difference):
        return Observation(set_at)
    if last.missed_since is None and set_at + (difference or timedelta()) + latency > now:
        return Observation(last.set_at)
    return Observation(set_at, missed_since=last.missed_since or now)
