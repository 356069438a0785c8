"""Interfaces that the use cases need. Who implements one keeps its Raises contract; a suite checks each."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from controller.model.accounts import Account, WindowsAccount
from controller.model.actor import Actor
from controller.model.audit import AuditAction, AuditRow, Trail
from controller.model.audit_chain import Head
from controller.model.change import PasswordChange
from controller.model.constraints import Capabilities
from controller.model.credential import Fingerprint, SealPlace, StoredSecret
from controller.model.delivery import Delivery
from controller.model.events import Event, RecordedEvent
from controller.model.options import SecretReference
from controller.model.policy import PasswordPolicy, PolicyReading
from controller.model.secret import Secret
from controller.model.session import AdapterSession
from controller.model.topology import DomainDirectory, Key, Mapping, Resource

Clock = Callable[[], datetime]
"""Tells the time, aware, in UTC."""
NewId = Callable[[], str]
"""Makes an identifier that no one can guess and that never repeats."""
Jitter = Callable[[], float]
"""A number in [0, 1)."""
ResolveSecret = Callable[[SecretReference], Secret]
"""Reads the secret that a manifest refers to. Raises SettingsError when it is not there."""


class Sealer(Protocol):
    """Seals secrets for their place and opens them there; makes keyed fingerprints."""

    def seal(self, secret: Secret, place: SealPlace) -> bytes:
        """Seal *secret* with the newest key, bound to *place*."""

    def open(self, sealed: bytes, place: SealPlace) -> Secret:
        """Open what was sealed for *place*.

        Raises:
            SealBroken: Unknown key, another place, or altered.
        """

    def fingerprint(self, secret: Secret, account: Account) -> bytes:
        """HMAC of *secret* for *account*: equal passwords of one account are equal, of two accounts never."""


class Rewrapper(Protocol):
    """Seals with the newest key what an older one has sealed."""

    @property
    def newest_mark(self) -> bytes:
        """The first ``MARK_SIZE`` bytes of all that is sealed with the newest key."""

    def rewrap(self, sealed: bytes, place: SealPlace) -> bytes:
        """Seal again with the newest key.

        Raises:
            SealBroken: Unknown key, another place, or altered.
        """


class Connector(Protocol):
    """Speaks the protocol of one external system. Used by one thread at a time; keeps its connection between calls."""

    capabilities: Capabilities

    def set_password(self, account: str, new: Secret) -> None:
        """Set the password as an administrator.

        Raises:
            PasswordRejected: The directory's policy refused it; do not retry.
            AccountUnknown: There is no such account.
            AccountRefused: The account's state does not allow it.
            Busy: The directory cannot do it now.
            Unavailable: Nothing was sent; retry later.
            ChannelRefused: Certificate, credentials or rights of the service account.
            Indeterminate: Sent, but no answer came; probe before retrying.
        """

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Change the password as the user, with the old one.

        Raises:
            OldPasswordWrong: The directory does not accept the old password; never retry.
            ConnectorError: As for ``set_password``.
        """

    def verify_password(self, account: str, password: Secret) -> bool:
        """Tell whether *password* is in force, with one try at most (each wrong try counts towards lockout).

        Raises:
            AccountUnknown: There is no such account.
            AccountRefused: The account's state hides the answer.
            Unavailable: No answer; nothing is known.
            ChannelRefused: As for ``set_password``.
        """

    def check(self) -> None:
        """Check the channel (name, TLS, credentials) without changing anything.

        Raises:
            Unavailable: Not reachable.
            ChannelRefused: Reachable, but it does not accept us.
        """

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """Read the target's password policy without changing anything; None when it has none.

        With *account*: the one that applies to it, as far as the service account may see. Without: the one that
        applies to an account that has none of its own.

        Raises:
            PolicyUnknown: It cannot be found out; that is not the same as none.
            AccountUnknown: There is no such account.
            Busy, Unavailable, ChannelRefused: As for ``verify_password``.
        """

    def close(self) -> None:
        """Give back the connection. The connector may be used again and reconnects."""


class ConnectorType(Protocol):
    """A kind of connector, registered under the entry-point group ``pwsync.connectors``."""

    name: str
    options: type[BaseModel]

    def capabilities(self, options: Any) -> Capabilities:  # noqa: ANN401  # an instance of self.options
        """What a connector with these options can do, without reaching for its system."""

    def connect(self, options: Any, resolve: ResolveSecret) -> Connector:  # noqa: ANN401  # an instance of self.options
        """Make a connector. No connection is opened before its first use.

        Raises:
            SettingsError: A secret that the options refer to is not there.
        """


