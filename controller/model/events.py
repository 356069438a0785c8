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
        fields: What every event of this type has beside tracking ID, adapter and account: names and meanings.
    """

    name: str
    level: Level
    message: str
    reference: tuple[int, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Fields are those that its type declares; they never hold a password or a fingerprint.

    Attributes:
        tracking_id: Of the change that it belongs to; empty when it belongs to none.
        adapter: Of an external account, or that it is about; empty otherwise.
        account: Name of the external account, or the Windows account.
        fields: Text, numbers, switches, and lists of text.
    """

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


_BY = {"by": "who did it"}
_CALLER = {"caller": "who reported it"}
_CALLER_OF_API = {"caller": "who called"}
_REASON = {"reason": "why"}
_MAPPING = {"mapping": "application and Windows account of the mapping", "reason": "why"}
_DELIVERY = {"id": "the delivery"}
_ATTEMPT = {
    "id": "the delivery",
    "code": "what happened, as a stable name",
    "directoryCode": "the target's own code",
    "message": "the refusal in words, the target's own included, secrets removed",
    "attempts": "how often it was tried",
}
_USERS_OF = {"applications": "that name the group or account"}
_OF_APPLICATION = {"application": "whose field it is"}

WINDOWS_CHANGE_ACCEPTED = EventType(
    "windowsChangeAccepted", Level.INFO, "A Windows password change was accepted.", (10662, 11064), fields=_CALLER
)
EXTERNAL_CHANGE_ACCEPTED = EventType(
    "externalChangeAccepted", Level.INFO, "An external password change was accepted.", (10663,), fields=_CALLER
)
CHANGE_REFUSED = EventType(
    "changeRefused",
    Level.WARNING,
    "A password change was refused at intake.",
    (10653, 10707, 10708, 10709, 10803, 10820, 11060, 11071),
    fields={**_CALLER, "reason": "what is not allowed, as a stable name"},
)
SOURCE_TYPE_REFUSED = EventType(
    "sourceTypeRefused",
    Level.WARNING,
    "A password change was refused because all sources of this kind are switched off.",
    (11069, 11070),
    fields={**_CALLER, "reason": "always sourceTypeOff"},
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
CHANGE_DISCARDED = EventType(
    "changeDiscarded", Level.INFO, "The change reaches no account.", (10683, 10712, 10805, 11030), fields=_REASON
)
CHANGE_COMPLETED = EventType(
    "changeCompleted",
    Level.INFO,
    "The change reached every account that it concerns.",
    fields={"reason": "always empty"},
)
CHANGE_FAILED = EventType(
    "changeFailed", Level.ERROR, "The change did not reach every account that it concerns.", fields=_REASON
)
MAPPING_SKIPPED = EventType(
    "mappingSkipped",
    Level.INFO,
    "A mapping was skipped.",
    (10667, 10679, 10713, 10731, 10735, 10853, 11031, 11032, 11033, 11034, 11035, 11036, 11037),
    fields=_MAPPING,
)
FILTER_UNUSABLE = EventType(
    "filterUnusable",
    Level.ERROR,
    "A password filter cannot make a usable password; the account was left as it is.",
    (11061, 11062),
    fields={"message": "what is wrong with it"},
)
MAPPING_CONFLICT = EventType(
    "mappingConflict",
    Level.ERROR,
    "One change would reach several accounts of one system.",
    (10672, 10674, 11022),
    fields=_MAPPING,
)
MAPPING_CONFLICT_ALLOWED = EventType(
    "mappingConflictAllowed",
    Level.INFO,
    "Mappings join several accounts of one system to one change; the adapter allows it.",
    (10671, 10673, 11020, 11021),
    fields={"accounts": "those of one system: of the adapter, or of Windows", "allowedBy": "the adapter"},
)
EXTERNAL_CHANGE_REFUSED = EventType(
    "externalChangeRefused",
    Level.WARNING,
    "The old password of an external change could not be verified.",
    (10676, 10677, 10678),
    fields=_MAPPING,
)
OLD_PASSWORDS_WRONG = EventType(
    "oldPasswordsWrong",
    Level.ERROR,
    "Too many old passwords of an account were wrong: somebody may be guessing. Its reports are refused for a while.",
    fields={**_CALLER, "until": "until when (RFC 3339)"},
)
CREDENTIAL_UPDATED = EventType(
    "credentialUpdated",
    Level.INFO,
    "The external password in the credential database was updated.",
    (10736, 10737, 11058),
    fields=_OF_APPLICATION,
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
    "windowsNotChanged",
    Level.WARNING,
    "The Windows password was not changed.",
    (10668, 10681),
    fields={"windows": "the Windows account", "reason": "why"},
)
DELIVERY_CREATED = EventType("deliveryCreated", Level.INFO, "A delivery was queued.", fields=_DELIVERY)
DELIVERY_CONFIRMED = EventType(
    "deliveryConfirmed",
    Level.INFO,
    "The target confirmed the new password.",
    (10669, 10670, 11043),
    fields={
        **_DELIVERY,
        "attempts": "how often it was tried",
        "occurredAt": "when the password was changed, by its source's word (RFC 3339); empty when it told none",
        "receivedAt": "when the change was accepted (RFC 3339)",
    },
)
DELIVERY_RETRYING = EventType(
    "deliveryRetrying", Level.WARNING, "A delivery did not succeed and will be tried again.", fields=_ATTEMPT
)
DELIVERY_PARKED = EventType("deliveryParked", Level.ERROR, "A delivery waits for a person.", (10714,), fields=_ATTEMPT)
DELIVERY_EXPIRED = EventType(
    "deliveryExpired",
    Level.ERROR,
    "A delivery was given up.",
    (10712, 10748),
    fields={**_DELIVERY, "code": "why, as a stable name"},
)
DELIVERY_SUPERSEDED = EventType(
    "deliverySuperseded", Level.INFO, "A newer change of the same account replaced a delivery.", fields=_DELIVERY
)
DELIVERY_RETRIED = EventType("deliveryRetried", Level.INFO, "A delivery was queued again.", fields={**_DELIVERY, **_BY})
DELIVERY_DISCARDED = EventType(
    "deliveryDiscarded", Level.WARNING, "A person discarded a delivery.", fields={**_DELIVERY, **_REASON, **_BY}
)
ADAPTER_DISABLED = EventType(
    "adapterDisabled", Level.WARNING, "An operator disabled an adapter that its manifest enables.", fields=_BY
)
ADAPTER_ENABLED = EventType(
    "adapterEnabled", Level.INFO, "An adapter that an operator had disabled is enabled again.", fields=_BY
)
ADAPTER_RESET = EventType(
    "adapterReset",
    Level.WARNING,
    "An operator emptied the queue of an adapter.",
    fields={**_BY, "deliveries": "how many were discarded"},
)
_LANE = {"lane": "adapter/NAME or domain/NAME"}
ADAPTER_OFFLINE = EventType(
    "adapterOffline",
    Level.WARNING,
    "The target of an adapter or domain is away, or does not accept us.",
    (10748,),
    fields={**_LANE, "code": "what is the matter, as a stable name", "message": "in words, secrets removed"},
)
ADAPTER_ONLINE = EventType(
    "adapterOnline",
    Level.INFO,
    "The target of an adapter or domain that was offline answers again.",
    (10744, 10745),
    fields={**_LANE, "since": "when it went offline (RFC 3339)"},
)
DAMPING_RESET = EventType(
    "dampingReset",
    Level.WARNING,
    "An operator made pwsync forget which passwords are in force.",
    fields={**_BY, "accounts": "how many were forgotten"},
)
ADAPTER_CONNECTED = EventType(
    "adapterConnected",
    Level.INFO,
    "A remote adapter initialized its session.",
    fields={**_CALLER_OF_API, "reconnected": "whether there was a session already, which this one replaces"},
)
ADAPTER_DISCONNECTED = EventType(
    "adapterDisconnected", Level.INFO, "A remote adapter shut down its session.", fields=_CALLER_OF_API
)
ADAPTER_CALL_REFUSED = EventType(
    "adapterCallRefused",
    Level.WARNING,
    "A call of a remote adapter was refused.",
    (10653, 10800, 10802, 10817),
    fields={
        **_CALLER_OF_API,
        "call": "initialize, shutDown, receive, complete, reportStatus or reportExpired",
        "reason": "why, as a stable name",
    },
)
DELIVERY_HANDED_OUT = EventType(
    "deliveryHandedOut",
    Level.INFO,
    "A remote adapter was handed a new password.",
    fields={
        **_CALLER_OF_API,
        **_DELIVERY,
        "attempts": "how often it was tried",
        "redelivered": "whether an earlier attempt may have arrived",
    },
)
GROUP_TOLD = EventType(
    "groupTold",
    Level.INFO,
    "A group adapter was told which adapters are in its group, or which one has come or gone.",
    fields={
        **_CALLER_OF_API,
        "notification": "adaptersInGroup, addAdapter or deleteAdapter",
        "adapters": "all that are in the group now, as far as it was told",
    },
)
LATE_WRITE = EventType(
    "lateWrite",
    Level.WARNING,
    "A remote adapter has carried out a delivery after a newer one was handed out: the newest password goes out again.",
    fields=_DELIVERY,
)
PASSWORD_EXPIRED = EventType(
    "passwordExpired",
    Level.WARNING,
    "The system of an adapter says that a password has expired.",
    (10746,),
    fields={**_CALLER_OF_API, **_OF_APPLICATION},
)
_REPLAY_FILE = {"file": "name of the file", "replayed": "how many of its changes were taken over"}
CHANGE_REPLAYED = EventType(
    "changeReplayed",
    Level.INFO,
    "A change that was accepted while the store was away was taken over into the store.",
    (10686, 10699),
    fields={"receivedAt": "when it was accepted (RFC 3339)"},
)
REPLAY_FINISHED = EventType(
    "replayFinished",
    Level.INFO,
    "All changes that were accepted while the store was away are in the store.",
    (10687, 10719, 10720, 10721, 10722, 10729, 10730),
    fields={"changes": "how many were taken over"},
)
REPLAY_REFUSED = EventType(
    "replayRefused",
    Level.WARNING,
    "A change that was accepted while the store was away was refused when it was replayed.",
    (10692,),
    fields={**_CALLER, "reason": "what is not allowed, as a stable name"},
)
REPLAY_NOT_KEPT = EventType(
    "replayNotKept",
    Level.ERROR,
    "While the store was away, changes could not be kept in the replay files either; their senders were told so.",
    (10718, 10727, 10728),
    fields={"problem": "why, in words"},
)
REPLAY_FILE_DAMAGED = EventType(
    "replayFileDamaged",
    Level.ERROR,
    "A replay file is damaged: the changes before the damage were replayed, the file was set aside.",
    (10688, 10689, 10690, 10691, 10693, 10694, 10695, 10696, 10697, 10726),
    fields={**_REPLAY_FILE, "problem": "what is wrong with it, in words"},
)
REPLAY_FILE_UNTRUSTED = EventType(
    "replayFileUntrusted",
    Level.ERROR,
    "Owner or mode of a replay file has changed: nothing of it was replayed from there on, the file was set aside.",
    (10716, 10717, 10723, 10724, 10725),
    fields={**_REPLAY_FILE, "problem": "what is wrong with it, in words"},
)
REPLAY_FILE_EXPIRED = EventType(
    "replayFileExpired",
    Level.WARNING,
    "A replay file is older than the maximum sync age: its changes were discarded and the file was deleted.",
    (10683,),
    fields=_REPLAY_FILE,
)
WINDOWS_GROUP_CHANGED = EventType(
    "windowsGroupChanged",
    Level.INFO,
    "The directory tells other members of a group, or other accounts, that applications name as their users.",
    fields={**_USERS_OF, "added": "how many accounts were added", "removed": "how many were removed"},
)
WINDOWS_GROUP_UNREAD = EventType(
    "windowsGroupUnread",
    Level.WARNING,
    "It could not be found out who the users of applications are; what the directory told last stays in force.",
    fields={**_USERS_OF, "problem": "why, in words"},
)
WINDOWS_GROUP_HELD = EventType(
    "windowsGroupHeld",
    Level.ERROR,
    "A group that applications name as their users has lost so many members that its last answer stays in force.",
    fields={**_USERS_OF, "problem": "how many, in words"},
)
ACCOUNT_MISSING = EventType(
    "accountMissing",
    Level.WARNING,
    "A mapped account does not exist in its system. Its mapping stays.",
)
PASSWORD_CHANGE_MISSED = EventType(
    "passwordChangeMissed",
    Level.WARNING,
    "The password of a mapped account was set, and nobody has told of it: it differs from what we know.",
    fields={"setAt": "when, by the clock of the account's system (RFC 3339)"},
)
_STORED = {"application": "whose credential it is; empty for the stored password of a Windows account"}
CREDENTIAL_DIFFERS = EventType(
    "credentialDiffers",
    Level.WARNING,
    "A stored password was tried and does not open its account. It is not tried again before it changes.",
    fields=_STORED,
)
CREDENTIAL_NOT_VERIFIED = EventType(
    "credentialNotVerified",
    Level.INFO,
    "A stored password could not be verified; that counts as the try of its period.",
    fields={**_STORED, "problem": "why, in words"},
)
TARGET_NOT_SEEN = EventType(
    "targetNotSeen",
    Level.WARNING,
    "The target of an adapter or domain could not be looked at: what was last seen of its accounts stays.",
    fields={"target": "adapter/NAME or domain/NAME", "problem": "why, in words"},
)
MAPPING_RULE_UNREAD = EventType(
    "mappingRuleUnread",
    Level.WARNING,
    "The directory did not tell which accounts a mapping rule means; its mappings stay as they are.",
    fields={"rule": "the MappingRule", "problem": "why, in words"},
)
MAPPING_RULE_UNCLEAR = EventType(
    "mappingRuleUnclear",
    Level.WARNING,
    "A mapping rule cannot map some accounts as the directory tells them; their mappings stay as they are.",
    fields={"rule": "the MappingRule", "count": "how many problems there are", "problems": "the first of them"},
)
POLICY_UNKNOWN = EventType(
    "policyUnknown",
    Level.WARNING,
    "The password policy of a target could not be found out; what it said last goes on being used.",
    fields={"target": "adapter/NAME or domain/NAME", "code": "why, as a stable name", "message": "why, in words"},
)
FILTER_ALWAYS_REFUSED = EventType(
    "filterAlwaysRefused",
    Level.ERROR,
    "A password filter leaves no password that the policy of the target takes.",
    fields={"filter": "its name", "message": "why, and what would help"},
)
PLAN_APPLIED = EventType(
    "planApplied",
    Level.INFO,
    "A plan was applied.",
    fields={
        "principal": "who applied it",
        "create": "how many objects and mappings were created",
        "update": "how many were updated",
        "replace": "how many were replaced",
        "prune": "how many were deleted",
        "revision": "of the manifests: `main@sha1:...` of a repository, else the digest of what they declare",
        "forced": "codes of the holds that were overridden",
    },
)
PLAN_HELD = EventType(
    "planHeld",
    Level.ERROR,
    "A plan was held back: applying it could do harm.",
    fields={"codes": "of the holds", "reasons": "the first of them in words"},
)
RECONCILE_FAILED = EventType(
    "reconcileFailed",
    Level.ERROR,
    "The reconcile loop could not finish.",
    fields={"code": "what went wrong, as a stable name", "message": "in words"},
)
MANIFESTS_NOT_USED = EventType(
    "manifestsNotUsed",
    Level.ERROR,
    "The newest manifests cannot be used; the last good ones stay in force.",
    fields={
        "revision": "that cannot be used, when it is known",
        "revisionInForce": "the revision that stays in force",
        "message": "why, in words",
    },
)
RECONCILE_SUSPENDED = EventType(
    "reconcileSuspended",
    Level.WARNING,
    "The reconcile loop was suspended: it plans, and applies nothing.",
    fields={"principal": "who did it", "reason": "in their words"},
)
RECONCILE_RESUMED = EventType(
    "reconcileResumed", Level.INFO, "The reconcile loop applies again.", fields={"principal": "who did it"}
)
FLAGS_WITHOUT_EFFECT = EventType(
    "flagsWithoutEffect",
    Level.WARNING,
    "Flags of an adapter have no effect, since the System's switches for them are off.",
    (10706,),
    fields={"flags": "of the adapter", "switches": "of the System, in the same order"},
)
DRIFT_FOUND = EventType(
    "driftFound",
    Level.WARNING,
    "The store was changed by something other than apply.",
    fields={
        "count": "how many objects and mappings",
        "objects": "the first of them",
        "leftOut": "those of them that are left as they are",
    },
)
CREDENTIAL_SET = EventType(
    "credentialSet", Level.INFO, "An administrator set credentials.", fields={**_OF_APPLICATION, **_BY}
)
CREDENTIAL_CLEARED = EventType(
    "credentialCleared", Level.INFO, "An administrator cleared credentials.", fields={**_OF_APPLICATION, **_BY}
)
CREDENTIAL_REVEALED = EventType(
    "credentialRevealed",
    Level.WARNING,
    "An administrator looked at a credential in clear.",
    fields={**_OF_APPLICATION, **_BY},
)
CREDENTIAL_LOOKUP_REFUSED = EventType(
    "credentialLookupRefused",
    Level.WARNING,
    "A caller looked up a credential that it may not, or too often.",
    fields={
        **_OF_APPLICATION,
        "caller": "who asked",
        "reason": "why: see the reference of the API; lookupNotAllowed, noMapping and nothingStored are answered alike",
    },
)
_KEY = {"key": "id of the key", **_BY}
KEYRING_BACKED_UP = EventType("keyringBackedUp", Level.INFO, "The keyring was written to a backup.", fields=_KEY)
KEYRING_RESTORED = EventType("keyringRestored", Level.WARNING, "The keyring was restored from a backup.", fields=_KEY)
KEY_ADDED = EventType("keyAdded", Level.INFO, "A new key was added to the keyring: it seals from now on.", fields=_KEY)
KEY_PREPARED = EventType(
    "keyPrepared", Level.INFO, "A key was added to the keyring that opens, but does not seal yet.", fields=_KEY
)
VALUES_REWRAPPED = EventType(
    "valuesRewrapped",
    Level.INFO,
    "What older keys had sealed was sealed with the newest key.",
    fields={**_KEY, "count": "how many values", "broken": "how many could not be opened, and stay as they are"},
)
KEYS_RETIRED = EventType(
    "keysRetired",
    Level.WARNING,
    "Older keys, with which nothing is sealed any more, were removed from the keyring.",
    fields={**_BY, "keys": "ids of those that were removed"},
)
CALL_REFUSED = EventType(
    "callRefused",
    Level.WARNING,
    "A call of the API that reads, or that operates, was refused.",
    fields={**_CALLER_OF_API, "action": "what it asked for, as a stable name", "reason": "why, as a stable name"},
)
CALLER_UNPROVEN = EventType(
    "callerUnproven",
    Level.WARNING,
    "A caller of the API did not prove who it is.",
    fields={"address": "where it called from", "problem": "what was wrong with what it sent"},
)
CALLS_LIMITED = EventType(
    "callsLimited",
    Level.WARNING,
    "A caller of the API called too often, and was told to wait.",
    fields={"caller": "its principal; empty: it did not prove who it is", "address": "where it called from"},
)
LOGIN_REFUSED = EventType(
    "loginRefused",
    Level.WARNING,
    "A login to the status page was refused.",
    fields={"reason": "unauthenticated or notAdministrator", "by": "the principal, where the token proved one"},
)
PAGE_REFUSED = EventType(
    "pageRefused",
    Level.WARNING,
    "Somebody who is logged in to the status page asked for what is not theirs.",
    fields={**_BY, "page": "the path, without what varies in it", "reason": "why, as a stable name"},
)
TOKEN_CREATED = EventType(
    "tokenCreated", Level.INFO, "An API token was created.", fields={"principal": "who may use it", "token": "its id"}
)
TOKEN_REVOKED = EventType("tokenRevoked", Level.INFO, "An API token was revoked.", fields={"token": "its id"})

CATALOGUE: dict[str, EventType] = {e.name: e for e in list(globals().values()) if isinstance(e, EventType)}
"""Every event type by name."""
