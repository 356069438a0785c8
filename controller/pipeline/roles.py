"""Who may do what over the API and on the status page: roles, what each may do, and of what. Pure.

Reports, and the calls of a remote adapter, are refused where they are taken in, with reasons of their own; a test of
every endpoint and every role holds them to what stands here.
"""

from collections.abc import Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, replace
from enum import StrEnum

from controller.model.accounts import Account, ExternalAccount
from controller.model.change import PasswordChange, Reason
from controller.model.errors import Refused
from controller.pipeline.topology import Topology
from controller.ports.reach import Reach


class Role(StrEnum):
    """What manifests can make a principal. Each but the first two is held over the object that names the principal."""

    ADMINISTRATOR = "administrator"
    AFFILIATE_ADMINISTRATOR = "affiliateAdministrator"
    APPLICATION_ADMINISTRATOR = "applicationAdministrator"
    ADAPTER_ADMINISTRATOR = "adapterAdministrator"
    ADAPTER_USER = "adapterUser"
    ADAPTER_RECEIVER = "adapterReceiver"
    SOURCE = "source"
    CREDENTIAL_READER = "credentialReader"


class Action(StrEnum):
    """What a call, or a page, does."""

    REPORT_WINDOWS_CHANGE = "reportWindowsChange"
    REPORT_EXTERNAL_CHANGE = "reportExternalChange"
    REPORT_EXPIRATION = "reportExpiration"
    BE_THE_ADAPTER = "beTheAdapter"
    READ_CHANGES = "readChanges"
    READ_DELIVERIES = "readDeliveries"
    READ_EVENTS = "readEvents"
    READ_OBJECTS = "readObjects"
    READ_STATUS = "readStatus"
    READ_METRICS = "readMetrics"
    LOG_IN = "logIn"
    VIEW_PAGES = "viewPages"
    RETRY_DELIVERY = "retryDelivery"
    DISCARD_DELIVERY = "discardDelivery"
    SWITCH_ADAPTER = "switchAdapter"
    RESET_ADAPTER = "resetAdapter"
    LOOK_UP_CREDENTIAL = "lookUpCredential"


ALLOWED: ReadOnlyMapping[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(
        {
            Action.READ_CHANGES,
            Action.READ_DELIVERIES,
            Action.READ_EVENTS,
            Action.READ_OBJECTS,
            Action.READ_STATUS,
            Action.READ_METRICS,
            Action.LOG_IN,
            Action.VIEW_PAGES,
            Action.RETRY_DELIVERY,
            Action.DISCARD_DELIVERY,
            Action.SWITCH_ADAPTER,
            Action.RESET_ADAPTER,
        }
    ),
    Role.AFFILIATE_ADMINISTRATOR: frozenset({Action.READ_OBJECTS}),
    Role.APPLICATION_ADMINISTRATOR: frozenset({Action.READ_CHANGES, Action.READ_DELIVERIES, Action.READ_OBJECTS}),
    Role.ADAPTER_ADMINISTRATOR: frozenset(
        {
            Action.READ_CHANGES,
            Action.READ_DELIVERIES,
            Action.READ_EVENTS,
            Action.READ_OBJECTS,
            Action.LOG_IN,
            Action.RETRY_DELIVERY,
            Action.SWITCH_ADAPTER,
        }
    ),
    Role.ADAPTER_USER: frozenset({Action.REPORT_EXTERNAL_CHANGE, Action.REPORT_EXPIRATION, Action.READ_CHANGES}),
    Role.ADAPTER_RECEIVER: frozenset({Action.BE_THE_ADAPTER}),
    Role.SOURCE: frozenset({Action.REPORT_WINDOWS_CHANGE, Action.READ_CHANGES}),
    Role.CREDENTIAL_READER: frozenset({Action.LOOK_UP_CREDENTIAL}),
}
"""What is not here is refused."""
REPORTERS = frozenset({Role.SOURCE, Role.ADAPTER_USER})
"""Roles that see the changes that they reported themselves."""
ENDED_BY_DISABLING = frozenset({Role.ADAPTER_USER, Role.ADAPTER_RECEIVER})
"""Roles over an adapter that mean nothing while it is disabled (D5)."""
NOT_NEW = "notNew"
"""What a reporter is told for ``damped`` and for ``stale``."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a principal is at one moment.

    Attributes:
        roles: Those that it has, each with the names of the objects that it is held over.
        has_administrators: Whether the System names anybody at all.
    """

    principal: str
    roles: ReadOnlyMapping[Role, frozenset[str]]
    has_administrators: bool

    @property
    def is_administrator(self) -> bool:
        """Whether it administers the System."""
        return Role.ADMINISTRATOR in self.roles

    def may(self, action: Action) -> bool:
        """Whether one of its roles allows that, of whatever objects."""
        return any(action in ALLOWED[role] for role in self.roles)

    def over(self, role: Role) -> frozenset[str]:
        """Names of the objects over which it has the role."""
        return self.roles.get(role, frozenset())

    def check(self, action: Action) -> None:
        """Let only those pass who may do that.

        Raises:
            Refused: No role of this principal allows it.
        """
        if not self.may(action):
            raise Refused(
                f"{self.principal} has no role that allows this",
                reason="notAllowed" if self.roles else "noRole",
                hint="roles are given by manifests; the reference of roles lists what each may do",
            )


