"""The catalogue of events: stable names that scripts and pages may rely on, with the reference system's number."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How much an event asks of a person."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event.

    Attributes:
        name: Stable name (camelCase).
        level: How much it asks of a person.
        message: A constant sentence; what varies stands in the event's fields.
        reference: Numbers of the reference system's events that tell the same (``ESSO nnnnn``).
    """

    name: str
    level: Level
    message: str
    reference: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Fields never hold a password or a fingerprint."""

    type: EventType
    tracking_id: str = ""
    adapter: str = ""
    account: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as the store gives it back."""

    sequence: int
    at: datetime
    name: str
    level: str
    message: str
    tracking_id: str
    adapter: str
    account: str
    fields: Mapping[str, Any]


WINDOWS_CHANGE_ACCEPTED = EventType(
    "windowsChangeAccepted", Level.INFO, "A Windows password change was accepted.", (10662, 11064)
)
EXTERNAL_CHANGE_ACCEPTED = EventType(
    "externalChangeAccepted", Level.INFO, "An external password change was accepted.", (10663,)
)
CHANGE_REFUSED = EventType(
    "changeRefused",
    Level.WARNING,
    "A password change was refused at intake.",
    (10707, 10708, 10709, 11060, 11069, 11070),
)
CHANGE_DAMPED = EventType(
    "changeDamped",
    Level.INFO,
    "The reported password is the one already in force: an echo or a repeat.",
    (10666, 10710),
)
CHANGE_STALE = EventType(
    "changeStale", Level.INFO, "The reported change is older than the password in force.", (10813, 10816)
)
CHANGE_DISCARDED = EventType("changeDiscarded", Level.INFO, "The change reaches no account.", (11030, 10805))
CHANGE_COMPLETED = EventType("changeCompleted", Level.INFO, "The change reached every account that it concerns.")
CHANGE_FAILED = EventType("changeFailed", Level.ERROR, "The change did not reach every account that it concerns.")
MAPPING_SKIPPED = EventType(
    "mappingSkipped",
    Level.INFO,
    "A mapping was skipped.",
    (11031, 11032, 11033, 11034, 11035, 11036, 10679, 10735),
)
MAPPING_CONFLICT = EventType(
    "mappingConflict",
    Level.ERROR,
    "One change would reach several accounts of one system.",
    (10672, 10674, 11022),
)
EXTERNAL_CHANGE_REFUSED = EventType(
    "externalChangeRefused",
    Level.WARNING,
    "The old password of an external change could not be verified.",
    (10676, 10677, 10678, 10820),
)
CREDENTIAL_UPDATED = EventType(
    "credentialUpdated",
    Level.INFO,
    "The external password in the credential database was updated.",
    (10736, 10737),
)
WINDOWS_PASSWORD_STORED = EventType(
    "windowsPasswordStored",
    Level.INFO,
    "The Windows password in the credential database was updated.",
    (10738, 10739),
)
WINDOWS_PASSWORD_DELETED = EventType(
    "windowsPasswordDeleted",
    Level.WARNING,
    "Windows says that the stored Windows password is wrong; it was deleted.",
    (11023,),
)
WINDOWS_NOT_CHANGED = EventType(
    "windowsNotChanged", Level.WARNING, "The Windows password was not changed.", (10668, 10681)
)
DELIVERY_CREATED = EventType("deliveryCreated", Level.INFO, "A delivery was queued.")
DELIVERY_CONFIRMED = EventType(
    "deliveryConfirmed", Level.INFO, "The target confirmed the new password.", (11043, 10669, 10670)
)
DELIVERY_RETRYING = EventType("deliveryRetrying", Level.WARNING, "A delivery did not succeed and will be tried again.")
DELIVERY_PARKED = EventType("deliveryParked", Level.ERROR, "A delivery waits for a person.", (10714,))
DELIVERY_EXPIRED = EventType("deliveryExpired", Level.ERROR, "A delivery was given up.", (10712,))
DELIVERY_SUPERSEDED = EventType(
    "deliverySuperseded", Level.INFO, "A newer change of the same account replaced a delivery."
)
PLAN_APPLIED = EventType("planApplied", Level.INFO, "A plan was applied.")
PLAN_HELD = EventType("planHeld", Level.ERROR, "A plan was held back: applying it could do harm.")
RECONCILE_FAILED = EventType("reconcileFailed", Level.ERROR, "The reconcile loop could not finish.")
DRIFT_FOUND = EventType("driftFound", Level.WARNING, "The store was changed by something other than apply.")
CREDENTIAL_SET = EventType("credentialSet", Level.INFO, "An administrator set credentials.")
CREDENTIAL_CLEARED = EventType("credentialCleared", Level.INFO, "An administrator cleared credentials.")
CREDENTIAL_REVEALED = EventType(
    "credentialRevealed", Level.WARNING, "An administrator looked at a credential in clear."
)
TOKEN_CREATED = EventType("tokenCreated", Level.INFO, "An API token was created.")
TOKEN_REVOKED = EventType("tokenRevoked", Level.INFO, "An API token was revoked.")

CATALOGUE: dict[str, EventType] = {e.name: e for e in list(globals().values()) if isinstance(e, EventType)}
"""Every event type by name."""