class ConnectorCatalogue(Protocol):
    """All connector types that are installed."""

    def names(self) -> Sequence[str]:
        """Names, sorted."""

    def get(self, name: str) -> ConnectorType:
        """Return a type.

        Raises:
            NotFound: No such type; the message names those there are.
        """


class GroupDirectory(Protocol):
    """Tells who stands behind a name of one Windows domain. It only reads. Used by one thread at a time."""

    def members(self, name: WindowsAccount) -> frozenset[WindowsAccount]:
        """The accounts that *name* stands for: a user itself, or the users of a group.

        Users of groups inside it are among them, and those whose primary group is it or one inside it.

        Raises:
            AccountUnknown: The domain has no user and no group of that name.
            Rejected: It has too many members.
            Busy, Unavailable, ChannelRefused: It cannot be found out now.
        """

    def close(self) -> None:
        """Give back the connection. The directory may be used again and reconnects."""


OpenGroupDirectory = Callable[[str, DomainDirectory], GroupDirectory]
"""Makes the look-up of a domain (by name). Raises SettingsError when a secret that it needs is not there."""


class Resources(Protocol):
    """The objects of the actual topology, without mappings."""

    def read(self) -> dict[Key, Resource]:
        """All objects.

        Raises:
            StoreUnusable: A row cannot be read; the message names it.
        """

    def revision(self) -> int:
        """Grows with every ``put`` and ``remove``; equal revisions mean equal objects."""

    def drifted(self) -> set[Key]:
        """Objects whose row was altered by something other than ``put``."""

    def put(self, resource: Resource) -> None:
        """Insert or replace; the object's generation grows when its spec differs."""

    def remove(self, key: Key) -> None:
        """Delete; no error when it is not there."""

    def describe(self, key: Key) -> "ResourceRecord | None":
        """The object with what the store knows about it; None when it is not there."""


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """An object and its bookkeeping."""

    resource: Resource
    generation: int
    updated_at: datetime
    has_drifted: bool


@dataclass(frozen=True, slots=True)
class Suspension:
    """An operator's word that an adapter takes no part, although its manifest enables it."""

    adapter: str
    principal: str
    since: datetime


class Suspensions(Protocol):
    """Adapters that an operator has disabled. ``Resources.revision`` grows with these too."""

    def read(self) -> dict[str, Suspension]:
        """All, by name of the adapter."""

    def put(self, adapter: str, principal: str) -> None:
        """Disable; the first one's word stays when there is one already."""

    def remove(self, adapter: str) -> bool:
        """Enable again; tell whether it was disabled."""


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """Whether the target of a lane is there, as far as anybody has heard.

    Attributes:
        since: When that was first heard.
        code: What was the matter, as a stable name; empty when online.
        message: The same in words, secrets removed.
    """

    lane: str
    is_online: bool
    since: datetime
    code: str = ""
    message: str = ""


class Lanes(Protocol):
    """What was last heard of the target of each lane. Of a lane without a row nothing bad was ever heard."""

    def read(self) -> dict[str, LaneStatus]:
        """All that are known, by lane."""

    def get(self, lane: str) -> LaneStatus | None:
        """One; None when nothing was ever heard of it."""

    def put(self, status: LaneStatus) -> bool:
        """Insert or replace; tell whether it is new that the lane is online, or offline; else its ``since`` stays."""

    def remove(self, lane: str) -> None:
        """Forget it; no error when it is not there."""


class Policies(Protocol):
    """What was last found out about the password policy of each lane's target."""

    def read(self) -> dict[str, PolicyReading]:
        """All, by lane.

        Raises:
            StoreUnusable: A row cannot be read; the message names it.
        """

    def put(self, lane: str, reading: PolicyReading) -> None:
        """Insert or replace."""

    def remove(self, lane: str) -> None:
        """Forget; no error when it is not there."""


class Sessions(Protocol):
    """Sessions of remote adapters, one of each."""

    def read(self) -> dict[str, AdapterSession]:
        """All, by name of the adapter."""

    def get(self, adapter: str) -> AdapterSession | None:
        """The session of one adapter."""

    def put(self, session: AdapterSession) -> None:
        """Insert it, or replace the one that the adapter has."""

    def remove(self, adapter: str) -> bool:
        """Delete; tell whether there was one."""


