"""Warnings: declarations that are valid one by one but have no effect together (behaviour A12 and the like)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from controller.manifests.document import Document
from controller.manifests.problems import Place, Problem
from controller.model.topology import (
    PROTECT_ANNOTATION,
    RECONCILE_ANNOTATION,
    Adapter,
    Application,
    Domain,
    Key,
    Kind,
    Resource,
    Source,
    System,
)
from controller.planning.switches import ineffective_flags

_ANNOTATIONS = (PROTECT_ANNOTATION, RECONCILE_ANNOTATION)
_PREFIX = PROTECT_ANNOTATION.partition("/")[0] + "/"


@dataclass(frozen=True, slots=True)
class Declared:
    """An object and the document that declares it."""

    resource: Resource
    document: Document

    def place(self, field: str) -> Place:
        """Where a field of its spec stands."""
        return self.document.key_place(("spec", field))


@dataclass(frozen=True, slots=True)
class Topology:
    """All that is declared.

    Attributes:
        mapped: Which domains the mappings of each application reach.
    """

    declared: Mapping[Key, Declared]
    mapped: Mapping[str, Collection[str]]

    @property
    def system(self) -> Declared | None:
        """The one System."""
        return self.declared.get(Key(Kind.SYSTEM, "default"))


def disagreements(topology: Topology, start: Place) -> Iterator[Problem]:
    """Yield the warnings; *start* stands for the manifests as a whole."""
    system: System | None = None
    match topology.system:
        case Declared(resource=Resource(spec=System() as found)) as declared:
            system = found
            yield from _of_system(found, declared)
        case _:
            yield Problem(
                start,
                "no System is declared, so nothing is synchronised",
                "declare kind: System with the name default and its switches",
            )
    for declared in topology.declared.values():
        yield from _annotations(declared)
        match declared.resource.spec:
            case Adapter() as adapter:
                if system is not None:
                    yield from _switches(adapter, declared, system)
                yield from _full_sync(adapter, declared, topology)
            case Domain(sources=sources) if system is not None:
                yield from _switched_off_sources(sources, declared, system)
            case Application(type="hostGroup", adapter=str(name)):
                yield from _host_group(name, declared, topology)
            case Application(type="hostGroup", direct_password_sync=True):
                yield Problem(
                    declared.place("directPasswordSync"),
                    "spec.directPasswordSync: has no effect: a host group application takes no Windows passwords",
                    "remove it, or make the application individual",
                )
            case _:
                pass


def _of_system(system: System, declared: Declared) -> Iterator[Problem]:
    if system.from_adapters_to_windows and not system.from_adapters_to_database:
        yield Problem(
            declared.place("fromAdaptersToWindows"),
            "spec.fromAdaptersToWindows: has no effect without fromAdaptersToDatabase",
            "full sync goes through the credential database; set both to true",
        )


def _switched_off_sources(sources: Collection[Source], declared: Declared, system: System) -> Iterator[Problem]:
    types = sorted({source.type for source in sources})
    if types and not any(system.sources.accepts(type_) for type_ in types):
        switches = " and ".join(f"sources.{type_}s" for type_ in types)
        yield Problem(
            declared.place("sources"),
            f"spec.sources: none of them may report, since the System switches off {switches}",
            f"set {switches}: true in the System, or name a source of another type",
        )


def _switches(adapter: Adapter, declared: Declared, system: System) -> Iterator[Problem]:
    for flag, switch in ineffective_flags(adapter, system):
        yield Problem(
            declared.place(flag),
            f"spec.{flag}: has no effect while the System's {switch} is off",
            f"set {switch}: true in the System, or {flag}: false here",
        )


def _full_sync(adapter: Adapter, declared: Declared, topology: Topology) -> Iterator[Problem]:
    if not adapter.change_windows_password:
        return
    place = declared.place("changeWindowsPassword")
    if not adapter.sync_from_adapter:
        yield Problem(place, "spec.changeWindowsPassword: has no effect without syncFromAdapter", "set both to true")
    for domain in sorted(_unreachable_domains(declared.resource.name, topology)):
        yield Problem(
            place,
            f"spec.changeWindowsPassword: accounts of domain {domain} are mapped, but its Domain has no directory",
            f"give Domain {domain} a directory, so that its passwords can be changed",
        )


def _host_group(adapter: str, declared: Declared, topology: Topology) -> Iterator[Problem]:
    """Of an adapter a host group has nothing but the changes that come from it."""
    found = topology.declared.get(Key(Kind.ADAPTER, adapter))
    if found is None or not isinstance(found.resource.spec, Adapter) or found.resource.spec.sync_from_adapter:
        return
    yield Problem(
        declared.place("adapter"),
        f"spec.adapter: has no effect, since Adapter {adapter} takes no changes and a host group application is sent "
        "none",
        f"set syncFromAdapter: true on Adapter {adapter}, so that stored credentials follow, or remove adapter here",
    )


def _unreachable_domains(adapter: str, topology: Topology) -> Iterator[str]:
    found: set[str] = set()
    for key, declared in topology.declared.items():
        spec = declared.resource.spec
        if isinstance(spec, Application) and spec.adapter == adapter and not spec.is_host_group:
            found.update(topology.mapped.get(key.name, ()))
    for name in found:
        domain = topology.declared.get(Key(Kind.DOMAIN, name))
        if domain is not None and isinstance(domain.resource.spec, Domain) and domain.resource.spec.directory is None:
            yield name


def _annotations(declared: Declared) -> Iterator[Problem]:
    for name in declared.resource.annotations:
        if name.startswith(_PREFIX) and name not in _ANNOTATIONS:
            yield Problem(
                declared.document.key_place(("metadata", "annotations", name)),
                f"metadata.annotations.{name}: this annotation has no meaning",
                f"annotations that begin with {_PREFIX} are ours; there are {' and '.join(_ANNOTATIONS)}",
            )
