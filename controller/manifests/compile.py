"""Documents into desired state: each on its own, then all of them against each other."""

from dataclasses import dataclass

from controller.manifests.agreement import Declared, Topology, disagreements
from controller.manifests.batch import Batch
from controller.manifests.contents import Contents
from controller.manifests.document import Document
from controller.manifests.filter_effects import Severity, filter_effects
from controller.manifests.group_adapters import misused_group_adapters
from controller.manifests.outside import Outside, named_outside
from controller.manifests.packing import Group, PackedMappings, grouped
from controller.manifests.plain_mapping import PlainMapping
from controller.manifests.problems import ManifestErrors, Place, Problem
from controller.manifests.references import dangling
from controller.manifests.set_parts import parts_of_set
from controller.manifests.single_mappings import SingleMappings
from controller.manifests.uniqueness import clashes
from controller.manifests.v1.kinds import AnyManifest, ResourceManifest
from controller.manifests.v1.mapping import MappingManifest
from controller.manifests.v1.mapping_set import MappingSetManifest
from controller.manifests.validation import identity, validate
from controller.model.topology import Application, Key, Kind, Resource
from controller.planning.state import State
from controller.ports.connectors import ConnectorCatalogue


@dataclass(frozen=True, slots=True)
class Compiled:
    """Desired state, and what its author should know about it.

    Attributes:
        warnings: In order of file, line and column.
        outside: Files and environment variables that they name; whether these are there was not looked at.
        weakening: Warnings of filters that weaken passwords seriously. A plan tells of those that it brings or
            changes by itself, so that one with nothing to do is silent about them.
    """

    state: State
    warnings: tuple[Problem, ...] = ()
    outside: tuple[Outside, ...] = ()
    weakening: tuple[Problem, ...] = ()


class Compiler:
    """Takes documents one by one; the checks between them come at the end.

    Attributes:
        problems: Those found so far; the caller adds those of reading.
        is_complete: Set it to False when some manifest could not be read: what it declares is then unknown, so that
            references are not checked.
    """

    def __init__(self, catalogue: ConnectorCatalogue, contents: Contents) -> None:
        self.problems: list[Problem] = []
        self.is_complete = True
        self._catalogue = catalogue
        self._contents = contents
        self._names: dict[str, dict[str, Document | PlainMapping]] = {}
        self._valid: list[tuple[AnyManifest, Document]] = []
        self._declared: dict[Key, Declared] = {}
        self._batches: list[Batch] = []
        self._single = SingleMappings(self._batches)

    def add(self, document: Document) -> None:
        """Take one document."""
        self._register(document)
        manifest = validate(document, self._catalogue)
        if isinstance(manifest, list):
            self.problems.extend(manifest)
        else:
            self._compile(manifest, document)

    def add_plain(self, plain: PlainMapping) -> None:
        """Take one Mapping document that was recognised without the parser."""
        if not self._single.add_plain(plain):
            self.add(plain.document())  # which says what is wrong
        elif plain.name is not None:
            self._register_name("Mapping", plain.name, plain)

    def finish(self, start: Place) -> Compiled:
        """Check the documents against each other and return the desired state; *start* stands for all of them.

        Raises:
            ManifestErrors: With every problem.
        """
        if self.is_complete:
            for manifest, document in self._valid:
                self.problems.extend(dangling(manifest, document, self._names))
            for document in self._single.undeclared(self._names):
                mapping = validate(document, self._catalogue)
                self.problems.extend([] if isinstance(mapping, list) else dangling(mapping, document, self._names))
        groups = grouped(self._batches)
        self.problems.extend(clashes(self._batches, groups, self._applications()))
        self.problems.extend(misused_group_adapters(self._declared))
        self._refuse_problems()
        effects = list(filter_effects(self._declared, self._catalogue))
        self.problems.extend(effect.problem for effect in effects if effect.severity is Severity.ERROR)
        self._refuse_problems()
        unfit = [effect.problem for effect in effects if effect.severity is Severity.WARNING]
        warnings = [*disagreements(Topology(self._declared, self._mapped()), start), *unfit]
        outside = tuple(found for declared in self._declared.values() for found in named_outside(declared))
        weakening = sorted(effect.problem for effect in effects if effect.severity is Severity.WEAKENING)
        return Compiled(self._state(groups), tuple(sorted(warnings)), outside, tuple(weakening))

    def _refuse_problems(self) -> None:
        if self.problems:
            raise ManifestErrors(self.problems)

    def _register(self, document: Document) -> None:
        if (found := identity(document)) is not None:
            self._register_name(*found, document)

    def _register_name(self, kind: str, name: str, document: Document | PlainMapping) -> None:
        first = self._names.setdefault(kind, {}).setdefault(name, document)
        if first is not document:
            place, earlier = (found.place(("metadata", "name")) for found in (document, first))
            self.problems.append(
                Problem(place, f"{kind}/{name} is declared twice, first at {earlier}", "remove one of them")
            )

    def _compile(self, manifest: AnyManifest, document: Document) -> None:
        match manifest:
            case MappingManifest():
                self._single.add(manifest, document)
            case MappingSetManifest():
                self._valid.append((manifest, document))
                for found in parts_of_set(manifest, document, self._contents):
                    if isinstance(found, Problem):
                        self.problems.append(found)
                    else:
                        self._batches.append(found)
            case _:
                self._valid.append((manifest, document))
                resource = _resource(manifest)
                self._declared[resource.key] = Declared(resource, document)

    def _applications(self) -> dict[str, Application]:
        found = (declared.resource for declared in self._declared.values())
        return {resource.name: resource.spec for resource in found if isinstance(resource.spec, Application)}

    def _mapped(self) -> dict[str, set[str]]:
        mapped: dict[str, set[str]] = {}
        for batch in self._batches:
            mapped.setdefault(batch.application, set()).add(batch.domain)
        return mapped

    def _state(self, groups: list[Group]) -> State:
        resources = {key: self._declared[key].resource for key in sorted(self._declared, key=_creation_order)}
        return State(resources, PackedMappings(groups), self._contents.digest())


def _resource(manifest: ResourceManifest) -> Resource:
    return Resource(
        kind=Kind(manifest.kind),
        name=manifest.metadata.name,
        spec=manifest.spec.compile(),
        labels=manifest.metadata.labels,
        annotations=manifest.metadata.annotations,
    )


def _creation_order(key: Key) -> tuple[int, str]:
    return key.kind.rank, key.name
