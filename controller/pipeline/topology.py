"""The actual topology as the pipeline looks things up in it, read again only when it has changed."""

from collections.abc import Collection
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from controller.model.accounts import WindowsAccount
from controller.model.filters import PasswordFilter
from controller.model.topology import Adapter, AdapterGroup, Application, Domain, Key, Kind, Resource, System
from controller.ports.store import Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Topology:
    """All objects but mappings, by name."""

    system: System = field(default_factory=System)
    domains: ReadOnlyMapping[str, Domain] = field(default_factory=dict)
    filters: ReadOnlyMapping[str, PasswordFilter] = field(default_factory=dict)
    adapters: ReadOnlyMapping[str, Adapter] = field(default_factory=dict)
    applications: ReadOnlyMapping[str, Application] = field(default_factory=dict)
    groups: ReadOnlyMapping[str, AdapterGroup] = field(default_factory=dict)

    def applications_of(self, adapter: str) -> list[str]:
        """Names of the applications that belong to an adapter, sorted."""
        return sorted(name for name, spec in self.applications.items() if spec.adapter == adapter)

    def lanes(self) -> list[str]:
        """Lanes that can be served from here: enabled adapters with a connector, and domains with a directory."""
        adapters = [f"adapter/{name}" for name, spec in self.adapters.items() if spec.enabled and not spec.is_remote]
        domains = [f"domain/{name}" for name, spec in self.domains.items() if spec.directory is not None]
        return sorted(adapters + domains)

    def has_directory(self, account: WindowsAccount) -> bool:
        """Whether Windows passwords of the account's domain can be changed from here."""
        domain = self.domains.get(account.domain)
        return domain is not None and domain.directory is not None

    def remote_adapters(self) -> list[str]:
        """Names of the enabled adapters that pull their notifications, sorted."""
        return sorted(name for name, spec in self.adapters.items() if spec.enabled and spec.is_remote)

    def group_adapters(self) -> list[str]:
        """Names of the enabled adapters that are each the group adapter of the group of their name (A1), sorted."""
        return [name for name in self.remote_adapters() if name in self.groups]

    def members_of(self, group: str) -> frozenset[str]:
        """Names of the adapters in a group, disabled ones too."""
        return frozenset(name for name, spec in self.adapters.items() if spec.group == group)

    @property
    def is_full_sync_on(self) -> bool:
        """Whether external changes may reach Windows at all (D3)."""
        return self.system.from_adapters_to_database and self.system.from_adapters_to_windows


def topology_of(resources: ReadOnlyMapping[Key, Resource], suspended: Collection[str] = ()) -> Topology:
    """Arrange stored objects for look-up; an adapter that an operator has *suspended* is a disabled one."""
    adapters = _specs(resources, Kind.ADAPTER, Adapter)
    return Topology(
        system=_specs(resources, Kind.SYSTEM, System).get("default", System()),
        domains=_specs(resources, Kind.DOMAIN, Domain),
        filters=_specs(resources, Kind.PASSWORD_FILTER, PasswordFilter),
        adapters=adapters | {name: replace(adapters[name], enabled=False) for name in suspended if name in adapters},
        applications=_specs(resources, Kind.APPLICATION, Application),
        groups=_specs(resources, Kind.ADAPTER_GROUP, AdapterGroup),
    )


def _specs(resources: ReadOnlyMapping[Key, Resource], kind: Kind, _type: type[T]) -> dict[str, T]:
    return {key.name: cast("T", resource.spec) for key, resource in resources.items() if key.kind is kind}


class TopologyReader:
    """Reads the topology inside a transaction; parses it anew only when its revision has moved."""

    def __init__(self) -> None:
        self._held: tuple[int, Topology] | None = None

    def read(self, tx: Transaction) -> Topology:
        """Return the topology that this transaction sees."""
        revision, held = tx.resources.revision(), self._held
        if held is None or held[0] != revision:
            held = (revision, topology_of(tx.resources.read(), tx.suspensions.read()))
            self._held = held
        return held[1]
