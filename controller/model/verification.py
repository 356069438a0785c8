"""Whether a stored password still opens its account, and when that may be tried. Pure.

A wrong try counts towards the lockout of the account. So one is made only where nothing speaks against it, at most
once for each account and period, and it is noted before it is made: a crash never leads to a second one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from controller.model.observation import Sighting, Standing

SHORTEST_PERIOD = timedelta(hours=24)
LONGEST_PERIOD = timedelta(days=365)
SETTLED_FOR = timedelta(hours=2)
"""How old the newest change of a password must be: Active Directory takes the former one for an hour."""
MOST_DIFFERING = 3
"""Wrong passwords in one look at one target, after which it is left alone until the next one."""
_SPREAD = 4
"""A try waits up to this part of the period longer, so that those of one round do not stay together."""


@dataclass(frozen=True, slots=True)
class VerificationPolicy:
    """Whether stored passwords are tried, and how often.

    Attributes:
        enabled: Off unless somebody asks for it.
        period: At most one try for each account within it.
        per_round: At most so many tries at one target after each round of the reconcile loop.
    """

    enabled: bool = False
    period: timedelta = timedelta(days=7)
    per_round: int = 10


class VerificationOutcome(StrEnum):
    """What a try told."""

    CONFIRMED = "confirmed"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    """It was not answered, or it is under way, or the process died in it."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The last try of a stored password at one account.

    Attributes:
        tried_at: By the store's clock.
        stored_at: When the password that was tried was stored: tells whether it is still the stored one.
    """

    tried_at: datetime
    stored_at: datetime
    outcome: VerificationOutcome = VerificationOutcome.UNKNOWN

    def differs(self, stored_at: datetime | None) -> bool:
        """Whether the password that is stored now, since *stored_at*, was found not to open its account."""
        return self.outcome is VerificationOutcome.DIFFERS and self.stored_at == stored_at


def is_due(
    policy: VerificationPolicy, account: str, last: Verification | None, stored_at: datetime, now: datetime
) -> bool:
    """Whether the budget of *account* allows a try of the password that was stored at *stored_at*."""
    if not policy.enabled or stored_at + SETTLED_FOR > now:
        return False
    if last is None:
        return True
    return not last.differs(stored_at) and last.tried_at + policy.period * (1 + _share(account, last)) <= now


def hindrance(sighting: Sighting | None, *, now: datetime, is_harmless: bool) -> str:
    """Why a password must not be tried at an account that its system tells of like this; empty when it may.

    Args:
        sighting: What it told just now; None when it tells nothing.
        now: By the system's clock, or the store's where it tells none.
        is_harmless: Whether a wrong try counts towards no lockout.
    """
    if sighting is None or not sighting.exists:
        return "notSeen"
    if is_harmless:
        return ""
    if sighting.standing is not Standing.CLEAN:
        return sighting.standing.value
    if sighting.set_at is None or sighting.set_at + SETTLED_FOR > now:
        return "justSet"
    if sighting.expires_at is not None and sighting.expires_at <= now + SETTLED_FOR:
        return Standing.CLOSED.value
    return ""


def _share(account: str, last: Verification) -> float:
    """A number from 0 up to a quarter that nobody chooses, another one after each try."""
    digest = blake2b(f"{account}\x00{last.tried_at.isoformat()}".encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(digest) / (1 << 32) / _SPREAD