def standing_of(topology: Topology, principal: str) -> Standing:
    """Find out what the manifests make of a principal."""
    roles: dict[Role, set[str]] = {}
    for role, name, principals in _given(topology):
        if principal in principals:
            roles.setdefault(role, set()).add(name)
    frozen = {role: frozenset(names) for role, names in roles.items()}
    return Standing(principal, frozen, bool(topology.system.administrators))


def _given(topology: Topology) -> Iterator[tuple[Role, str, tuple[str, ...]]]:
    """Every role that a manifest gives: over which object, and to whom."""
    yield Role.ADMINISTRATOR, "default", topology.system.administrators
    yield Role.AFFILIATE_ADMINISTRATOR, "default", topology.system.affiliate_administrators
    for name, domain in topology.domains.items():
        yield Role.SOURCE, name, tuple(source.principal for source in domain.sources)
    for name, application in topology.applications.items():
        yield Role.APPLICATION_ADMINISTRATOR, name, application.access.administrators
        yield Role.CREDENTIAL_READER, name, application.access.lookups
    for name, adapter in topology.adapters.items():
        access = adapter.access
        yield Role.ADAPTER_ADMINISTRATOR, name, access.administrators
        if adapter.enabled:
            yield Role.ADAPTER_USER, name, access.users
            yield Role.ADAPTER_RECEIVER, name, access.receivers


def reach_of(topology: Topology, standing: Standing) -> Reach | None:
    """Which changes and deliveries a principal may see; None means all of them."""
    if standing.is_administrator:
        return None
    applications = sorted(standing.over(Role.APPLICATION_ADMINISTRATOR))
    adapters = sorted(standing.over(Role.ADAPTER_ADMINISTRATOR))
    return Reach(
        lanes=tuple(ExternalAccount(name, "").lane for name in adapters),
        caller=standing.principal if REPORTERS & standing.roles.keys() else "",
        applications=tuple((name, _lane_of(topology, name)) for name in applications),
    )


def _lane_of(topology: Topology, application: str) -> str:
    adapter = topology.applications[application].adapter
    return "" if adapter is None else ExternalAccount(adapter, "").lane


def administers(standing: Standing, account: Account) -> bool:
    """Whether a principal administers the System, or the adapter of an external account."""
    return standing.is_administrator or (
        isinstance(account, ExternalAccount) and account.adapter in standing.over(Role.ADAPTER_ADMINISTRATOR)
    )


def as_told(standing: Standing, change: PasswordChange) -> PasswordChange:
    """A change as a principal is told of it.

    Who only reported it is not told which of two reasons it was discarded for. Otherwise a reporter could find out,
    guess by guess, whether a password is the one in force: a report of the past changes nothing, whatever it holds.
    """
    is_told_all = administers(standing, change.account)
    if is_told_all or change.caller != standing.principal or change.reason not in {Reason.DAMPED, Reason.STALE}:
        return change
    return replace(change, reason=NOT_NEW)


def adapters_seen(standing: Standing) -> frozenset[str] | None:
    """Names of the adapters that a principal may read all about; None means of all."""
    return None if standing.is_administrator else standing.over(Role.ADAPTER_ADMINISTRATOR)


def applications_seen(standing: Standing) -> frozenset[str] | None:
    """Names of the applications that a principal may read, with their mappings; None means of all."""
    if standing.is_administrator or Role.AFFILIATE_ADMINISTRATOR in standing.roles:
        return None
    return standing.over(Role.APPLICATION_ADMINISTRATOR)