class Mappings(Protocol):
    """Mappings of the actual topology, each (application, Windows account, external account) once."""

    def scan(self) -> Iterator[Mapping]:
        """All, in the order of ``Mapping.sort_key``, streamed."""

    def count(self) -> int:
        """How many there are."""

    def of_windows(self, account: WindowsAccount) -> list[Mapping]:
        """Those of one Windows account, in order."""

    def of_external(self, applications: Sequence[str], external: str) -> list[Mapping]:
        """Those of one external account inside the given applications, in order."""

    def put(self, mappings: Iterable[Mapping]) -> None:
        """Insert or replace many."""

    def remove(self, mappings: Iterable[Mapping]) -> None:
        """Delete many (by application and both accounts); no error when one is not there."""


@dataclass(frozen=True, slots=True)
class GroupReading:
    """What the directory last told about a name in ``access.users`` of an application.

    Attributes:
        read_at: When its answer was last taken over; None when there never was one.
        members: How many accounts there are in that answer.
        problem: Why there is no newer answer, in words; empty when nothing is wrong.
    """

    read_at: datetime | None
    members: int = 0
    problem: str = ""


class WindowsGroups(Protocol):
    """Who stands behind the names in ``access.users`` of applications, as the directories last told."""

    def readings(self) -> dict[WindowsAccount, GroupReading]:
        """All names that were looked up."""

    def answered(self, names: Collection[WindowsAccount]) -> set[WindowsAccount]:
        """Those of *names* about which there is an answer."""

    def members(self, name: WindowsAccount) -> set[WindowsAccount]:
        """The accounts behind one name."""

    def memberships(
        self, accounts: Collection[WindowsAccount], names: Collection[WindowsAccount]
    ) -> set[tuple[WindowsAccount, WindowsAccount]]:
        """The pairs (account, name) of those given in which the account stands behind the name. Reads an index."""

    def note(self, name: WindowsAccount, reading: GroupReading) -> None:
        """Insert or replace what is known about a name; its members stay."""

    def add(self, name: WindowsAccount, accounts: Iterable[WindowsAccount]) -> None:
        """Put accounts behind a name; no error when one is there already."""

    def remove(self, name: WindowsAccount, accounts: Iterable[WindowsAccount]) -> None:
        """Take accounts away; no error when one is not there."""

    def forget(self, name: WindowsAccount) -> None:
        """Delete all that is known about a name."""


class Credentials(Protocol):
    """The credential database: sealed external credentials per field, sealed Windows passwords per account."""

    def external(self, application: str, external: str) -> dict[str, StoredSecret]:
        """Stored fields of one external account, by field label."""

    def put_external(self, application: str, external: str, field: str, secret: StoredSecret) -> None:
        """Insert or replace one field."""

    def mark_expired(self, application: str, external: str, field: str) -> bool:
        """Note that a stored field has expired, until it is put anew; tell whether there is one."""

    def remove_external(self, application: str, external: str) -> bool:
        """Delete all fields of one external account; tell whether there were any."""

    def remove_unmapped(self) -> int:
        """Delete external credentials that no mapping refers to any more; tell how many accounts they were of."""

    def windows(self, account: WindowsAccount) -> StoredSecret | None:
        """The stored Windows password."""

    def put_windows(self, account: WindowsAccount, secret: StoredSecret) -> None:
        """Insert or replace it."""

    def remove_windows(self, account: WindowsAccount) -> bool:
        """Delete it; tell whether there was one."""


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes to list, newest first."""

    account: str = ""
    state: str = ""
    limit: int = 100
    before: int = 0
    """Only those with a lower sequence, as the next page needs it; 0 means all."""


class Changes(Protocol):
    """Reported password changes."""

    def add(self, change: PasswordChange) -> int:
        """Insert; returns the sequence that the store gave it."""

    def claim_unrouted(self, limit: int, *, after: int = 0) -> list[PasswordChange]:
        """The oldest accepted changes not yet routed, at most one per account, locked until the transaction ends.

        Only those with a sequence above *after*.

        A change whose account has an older unrouted one is not among them, so that per account the order of
        intake is kept, whoever routes.
        """

    def mark_routed(self, tracking_id: str) -> None:
        """Note that its deliveries are made."""

    def finish(self, tracking_id: str, state: str, reason: str, message: str, *, keeps_password: bool = False) -> None:
        """Set its state; a finished one (not ``accepted``) forgets its sealed passwords, but what it *keeps*."""

    def set_aside(self, tracking_id: str, reason: str, message: str) -> bool:
        """Fail one that cannot be routed now, and keep its sealed passwords; tell whether it waited for routing."""

    def those_set_aside(self, after: int, limit: int) -> list[PasswordChange]:
        """Those that were set aside, with a sequence above *after*, oldest first."""

    def bring_back(self, tracking_id: str) -> bool:
        """Accept one again that was set aside; tell whether it was."""

    def get(self, tracking_id: str) -> PasswordChange | None:
        """One change."""

    def find(self, query: ChangeQuery) -> list[PasswordChange]:
        """Changes, newest first."""

    def purge(self, before: datetime, limit: int) -> int:
        """Delete changes that were finished earlier than *before*, with their deliveries; tell how many changes.

        The oldest first, and at most *limit*. One stays as long as it or an older one of any account is not settled:
        whether the older one may still be delivered is decided by what came after it.
        """

    def has_newer(self, change: PasswordChange) -> bool:
        """Whether the account has a change that was received later than *change*, and did not happen earlier."""

    def count_by_state(self) -> dict[str, int]:
        """How many changes are in each state."""


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which deliveries to list, newest first. Empty means any."""

    tracking_id: str = ""
    lane: str = ""
    account: str = ""
    state: str = ""
    limit: int = 100


