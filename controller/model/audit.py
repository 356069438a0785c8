"""What is audited: actions, trails, levels, and how much of each trail is kept (behaviours section 8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from controller.model.actor import Actor


class Trail(StrEnum):
    """A table of the audit. Each is a chain of its own, with its own bound."""

    ACTIONS = "actions"
    DELETED_APPLICATIONS = "deletedApplications"
    DELETED_MAPPINGS = "deletedMappings"
    CREDENTIAL_LOOKUPS = "credentialLookups"


class AuditAction(StrEnum):
    """What somebody did or tried."""

    APPLY = "apply"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    PRUNE = "prune"
    CREDENTIALS_SET = "credentials set"
    CREDENTIALS_CLEAR = "credentials clear"
    CREDENTIALS_REVEAL = "credentials show --reveal"
    CREDENTIALS_LOOK_UP = "credentials look up"
    DELIVERIES_RETRY = "deliveries retry"
    DELIVERIES_DISCARD = "deliveries discard"
    ADAPTER_DISABLE = "adapter disable"
    ADAPTER_ENABLE = "adapter enable"
    ADAPTER_RESET = "adapter reset"
    RESET_DAMPING = "reset damping"
    RECONCILE_SUSPEND = "reconcile suspend"
    RECONCILE_RESUME = "reconcile resume"
    SECRET_GENERATE = "secret generate"  # noqa: S105  # the name of a command; likewise the next five
    SECRET_BACKUP = "secret backup"  # noqa: S105
    SECRET_RESTORE = "secret restore"  # noqa: S105
    SECRET_PREPARE = "secret rotate --prepare"  # noqa: S105
    SECRET_ROTATE = "secret rotate"  # noqa: S105
    SECRET_RETIRE = "secret rotate --retire"  # noqa: S105
    TOKEN_CREATE = "token create"  # noqa: S105  # the name of a command; likewise the next
    TOKEN_REVOKE = "token revoke"  # noqa: S105
    AUDIT_BEGIN = "audit begin"
    LOG_IN = "status page log in"
    LOG_OUT = "status page log out"
    PAGE = "status page visit"

    @property
    def level(self) -> int:
        """From which level on it is recorded: 1 secrets, keys and callers, 2 whatever changes something, 3 the rest."""
        if self in _SECRETS:
            return 1
        return 3 if self in _VISITS else 2


_SECRETS = frozenset(
    {
        AuditAction.CREDENTIALS_REVEAL,
        AuditAction.CREDENTIALS_LOOK_UP,
        AuditAction.SECRET_GENERATE,
        AuditAction.SECRET_BACKUP,
        AuditAction.SECRET_RESTORE,
        AuditAction.SECRET_PREPARE,
        AuditAction.SECRET_ROTATE,
        AuditAction.SECRET_RETIRE,
        AuditAction.TOKEN_CREATE,
        AuditAction.TOKEN_REVOKE,
        AuditAction.AUDIT_BEGIN,
    }
)
_VISITS = frozenset({AuditAction.LOG_IN, AuditAction.LOG_OUT, AuditAction.PAGE})

SYSTEM = "System/default"
"""The object whose changes are always recorded: it says what is audited."""
HIGHEST_LEVEL = 3


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    """What is recorded, and how much of it is kept.

    Attributes:
        successes: Level of what was done: 0 changes of the System alone, 1 secrets, keys and callers too, 2 whatever
            changes something too, 3 all.
        failures: Level of what was tried and refused, or failed; the same numbers.
        retention: How long rows of ``actions`` stay.
        deleted_applications: Rows of that trail that are kept; likewise the next two.
    """

    successes: int = HIGHEST_LEVEL
    failures: int = HIGHEST_LEVEL
    retention: timedelta = timedelta(days=365)
    deleted_applications: int = 1000
    deleted_mappings: int = 1000
    credential_lookups: int = 1000

    def most(self, trail: Trail) -> int | None:
        """How many rows of a trail are kept; None where their age decides."""
        bounds = {
            Trail.DELETED_APPLICATIONS: self.deleted_applications,
            Trail.DELETED_MAPPINGS: self.deleted_mappings,
            Trail.CREDENTIAL_LOOKUPS: self.credential_lookups,
        }
        return bounds.get(trail)

    def records(self, entry: "AuditEntry") -> bool:
        """Whether an entry is written down at all. The bounded trails have their bounds and no levels."""
        if entry.trail is not Trail.ACTIONS or entry.object == SYSTEM:
            return True
        return entry.action.level <= (self.failures if entry.failure else self.successes)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which object.

    Attributes:
        object: For example ``Adapter/racf``; the id of a token or delivery.
        detail: More in words or, for what was deleted, what it was as JSON. Never a secret.
        failure: The code of the error, or the reason of the refusal; empty when it was done.
    """

    by: Actor
    action: AuditAction
    object: str
    detail: str = ""
    failure: str = ""
    trail: Trail = Trail.ACTIONS


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry as it was written down.

    Attributes:
        sequence: Counts the rows of its trail from 1 on, without a gap.
        action: As it stands there; one that this program does not know is no error.
        hash: SHA-256 over the row and the hash of the row before it.
        tag: HMAC of the hash under the audit's key.
    """

    trail: Trail
    sequence: int
    at: datetime
    principal: str
    origin: str
    action: str
    object: str
    detail: str
    failure: str
    hash: bytes = b""
    tag: bytes = b""
