"""All files of an installation of Enterprise SSO into the documents that declare the same here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from controller.manifests.esso.elements import WHAT, Element, read_elements
from controller.manifests.esso.fields import Names
from controller.manifests.esso.mappings import MappingTable, MappingTables
from controller.manifests.esso.objects import (
    Draft,
    adapter_of,
    application_of,
    domain_of,
    group_of,
    system_of,
)
from controller.manifests.problems import ManifestErrors, Problem

_SYSTEM: Final = {"globalinfo", "system", "settings"}
_GROUP_ADAPTER_HAS_NOT: Final = (
    *("syncToAdapter", "syncFromAdapter", "changeWindowsPassword", "sendOldPassword", "allowMappingConflicts"),
    "group",
)


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """The mappings of one application and one domain, and the name of their set."""

    name: str
    application: str
    table: MappingTable


@dataclass(slots=True)
class Imported:
    """What the files declare, in the order of creation.

    Attributes:
        notes: What of the files has no document.
    """

    drafts: list[Draft] = field(default_factory=list)
    mappings: list[MappingDraft] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_files(paths: Sequence[str]) -> Imported:
    """Read the files of Enterprise SSO at *paths*.

    Raises:
        ManifestErrors: With every problem of every file.
    """
    importing = _Importing()
    for path in paths:
        try:
            for element in read_elements(path):
                importing.take(element)
        except ManifestErrors as errors:
            importing.problems += errors.problems
    imported = importing.finish()
    if importing.problems:
        raise ManifestErrors(importing.problems, what=WHAT)
    return imported


class _Importing:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._system: list[Draft] = []
        self._groups: dict[str, Draft] = {}
        self._adapters: dict[str, Draft] = {}
        self._applications: dict[str, Draft] = {}
        self._stores: set[str] = set()
        self._adapter_of: dict[str, str] = {}
        self._names = {kind: Names() for kind in ("Adapter", "AdapterGroup", "Application")}
        self._tables = MappingTables()
        self._notes: list[str] = []

    def take(self, element: Element) -> None:
        """Take an element of a file."""
        match element.name:
            case "mapping":
                self._tables.add(element)
            case "application":
                self._take_application(element)
            case "adapter":
                self._take_adapter(element)
            case "adaptergroup":
                draft, problems = group_of(element, self._names["AdapterGroup"])
                self.problems += problems
                self._add(self._groups, draft, element)
            case name if name in _SYSTEM:
                draft, problems = system_of(element)
                self.problems += problems
                self._system.append(draft)
            case name:
                self._notes.append(f"{element.place}: <{name}> has no counterpart")

    def _take_application(self, element: Element) -> None:
        written = element.attributes.get("name", "")
        draft, adapter, problems = application_of(element, self._names["Application"])
        self.problems += problems
        if draft is None:
            self._stores.add(written)
            self._notes.append(f"{element.place}: {written!r} stores configuration, not credentials of people")
            return
        self._add(self._applications, draft, element)
        if adapter:
            self._adapter_of[draft.name] = self._names["Adapter"].of(adapter)

    def _take_adapter(self, element: Element) -> None:
        draft, applications, problems = adapter_of(element, self._names["Adapter"], self._names["AdapterGroup"])
        self.problems += problems
        self._add(self._adapters, draft, element)
        for name in applications:
            self._adapter_of[self._names["Application"].of(name)] = draft.name

    def _add(self, drafts: dict[str, Draft], draft: Draft, element: Element) -> None:
        if draft.name in drafts:
            message = f"{draft.kind} {draft.name} is declared twice"
            self.problems.append(Problem(element.place, message, "give each file once"))
        drafts[draft.name] = draft

    def finish(self) -> Imported:
        """Put everything together, in the order of creation."""
        for draft in [*self._adapters.values()]:
            if group := draft.spec.get("group"):
                self._groups.setdefault(group, Draft("AdapterGroup", group))
        self._assign_adapters()
        for name in self._adapters.keys() & self._groups.keys():
            _make_group_adapter(self._adapters[name])
        mappings = list(self._mappings())
        self.problems += self._tables.problems
        domains = [domain_of(name) for name in sorted(self._domains(mappings))]
        objects = (self._groups, self._adapters, self._applications)
        drafts = [*self._system, *domains, *(drafts[name] for drafts in objects for name in sorted(drafts))]
        return Imported(drafts, mappings, self._notes)

    def _assign_adapters(self) -> None:
        for name, adapter in sorted(self._adapter_of.items()):
            application = self._applications.get(name)
            if application is None:
                continue  # a store of configuration, or not among the files
            if adapter in self._adapters:
                application.spec["adapter"] = adapter
            else:
                application.comments.append(f"its adapter {adapter} is not in these files")

    def _mappings(self) -> Iterator[MappingDraft]:
        names, sets = self._names["Application"], Names()
        for table in self._tables.tables():
            if table.application in self._stores:
                continue
            name = names.of(table.application) if names.has(table.application) else ""
            if name in self._applications:
                yield MappingDraft(sets.of(f"{name}-{table.domain.lower()}"), name, table)
            else:
                message = f"there is no application {table.application!r} in these files"
                self.problems.append(Problem(table.first, message, names.hint(table.application)))

    def _domains(self, mappings: Iterable[MappingDraft]) -> set[str]:
        users = (
            user for draft in self._applications.values() for user in draft.spec.get("access", {}).get("users", ())
        )
        return {user.partition("\\")[0] for user in users} | {draft.table.domain for draft in mappings}


def _make_group_adapter(draft: Draft) -> None:
    for name in _GROUP_ADAPTER_HAS_NOT:
        if draft.spec.pop(name, None):
            draft.comments.append(f"no counterpart: {name} of a group adapter, which is handed no password changes")
