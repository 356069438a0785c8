"""How a password would travel from account to account, over all adapters and applications together (M7, M8, E12).

A change of a Windows account goes on to its external accounts where the adapter sends; a change of an external account
goes on to its Windows accounts where full sync is on. What only updates the credential database goes no further.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.topology import Adapter, Application, Domain, Key, Kind, Mapping, Resource, System
from controller.planning.account_graph import AccountGraph
from controller.planning.conflict import Conflicts

_SYSTEM = Key(Kind.SYSTEM, "default")


@dataclass(frozen=True, slots=True)
class _Link:
    """What an adapter passes on, and what was seen of its mappings.

    Attributes:
        sends: From Windows to its accounts.
        takes: From its accounts to Windows (full sync).
        allows: Mapping conflicts.
        external_of: The first external account of each Windows account.
        windows_of: The first Windows account of each external account, where its changes go to Windows.
        several: Windows accounts that have more than one.
        shared: External accounts that have more than one.
    """

    adapter: str
    sends: bool
    takes: bool
    allows: bool
    external_of: dict[WindowsAccount, str] = field(default_factory=dict)
    windows_of: dict[str, WindowsAccount] = field(default_factory=dict)
    several: set[WindowsAccount] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)

    def note(self, mapping: Mapping) -> None:
        """Take a mapping."""
        if self.external_of.setdefault(mapping.windows, mapping.external) != mapping.external:
            self.several.add(mapping.windows)
        if self.takes and self.windows_of.setdefault(mapping.external, mapping.windows) != mapping.windows:
            self.shared.add(mapping.external)


class Propagation:
    """Takes the mappings of one state one by one, in about a microsecond each, and finds what would go wrong."""

    def __init__(self, resources: ReadOnlyMapping[Key, Resource]) -> None:
        self._links = _links(resources)
        self._reachable = _domains_with_directory(resources)
        self._mappings: list[Mapping] = []

    def watch(self, mappings: Iterable[Mapping]) -> Iterable[Mapping]:
        """Take *mappings* while they pass."""
        return self._watched(mappings) if self._links else mappings

    def _watched(self, mappings: Iterable[Mapping]) -> Iterator[Mapping]:
        for mapping in mappings:
            self.add(mapping)
            yield mapping

    def add(self, mapping: Mapping) -> None:
        """Take one mapping."""
        link = self._links.get(mapping.application)
        if link is None or not mapping.enabled:
            return
        self._mappings.append(mapping)
        link.note(mapping)

    def conflicts(self, most: int) -> Conflicts:
        """Find what the mappings taken so far would do wrong, in a fixed order; *most* of it with its ways.

        A change may come back to the account that it started from, but it must not reach a second Windows account
        through an adapter, nor two accounts of an adapter, unless that adapter allows mapping conflicts.
        """
        graph = AccountGraph({link.adapter for link in self._links.values() if link.allows})
        for mapping in self._joined():
            link = self._links[mapping.application]
            external = ExternalAccount(link.adapter, mapping.external)
            takes = link.takes and mapping.windows.domain in self._reachable
            graph.connect(mapping.windows, external, sends=link.sends, takes=takes)
        return graph.conflicts(most)

    def _joined(self) -> Iterator[Mapping]:
        """The mappings of Windows accounts that are joined with others, or have two accounts of one adapter.

        Any other Windows account and its external accounts are alone with each other: nothing can go wrong there.
        """
        joined = {windows for link in self._links.values() for windows in link.several}
        joined.update(m.windows for m in self._mappings if m.external in self._links[m.application].shared)
        return (m for m in self._mappings if m.windows in joined) if joined else iter(())


def _links(resources: ReadOnlyMapping[Key, Resource]) -> dict[str, _Link]:
    """The links by application; applications of one adapter share theirs."""
    system = _system_of(resources)
    links: dict[str, _Link] = {}
    by_adapter: dict[str, _Link | None] = {}
    for key, resource in resources.items():
        spec = resource.spec
        if not isinstance(spec, Application) or spec.adapter is None or not _takes_part(spec):
            continue
        if spec.adapter not in by_adapter:
            by_adapter[spec.adapter] = _link(spec.adapter, resources, system)
        link = by_adapter[spec.adapter]
        if link is not None:
            links[key.name] = link
    return links


def _takes_part(application: Application) -> bool:
    return application.enabled and application.type != "hostGroup" and application.password_field is not None


def _link(name: str, resources: ReadOnlyMapping[Key, Resource], system: System) -> _Link | None:
    match resources.get(Key(Kind.ADAPTER, name)):
        case Resource(spec=Adapter(enabled=True) as adapter):
            sends = system.from_windows_to_adapters and adapter.sync_to_adapter
            is_full_sync = system.from_adapters_to_database and system.from_adapters_to_windows
            takes = is_full_sync and adapter.sync_from_adapter and adapter.change_windows_password
            return _Link(name, sends, takes, adapter.allow_mapping_conflicts) if sends or takes else None
        case _:
            return None


def _system_of(resources: ReadOnlyMapping[Key, Resource]) -> System:
    match resources.get(_SYSTEM):
        case Resource(spec=System() as system):
            return system
        case _:
            return System()


def _domains_with_directory(resources: ReadOnlyMapping[Key, Resource]) -> frozenset[str]:
    specs = ((key.name, resource.spec) for key, resource in resources.items())
    return frozenset(name for name, spec in specs if isinstance(spec, Domain) and spec.directory is not None)
