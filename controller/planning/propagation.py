"""How a password would travel from account to account, over all adapters and applications together (M7, M8, E12).

A change of a Windows account goes on to its external accounts where the adapter sends; a change of an external account
goes on to its Windows accounts where full sync is on. What only updates the credential database goes no further.
"""

from array import array
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field

from controller.model.accounts import ExternalAccount
from controller.model.topology import Adapter, Application, Domain, Key, Kind, Mapping, Resource, System
from controller.planning.account_graph import AccountGraph
from controller.planning.conflict import Conflicts

_SYSTEM = Key(Kind.SYSTEM, "default")


@dataclass(frozen=True, slots=True)
class _Link:
    """What an adapter passes on, and what was seen of its mappings: eight bytes for each account.

    Accounts are told apart by their hashes of 64 bits, whose key is another one in each process. Two with the same
    hash are looked at in vain, nothing else.

    Attributes:
        sends: From Windows to its accounts.
        takes: From its accounts to Windows (full sync).
        allows: Mapping conflicts.
        windows: Of each mapping the hash of its Windows account.
        externals: Of each mapping the hash of its external account.
    """

    adapter: str
    sends: bool
    takes: bool
    allows: bool
    windows: "array[int]" = field(default_factory=lambda: array("q"))
    externals: "array[int]" = field(default_factory=lambda: array("q"))

    def note(self, mapping: Mapping) -> None:
        """Take a mapping."""
        self.windows.append(hash(mapping.windows))
        self.externals.append(hash(mapping.external))

    def joined(self) -> set[int]:
        """Windows accounts that have several external accounts, or share one whose changes go to Windows."""
        joined = _of_several(self.windows, self.externals)
        if self.takes and (shared := _of_several(self.externals, self.windows)):
            joined.update(w for w, e in zip(self.windows, self.externals, strict=True) if e in shared)
        return joined


def _of_several(keys: "array[int]", values: "array[int]") -> set[int]:
    """The keys that have more than one value."""
    first: dict[int, int] = {}
    return {key for key, value in zip(keys, values, strict=True) if first.setdefault(key, value) != value}


class Propagation:
    """Takes the mappings of one state one by one, in about a microsecond each, and finds what would go wrong."""

    def __init__(self, resources: ReadOnlyMapping[Key, Resource]) -> None:
        self._links = _links(resources)
        self._reachable = _domains_with_directory(resources)

    def watch(self, mappings: Iterable[Mapping]) -> Iterable[Mapping]:
        """Take *mappings* while they pass."""
        return self._watched(mappings) if self._links else mappings

    def _watched(self, mappings: Iterable[Mapping]) -> Iterator[Mapping]:
        for mapping in mappings:
            self.add(mapping)
            yield mapping

    def add(self, mapping: Mapping) -> None:
        """Take one mapping."""
        if (link := self._link_of(mapping)) is not None:
            link.note(mapping)

    def _link_of(self, mapping: Mapping) -> _Link | None:
        return self._links.get(mapping.application) if mapping.enabled else None

    def conflicts(self, most: int, mappings: Iterable[Mapping]) -> Conflicts:
        """Find what the mappings taken so far would do wrong, in a fixed order; *most* of it with its ways.

        A change may come back to the account that it started from, but it must not reach a second Windows account
        through an adapter, nor two accounts of an adapter, unless that adapter allows mapping conflicts.

        Args:
            most: How many conflicts get their ways.
            mappings: All that were taken, once more. They are read only where one could do something wrong.
        """
        graph = AccountGraph({link.adapter for link in self._links.values() if link.allows})
        for mapping, link in self._joined(mappings):
            external = ExternalAccount(link.adapter, mapping.external)
            takes = link.takes and mapping.windows.domain in self._reachable
            graph.connect(mapping.windows, external, sends=link.sends, takes=takes)
        return graph.conflicts(most)

    def _joined(self, mappings: Iterable[Mapping]) -> Iterator[tuple[Mapping, _Link]]:
        """The mappings of Windows accounts that are joined with others, or have two accounts of one adapter.

        Any other Windows account and its external accounts are alone with each other: nothing can go wrong there.
        """
        joined = {windows for link in {id(of): of for of in self._links.values()}.values() for windows in link.joined()}
        for mapping in mappings if joined else ():
            link = self._link_of(mapping)
            if link is not None and hash(mapping.windows) in joined:
                yield mapping, link


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
