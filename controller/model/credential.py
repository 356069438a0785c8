"""What the credential database holds, and what is known about the password in force of an account."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SealPlace:
    """Where a sealed value stands; it can be opened nowhere else (associated data of the seal)."""

    table: str
    row: str
    field: str


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A sealed password of the credential database.

    Attributes:
        sealed: The envelope, bound to its place.
        sequence: Of the change that set it; 0 when an administrator did.
        tracking_id: Of that change; empty when an administrator did.
        updated_at: The store's time.
        expired_at: When the external system was first heard to say that it has expired; None when it has not.
    """

    sealed: bytes
    sequence: int
    tracking_id: str
    updated_at: datetime
    expired_at: datetime | None = None


def external_credential_place(application: str, external: str, field: str) -> SealPlace:
    """Where the credential *field* of an external account stands."""
    return SealPlace("credentials", f"{application}\x00{external}", field)


def windows_password_place(account: str) -> SealPlace:
    """Where the stored Windows password of an account stands."""
    return SealPlace("windows_passwords", account, "password")


@dataclass(frozen=True, slots=True)
class Write:
    """One attempt of ours at an account, of which the account's own system may still tell: its echo.

    Attributes:
        password: Keyed fingerprint of the password that was handed out.
        sequence: Of the change that it comes from.
        ended_at: The store's time when it was over; None while somebody may be at it.
        is_made: The target said that it has the password. Otherwise nobody knows whether this attempt arrived.
    """

    password: bytes
    sequence: int
    ended_at: datetime | None = None
    is_made: bool = False


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known, without knowing it, about the password of one account (decision 7).

    Attributes:
        in_force: Keyed fingerprint of the password that was last known to be in force; None when nothing is known.
        sequence: Of the newest change that is known to have put a password in force.
        set_by: "report" when the account's own system told us, "delivery" when we wrote it, empty when unknown.
        set_at: The store's time when it came into force.
        occurred_at: The newest time that the account's own system told in any report, by its own clock.
        told: Fingerprint of what it told of that time, whatever became of the report.
        writes: Our attempts whose echo may be still to come, in the order in which they were handed out. One account
            has one write at a time, so that this is the order in which they arrived, those that did.
    """

    in_force: bytes | None = None
    sequence: int = 0
    set_by: str = ""
    set_at: datetime | None = None
    occurred_at: datetime | None = None
    told: bytes | None = None
    writes: tuple[Write, ...] = ()
