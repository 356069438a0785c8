"""Documents into desired state: each on its own, then all of them against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from controller.manifests.agreement import Declared, Topology, disagreements
from controller.manifests.batch import Batch, batch_of_mapping, batches_of_set
from controller.manifests.document import Document
from controller.manifests.filter_effects import filter_effects
from controller.manifests.group_adapters import misused_group_adapters
from controller.manifests.mapping_rules import unfit_rules
from controller.manifests.outside import Outside, named_outside
from controller.manifests.problems import ManifestErrors, Place, Problem
from controller.manifests.references import dangling
from controller.manifests.uniqueness import clashes
from controller.manifests.v1.kinds import AnyManifest, ResourceManifest
from controller.manifests.v1.mapping import MappingManifest
from controller.manifests.v1.mapping_set import MappingSetManifest
from controller.manifests.validation import identity, validate
from controller.model.topology import Application, Key, Kind, Mapping, Resource
from controller.planning.state import State
from controller.ports.connectors import ConnectorCatalogue


@dataclass(frozen=True, slots=True)
class Compiled:
    """Desired state, and what its author should know about it.

    Attributes:
        warnings: In order of file, line and column.
        outside: Files and environment variables that they name; whether these are there was not looked at.
    """

    state: State
    warnings: tuple[Problem, ...] = ()
    outside: tuple[Outside, ...] = ()


class Compiler:
    """Takes documents one by one; the checks between them come at the end.

    Attributes:
        problems: Those found so far; the caller adds those of reading.
        is_complete: Set it to False when some manifest could not be read: what it declares is then unknown, so that
            references are not checked.
    """

    def __init__(self, catalogue: ConnectorCatalogue) -> None:
        self.problems: list[Problem] = []
        self.is_complete = True
        self._catalogue = catalogue
        self._names: dict[str, dict[str, Place]] = {}
        self._valid: list[tuple[AnyManifest, Document]] = []
        self._declared: dict[Key, Declared] = {}
        self._batches: list[Batch] = []

    def add(self, document: Document) -> None:
        """Take one document."""
        self._register(document)
        manifest = validate(document, self._catalogue)
        if isinstance(manifest, list):
            self.problems.extend(manifest)
        else:
            self._valid.append((manifest, document))
            self._compile(manifest, document)

    def finish(self, start: Place) -> Compiled:
        """Check the documents against each other and return the desired state; *start* stands for all of them.

        Raises:
            ManifestErrors: With every problem.
        """
        if self.is_complete:
            for manifest, document in self._valid:
                self.problems.extend(dangling(manifest, document, self._names))
        self.problems.extend(clashes(self._batches, self._applications()))
        self.problems.extend(misused_group_adapters(self._declared))
        self.problems.extend(unfit_rules(self._declared))
        self._refuse_problems()
        effects = list(filter_effects(self._declared, self._catalogue))
        self.problems.extend(effect.problem for effect in effects if effect.is_error)
        self._refuse_problems()
        warnings = [*disagreements(Topology(self._declared, self._mapped()), start), *(e.problem for e in effects)]
        outside = tuple(found for declared in self._declared.values() for found in named_outside(declared))
        return Compiled(self._state(), tuple(sorted(warnings)), outside)

    def _refuse_problems(self) -> None:
        if self.problems:
            raise ManifestErrors(self.problems)

    def _register(self, document: Document) -> None:
        found = identity(document)
        if found is None:
            return
        kind, name = found
        place = document.place(("metadata", "name"))
        first = self._names.setdefault(kind, {}).setdefault(name, place)
        if first is not place:
            self.problems.append(
                Problem(place, f"{kind}/{name} is declared twice, first at {first}", "remove one of them")
            )

    def _compile(self, manifest: AnyManifest, document: Document) -> None:
        match manifest:
            case MappingManifest():
                self._batches.append(batch_of_mapping(manifest, document))
            case MappingSetManifest():
                for found in batches_of_set(manifest, document):
                    if isinstance(found, Problem):
                        self.problems.append(found)
                    else:
                        self._batches.append(found)
            case _:
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

    def _state(self) -> State:
        resources = {key: self._declared[key].resource for key in sorted(self._declared, key=_creation_order)}
        return State(resources, _sorted(self._batches))


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


def _sorted(batches: Sequence[Batch]) -> tuple[Mapping, ...]:
    return tuple(sorted((m for batch in batches for m in batch.mappings), key=attrgetter("sort_key")))