class Deliveries(Protocol):
    """The queue."""

    def add(self, delivery: Delivery) -> None:
        """Insert one."""

    def open_for(self, account: Account) -> list[Delivery]:
        """Deliveries to one account that are pending, retrying or in flight, oldest first, locked."""

    def newest_sequence(self, account: Account) -> int:
        """Highest sequence of any delivery to the account, whatever its state but superseded; 0 when none."""

    def claim(self, lane: str, *, limit: int, lease: str, lease_for: timedelta, outstanding: int) -> list[Delivery]:
        """Take due deliveries of a lane for the worker with token *lease*: state in flight, attempts + 1.

        Due means: pending or retrying with ``due_at`` reached, or in flight with its lease run out (then
        ``must_probe`` is set). One account has at most one in flight. No more than *outstanding* of the lane are
        in flight together. Oldest sequence first. An account that has an accepted change which is not routed yet is
        left out: that change may be newer than what waits for it.
        """

    def save(self, delivery: Delivery, *, lease: str | None = None) -> bool:
        """Write back all of a delivery. With *lease*: only while that token still holds it; tells whether it did."""

    def get(self, delivery_id: str) -> Delivery | None:
        """One delivery."""

    def of_change(self, tracking_id: str) -> list[Delivery]:
        """All deliveries of one change, in order of creation."""

    def find(self, query: DeliveryQuery) -> list[Delivery]:
        """Deliveries, newest first."""

    def open_of_lane(self, lane: str) -> list[Delivery]:
        """All of a lane that are pending, retrying or in flight."""

    def overdue(self, limit: int) -> list[Delivery]:
        """Those that are not settled and whose ``expires_at`` is reached, the longest overdue first.

        What somebody holds, or held until he was given up, is among them once that lease has run out.
        """

    def next_due(self) -> dict[str, datetime]:
        """For each lane with open deliveries: when the next one is due (or its lease runs out)."""

    def count_by_state(self) -> dict[tuple[str, str], int]:
        """How many deliveries each (lane, state) has."""

    def oldest_open(self) -> dict[str, datetime]:
        """For each lane with open deliveries: when the one with the lowest sequence was created."""


class Fingerprints(Protocol):
    """What is known about the password in force of each account."""

    def get(self, account: Account) -> Fingerprint:
        """What is known; an empty one when nothing is. Locked until the transaction ends."""

    def put(self, account: Account, fingerprint: Fingerprint) -> None:
        """Insert or replace."""

    def clear(self) -> int:
        """Forget all; tell how many."""


MARK_SIZE = 9
"""Bytes at the start of a sealed value that tell its format and its key."""


