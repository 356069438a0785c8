"""Names that manifests refer to: every one must be declared."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from controller.manifests.document import Document
from controller.manifests.problems import Problem, did_you_mean, there_are
from controller.manifests.v1.adapter import AdapterManifest
from controller.manifests.v1.application import ApplicationManifest
from controller.manifests.v1.kinds import AnyManifest
from controller.manifests.v1.mapping import MappingManifest
from controller.manifests.v1.mapping_rule import MappingRuleManifest
from controller.manifests.v1.mapping_set import MappingSetManifest
from controller.model.accounts import WindowsAccount


class _Reference(NamedTuple):
    field: str
    kind: str
    name: str | None
    position: int | None = None

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where it stands."""
        return ("spec", *self.field.split("."), *(() if self.position is None else (self.position,)))


def dangling(manifest: AnyManifest, document: Document, names: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Yield a problem for each reference of *manifest* to an object that is not among *names* (by kind)."""
    for reference in _references(manifest):
        field, kind, name, _ = reference
        declared = names.get(kind, ())
        if name is None or name in declared:
            continue
        otherwise = there_are("there are", declared) or f"declare it with kind: {kind}"
        yield Problem(
            document.place(reference.path),
            f"spec.{field}: there is no {kind} {name!r}",
            did_you_mean(name, declared, otherwise),
        )


def _references(manifest: AnyManifest) -> Iterator[_Reference]:
    match manifest:
        case AdapterManifest(spec=spec):
            yield _Reference("group", "AdapterGroup", spec.group)
            yield _Reference("filter", "PasswordFilter", spec.filter)
        case ApplicationManifest(spec=spec):
            yield _Reference("adapter", "Adapter", spec.adapter)
            for index, user in enumerate(spec.access.users):
                yield _Reference("access.users", "Domain", WindowsAccount.parse(user).domain, index)
        case MappingManifest(spec=spec):
            yield _Reference("application", "Application", spec.application)
            yield _Reference("windowsAccount", "Domain", WindowsAccount.parse(spec.windows_account).domain)
        case MappingSetManifest(spec=spec) | MappingRuleManifest(spec=spec):
            yield _Reference("application", "Application", spec.application)
            yield _Reference("domain", "Domain", spec.domain)
        case _:
            return
