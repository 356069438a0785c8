"""The objects that manifests declare and the store holds: wanted and actual topology are made of them."""

from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from controller.model.accounts import WindowsAccount
from controller.model.audit import AuditPolicy
from controller.model.filters import PasswordFilter
from controller.model.options import LdapEndpoint
from controller.model.verification import VerificationPolicy

SourceType = Literal["domainController", "identityManager"]
"""What a source of changes is: it captures them on a domain controller, or it is where people change passwords."""


class Kind(StrEnum):
    """The kinds of objects, in the order in which they can be created."""

    SYSTEM = "System"
    DOMAIN = "Domain"
    PASSWORD_FILTER = "PasswordFilter"  # noqa: S105  # the name of a kind
    ADAPTER_GROUP = "AdapterGroup"
    ADAPTER = "Adapter"
    APPLICATION = "Application"
    MAPPING_RULE = "MappingRule"
    MAPPING = "Mapping"

    @property
    def rank(self) -> int:
        """Position in the order of creation."""
        return list(Kind).index(self)


@dataclass(frozen=True, order=True, slots=True)
class Key:
    """What identifies an object: its kind and name."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class ReconcilePolicy:
    """How the reconcile loop behaves. Percentages are of the actual objects, or mappings, of the store."""

    interval: timedelta = timedelta(minutes=5)
    self_heal: bool = True
    prune: bool = True
    max_prune_percent: int = 30
    max_update_percent: int = 30


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often somebody may do something: *burst* times at once, and as often in each *per* in the long run."""

    burst: int = 60
    per: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class AcceptedSources:
    """Which kinds of sources may report changes of Windows accounts (behaviour D1)."""

    domain_controllers: bool = True
    identity_managers: bool = True

    def accepts(self, type_: SourceType) -> bool:
        """Whether sources of that kind may report."""
        return self.domain_controllers if type_ == "domainController" else self.identity_managers


@dataclass(frozen=True, slots=True)
class System:
    """The global switches and limits; the one object named ``default``."""

    from_windows_to_adapters: bool = False
    from_adapters_to_database: bool = False
    from_adapters_to_windows: bool = False
    max_sync_age: timedelta = timedelta(hours=24)
    damping_window: timedelta = timedelta(minutes=10)
    retention: timedelta = timedelta(days=30)
    administrators: tuple[str, ...] = ()
    affiliate_administrators: tuple[str, ...] = ()
    sources: AcceptedSources = AcceptedSources()
    audit: AuditPolicy = field(default_factory=AuditPolicy)
    credential_lookups: RateLimit = RateLimit()
    credential_verification: VerificationPolicy = field(default_factory=VerificationPolicy)
    reconcile: ReconcilePolicy = ReconcilePolicy()

    @property
    def keeps_finished_for(self) -> timedelta:
        """How long finished changes stay: the retention, but until no late report can concern them any more."""
        return max(self.retention, 2 * self.max_sync_age)


@dataclass(frozen=True, slots=True)
class Source:
    """Who may report changes of a domain."""

    principal: str
    type: SourceType = "domainController"


@dataclass(frozen=True, slots=True)
class DomainDirectory:
    """The domain's Active Directory, as this controller reaches it."""

    endpoint: LdapEndpoint
    base_dn: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A Windows domain. Without a directory it only reports changes."""

    dns_name: str
    sources: tuple[Source, ...] = ()
    directory: DomainDirectory | None = None
    password_change: Literal["change", "reset"] = "change"  # noqa: S105  # a way of changing, not a password

    @property
    def needs_old_password(self) -> bool:
        """Whether a password is changed with the stored old one (E8), not reset by an administrator."""
        return self.password_change == "change"  # noqa: S105  # a way of changing, not a password


@dataclass(frozen=True, slots=True)
class AdapterGroup:
    """Adapters that are served on one computer."""

    description: str = ""
    computer: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    r"""Principals that may administer, and who may use, an adapter or application.

    Users of an adapter are principals; users of an application are Windows accounts and groups (``CORP\staff``).

    Attributes:
        receivers: Principals that may be the process of a remote adapter, which is handed new passwords in clear.
        lookups: Principals that may look up the stored credentials of an application, in clear.
    """

    administrators: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotificationPolicy:
    """Retry and queue limits of an adapter (behaviours Q3-Q5)."""

    retry_count: int = 5
    retry_delay: timedelta = timedelta(minutes=1)
    max_pending: int = 8
    store_when_offline: bool = True


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """The connector of an adapter: its type and that type's options, validated, in their JSON shape (camelCase)."""

    type: str
    options: ReadOnlyMapping[str, Any] = field(default_factory=dict)


REMOTE = "remote"
"""The connector type of adapters that pull their notifications."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A declared endpoint of one external system (behaviours section 8)."""

    connector: ConnectorSpec
    description: str = ""
    enabled: bool = True
    sync_to_adapter: bool = False
    sync_from_adapter: bool = False
    verify_old_password: bool = True
    change_windows_password: bool = False
    send_old_password: bool = False
    allow_mapping_conflicts: bool = False
    group: str | None = None
    filter: str | None = None
    access: Access = Access()
    notifications: NotificationPolicy = NotificationPolicy()

    @property
    def is_remote(self) -> bool:
        """Whether it is a process of its own that pulls its notifications over the API."""
        return self.connector.type == REMOTE


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One field of an application's credentials. Field 0 is the user id."""

    label: str
    masked: bool = False
    sync: bool = False