class SealedKind(StrEnum):
    """Where sealed values stand, and what names one there."""

    CREDENTIAL = "credential"
    """Application, external account, field."""
    WINDOWS_PASSWORD = "windowsPassword"  # noqa: S105  # a kind, not a password
    """Account."""
    CHANGE = "change"
    """Tracking ID, lane and account: the new password."""
    OLD_PASSWORD = "oldPassword"  # noqa: S105  # a kind, not a password
    """As of a change."""
    DELIVERY = "delivery"
    """Id, lane and account."""


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A sealed value, and the names under which it stands."""

    names: tuple[str, ...]
    sealed: bytes


class SealedValues(Protocol):
    """Everything sealed that the store holds, for rewrapping and for counting."""

    def count_by_mark(self) -> dict[bytes, int]:
        """How many values begin with each mark, that is: how many each key has sealed."""

    def claim_others(self, kind: SealedKind, mark: bytes, after: SealedValue | None, limit: int) -> list[SealedValue]:
        """Values of a kind that do not begin with *mark*, in a steady order, from behind *after* on; locked.

        What another transaction works on right now is left out: nothing is waited for.
        """

    def replace(self, kind: SealedKind, value: SealedValue, sealed: bytes) -> bool:
        """Put *sealed* in the place of *value*, if that stands there still; tells whether it did."""


@dataclass(frozen=True, slots=True)
class WrongPasswords:
    """How many wrong old passwords an account's own system has reported, and since when."""

    count: int = 0
    since: datetime | None = None


class Guesses(Protocol):
    """Wrong old passwords of reports, by account; whoever notes one holds the account's lock."""

    def get(self, account: Account) -> WrongPasswords:
        """What is noted; nothing wrong when nothing is."""

    def put(self, account: Account, wrong: WrongPasswords) -> None:
        """Insert or replace."""

    def remove(self, account: Account) -> None:
        """Forget; no error when there is nothing."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events to list, newest first. Empty means any."""

    tracking_id: str = ""
    adapter: str = ""
    account: str = ""
    name: str = ""
    limit: int = 100
    level: str = ""
    before: int = 0
    """Only those with a lower sequence, as the next page needs it; 0 means all."""


class Events(Protocol):
    """Recorded events, bounded: the oldest go first."""

    def add(self, event: Event) -> None:
        """Record one."""

    def find(self, query: EventQuery) -> list[RecordedEvent]:
        """Events, newest first."""

    def count_since(self, moment: datetime) -> dict[str, int]:
        """How many events of each name were recorded at *moment* or later, as far as they are kept."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which audit rows of a trail to list, newest first. Empty means any."""

    trail: Trail = Trail.ACTIONS
    principal: str = ""
    action: str = ""
    object: str = ""
    only_failures: bool = False
    since: datetime | None = None
    limit: int = 100
    before: int = 0
    """Only those with a lower sequence, as the next page needs it; 0 means all."""


class AuditKey(Protocol):
    """The key of the audit, which the store itself does not hold."""

    def tag(self, content: bytes) -> bytes:
        """HMAC-SHA256 of *content*; the same for the life of a store."""


class Audit(Protocol):
    """Audit rows, append-only, each trail a chain (decision 0030). What is recorded, the System's ``audit`` says."""

    def add(
        self,
        by: Actor,
        action: AuditAction,
        subject: str,
        detail: str = "",
        *,
        trail: Trail = Trail.ACTIONS,
        failure: str = "",
    ) -> None:
        """Append one row at the end of the transaction.

        When the transaction ends with a ``PwsyncError``, what was added is recorded as failed, with the error's code
        (or its reason) instead: so add what is tried before checking whether it may be. Nothing is recorded when the
        store goes away, and nothing was changed then.

        Raises:
            RuntimeError: The transaction only reads, or the store was opened without the key of its audit.
            StoreUnusable: At the end: the trails were altered by something else. Nothing is changed then.
        """

    def most(self, trail: Trail) -> int | None:
        """How many rows of a trail are kept; None where their age decides."""

    def find(self, query: AuditQuery) -> list[AuditRow]:
        """Rows that are committed, newest first."""

    def heads(self) -> dict[Trail, Head]:
        """Where each trail ends; what is missing there was removed by somebody else."""

    def scan(self, trail: Trail) -> Iterator[AuditRow]:
        """All rows of a trail in the order of their sequence.

        Raises:
            StoreUnusable: A row was altered so that it cannot be read; names it.
        """

    def begin(self, key: AuditKey) -> None:
        """Write the heads of all trails of a new store; nothing can be added before."""

    def trim(self, limit: int) -> int:
        """Remove rows of ``actions`` that are older than the retention, *limit* at most; tell how many."""


