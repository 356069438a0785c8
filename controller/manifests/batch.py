"""Mappings as declared: those of one Mapping, or of one part of a MappingSet, with the place of each."""

import os
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from controller.manifests.csv_file import CsvFile
from controller.manifests.document import Document
from controller.manifests.problems import Place, Problem
from controller.manifests.source import read_file
from controller.manifests.v1.mapping import MappingManifest
from controller.manifests.v1.mapping_set import ORIGIN, MappingSetManifest, MappingSetSpec
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.errors import InvalidInput
from controller.model.topology import Mapping


@dataclass(frozen=True, slots=True)
class Batch:
    """Mappings of one application and one domain.

    Attributes:
        place: Tells where the mapping with a given index stands.
    """

    application: str
    domain: str
    mappings: list[Mapping]
    place: Callable[[int], Place]


def batch_of_mapping(manifest: MappingManifest, document: Document) -> Batch:
    """Return the batch of a single mapping."""
    mapping = manifest.spec.compile(manifest.metadata.name)
    path = ("spec", "windowsAccount")
    return Batch(mapping.application, mapping.windows.domain, [mapping], lambda _: document.place(path))


def batches_of_set(manifest: MappingSetManifest, document: Document) -> Iterator[Batch | Problem]:
    """Yield a batch for each part of a set, and the problems of its entries."""
    entries = _Entries(manifest.spec, ORIGIN + manifest.metadata.name)
    if manifest.spec.mappings is not None:
        yield from _inline(entries, document)
    if manifest.spec.csv_file is not None:
        yield from _from_csv(entries, manifest.spec.csv_file, document)


def _inline(entries: "_Entries", document: Document) -> Iterator[Batch | Problem]:
    mappings, numbers = [], array("Q")
    for number, entry in enumerate(entries.spec.mappings or ()):
        try:
            mappings.append(entries.read(entry.windows, entry.external, entry.enabled))
            numbers.append(number)
        except InvalidInput:
            for column, error in entries.complaints(entry.windows, entry.external):
                place = document.place(("spec", "mappings", number, column))
                yield Problem(place, f"spec.mappings[{number}].{column}: {error.message}", error.hint)
    yield entries.batch(mappings, lambda index: document.place(("spec", "mappings", numbers[index])))


def _from_csv(entries: "_Entries", path: str, document: Document) -> Iterator[Batch | Problem]:
    shown = _shown(document.value["spec"]["csvFile"], path, document.file)
    text = read_file(path, shown)
    if isinstance(text, Problem):
        yield Problem(document.place(("spec", "csvFile")), f"spec.csvFile: {shown}: {text.message}", text.hint)
        return
    csv_file = CsvFile(text, shown)
    mappings, lines = [], array("Q")
    for windows, external, enabled, line in csv_file.rows():
        try:
            mappings.append(entries.read(windows, external, enabled))
            lines.append(line)
        except InvalidInput:
            for column, error in entries.complaints(windows, external):
                yield Problem(csv_file.place(line, column), f"{column}: {error.message}", error.hint)
    yield from csv_file.problems
    yield entries.batch(mappings, lambda index: csv_file.place(lines[index], "windows"))


def _shown(written: str, path: str, manifest: str) -> str:
    """Name a CSV file as its manifest is named: relative when both are written so."""
    if manifest.startswith("<") or Path(written).expanduser().is_absolute():
        return path
    return os.path.normpath(Path(manifest).parent / written)


@dataclass(frozen=True, slots=True)
class _Entries:
    """Makes the mappings of one set."""

    spec: MappingSetSpec
    origin: str

    def read(self, windows: str, external: str, enabled: bool) -> Mapping:
        """Return one mapping; raises InvalidInput."""
        account = self._account(windows)
        ExternalAccount.parse("", external)
        return Mapping(self.spec.application, account, external, enabled, self.origin)

    def complaints(self, windows: str, external: str) -> Iterator[tuple[str, InvalidInput]]:
        """Yield what is wrong with each column."""
        for column, check in (
            ("windows", lambda: self._account(windows)),
            ("external", lambda: ExternalAccount.parse("", external)),
        ):
            try:
                check()
            except InvalidInput as error:
                yield column, error

    def batch(self, mappings: list[Mapping], place: Callable[[int], Place]) -> Batch:
        """Return them as a batch."""
        return Batch(self.spec.application, self.spec.domain, mappings, place)

    def _account(self, text: str) -> WindowsAccount:
        domain, separator, _ = text.partition("\\")
        if not separator:
            return WindowsAccount.parse(f"{self.spec.domain}\\{text}")
        account = WindowsAccount.parse(text)
        if account.domain != self.spec.domain:
            raise InvalidInput(
                f"{domain!r} is not the domain of this set, {self.spec.domain!r}",
                hint="write the bare name of the user, or another set for the other domain",
            )
        return account