DEFAULT_FIELDS = (CredentialField("User Id"), CredentialField("Password", masked=True, sync=True))


@dataclass(frozen=True, slots=True)
class Application:
    """An affiliate application: a logical external system that mappings belong to."""

    type: Literal["individual", "group", "hostGroup"] = "individual"
    adapter: str | None = None
    direct_password_sync: bool = False
    enabled: bool = True
    contact: str = ""
    access: Access = Access()
    fields: tuple[CredentialField, ...] = DEFAULT_FIELDS

    @property
    def is_host_group(self) -> bool:
        """Whether its external accounts share one Windows account, whose password is none of theirs (M4, A8)."""
        return self.type == "hostGroup"

    @property
    def users(self) -> tuple[WindowsAccount, ...]:
        """Windows accounts and groups; who is none of them, nor a member, is not validly mapped. None: everybody is."""
        parts = (name.partition("\\") for name in self.access.users)
        return tuple(WindowsAccount(domain, name) for domain, _, name in parts)

    @property
    def password_field(self) -> str | None:
        """The label of the field that password sync writes: the one marked ``sync``, else the second of two."""
        marked = [f.label for f in self.fields if f.sync]
        if len(marked) == 1:
            return marked[0]
        return self.fields[1].label if not marked and len(self.fields) == 2 else None  # noqa: PLR2004  # A4: two fields


@dataclass(frozen=True, slots=True)
class MappingRule:
    """Derives the mappings of one application from the directory of a domain (behaviours section 11).

    Attributes:
        base_dn: Where accounts are looked for; None is the domain's own base DN.
        filter: Which of them are mapped (RFC 4515).
        account_attribute: Holds the name of the Windows account.
        external_attribute: Holds the name of the external account.
        case: How the external name is written.
        allowed: What the whole external name must look like, as a regular expression; None: anything.
        exclude: External names that are never given, in any case; ``*`` and ``?`` stand for any characters.
        create: Whether mappings come into being.
        delete: Whether mappings go when their accounts do not match any more.
        delete_all: Whether each mapping of an account that the directory does not have goes, whatever declares it.
    """

    application: str
    domain: str
    external_attribute: str
    base_dn: str | None = None
    filter: str = "(objectClass=*)"
    account_attribute: str = "sAMAccountName"
    case: Literal["asIs", "upper", "lower"] = "asIs"
    allowed: str | None = None
    exclude: tuple[str, ...] = ()
    create: bool = True
    delete: bool = True
    delete_all: bool = False


Spec = System | Domain | PasswordFilter | AdapterGroup | Adapter | Application | MappingRule

SPEC_TYPES: dict[Kind, type[Spec]] = {
    Kind.SYSTEM: System,
    Kind.DOMAIN: Domain,
    Kind.PASSWORD_FILTER: PasswordFilter,
    Kind.ADAPTER_GROUP: AdapterGroup,
    Kind.ADAPTER: Adapter,
    Kind.APPLICATION: Application,
    Kind.MAPPING_RULE: MappingRule,
}

PROTECT_ANNOTATION = "pwsync/protect"
RECONCILE_ANNOTATION = "pwsync/reconcile"


@dataclass(frozen=True, slots=True)
class Resource:
    """One declared or stored object (everything but mappings, which come by the hundred thousand)."""

    kind: Kind
    name: str
    spec: Spec
    labels: ReadOnlyMapping[str, str] = field(default_factory=dict)
    annotations: ReadOnlyMapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What identifies it."""
        return Key(self.kind, self.name)

    @property
    def is_protected(self) -> bool:
        """Whether it may be neither pruned nor replaced."""
        return self.annotations.get(PROTECT_ANNOTATION) == "true"

    @property
    def is_left_alone(self) -> bool:
        """Whether differences from its manifest are shown, and not applied."""
        return self.annotations.get(RECONCILE_ANNOTATION) == "disabled"


@dataclass(frozen=True, slots=True)
class Mapping:
    """One Windows account <-> one external account, inside one application.

    What else its application may map beside it depends on the application's type: see ``manifests/uniqueness``.
    ``origin`` names the manifest object that declares it, for example ``MappingSet/payroll-staff``.
    """

    application: str
    windows: WindowsAccount
    external: str
    enabled: bool = True
    origin: str = ""

    @property
    def key(self) -> Key:
        """What identifies it: the application and both accounts. Neither of the first two has a slash in its name."""
        return Key(Kind.MAPPING, f"{self.application}/{self.windows}/{self.external}")

    @property
    def sort_key(self) -> tuple[str, str, str]:
        """Order of mappings everywhere: by application, Windows account, then external account, by code point."""
        return (self.application, str(self.windows), self.external)