@dataclass(frozen=True, slots=True)
class Token:
    """An API token, without the token itself."""

    id: str
    principal: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Tokens(Protocol):
    """API tokens, stored as hashes."""

    def add(self, token: Token, digest: bytes) -> None:
        """Insert one with the SHA-256 digest of its text."""

    def by_digest(self, digest: bytes) -> Token | None:
        """The token with this digest, whether still valid or not."""

    def touch(self, token_id: str) -> None:
        """Note that it was used now."""

    def revoke(self, token_id: str) -> bool:
        """Revoke it; tell whether there was one to revoke."""

    def all(self) -> list[Token]:
        """All, oldest first."""

    def purge(self, before: datetime) -> int:
        """Delete those that expired or were revoked earlier than *before*; tell how many."""


class Leases(Protocol):
    """Who may act, decided by the database (decision 10)."""

    def acquire(self, name: str, holder: str, duration: timedelta) -> int | None:
        """Take or renew a lease. Returns its fencing token, which grows with each new holder, or None."""

    def release(self, name: str, holder: str) -> None:
        """Give it back; no error when it is not held."""


class Transaction(Protocol):
    """One atomic piece of work on the store."""

    now: datetime
    resources: Resources
    suspensions: Suspensions
    policies: Policies
    lanes: Lanes
    sessions: Sessions
    mappings: Mappings
    windows_groups: WindowsGroups
    credentials: Credentials
    sealed: SealedValues
    changes: Changes
    deliveries: Deliveries
    fingerprints: Fingerprints
    guesses: Guesses
    events: Events
    audit: Audit
    tokens: Tokens
    leases: Leases

    def exclusive(self, name: str) -> None:
        """Keep any other transaction that asks for the same *name* out until this one ends."""

    def identity(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Bytes kept once per store under *name*, such as the keyring's canary; *make* is called the first time."""


class Store(Protocol):
    """Where everything durable stands: SQLite or PostgreSQL, with the same semantics."""

    def write(self) -> AbstractContextManager[Transaction]:
        """Begin a writing transaction; committed (durably) at the end, rolled back on an exception.

        Raises:
            StoreUnavailable: The store cannot be reached or stays busy.
        """

    def read(self) -> AbstractContextManager[Transaction]:
        """Begin a reading transaction: one consistent picture, never blocking writers."""

    def close(self) -> None:
        """Give back all connections."""


@dataclass(frozen=True, slots=True)
class ReplayRecord:
    """A change that was accepted while the store was away.

    Attributes:
        change: Its passwords are sealed for the store already; received at the store's time, as far as it was known.
        is_local: Whether its caller held the key of the installation and so might report anything.
    """

    change: PasswordChange
    is_local: bool = False


class ReplayEnd(StrEnum):
    """What follows the records of a batch in its file."""

    MORE = "more"
    FINISHED = "finished"
    DAMAGED = "damaged"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True)
class ReplayBatch:
    """The next records of the oldest replay file.

    Attributes:
        file: Its name.
        first: How many of its records were replayed before.
        problem: In words, when it is damaged or untrusted.
    """

    file: str
    first: int
    records: tuple[ReplayRecord, ...]
    end: ReplayEnd
    problem: str = ""


class ReplayLog(Protocol):
    """Where accepted changes wait, durably and sealed, while the store is away. One reader, many writers."""

    def is_empty(self) -> bool:
        """Whether nothing waits. Answers at once, from memory."""

    def append(self, record: ReplayRecord) -> None:
        """Add a record; it survives a crash once this returns.

        Raises:
            StoreUnavailable: It could not be made durable (no space, a limit reached, no longer trusted).
        """

    def read(self, limit: int) -> ReplayBatch | None:
        """The next records, in the order in which they were added, *limit* at most; None when nothing waits.

        Raises:
            SettingsError: The files cannot be reached, or are open to others; nothing was changed.
        """

    def advance(self, batch: ReplayBatch) -> None:
        """Note durably that all records of *batch* are in the store; a finished file is deleted.

        A file that is damaged or not trusted is set aside under another name, never deleted.

        Raises:
            SettingsError: It could not be noted; the same records may be read again.
        """

    def close(self) -> None:
        """Let another process have the files."""
