"""The parts of a MappingSet: the mappings written in it, and those of its CSV file."""

import os
import re
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from controller.manifests.batch import SEPARATOR, Batch, PackedMapping, packed, packed_rest
from controller.manifests.contents import Contents
from controller.manifests.csv_file import CsvFile
from controller.manifests.document import Document
from controller.manifests.problems import Place, Problem
from controller.manifests.v1.mapping_set import ORIGIN, MappingSetManifest
from controller.model.accounts import BUILT_IN_NAMES, MAX_ACCOUNT_LENGTH, ExternalAccount, WindowsAccount
from controller.model.errors import InvalidInput

_PLAIN: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}{SEPARATOR}[!-~]{{1,{MAX_ACCOUNT_LENGTH}}}", re.ASCII)
"""A pair of names in which nothing can be wrong but that the first is a built-in account."""


def parts_of_set(manifest: MappingSetManifest, document: Document, contents: Contents) -> Iterator[Batch | Problem]:
    """Yield a batch for each part of a set, and the problems of its entries."""
    entries = _Entries(manifest)
    if manifest.spec.mappings is not None:
        yield from _inline(manifest, entries, document)
    if manifest.spec.csv_file is not None:
        yield from _from_csv(manifest.spec.csv_file, entries, document, contents)


def _inline(manifest: MappingSetManifest, entries: "_Entries", document: Document) -> Iterator[Batch | Problem]:
    mappings, numbers = [], array("Q")
    for number, entry in enumerate(manifest.spec.mappings or ()):
        try:
            mappings.append(entries.pack(entry.windows, entry.external, enabled=entry.enabled))
            numbers.append(number)
        except InvalidInput:
            for column, error in entries.complaints(entry.windows, entry.external):
                place = document.place(("spec", "mappings", number, column))
                yield Problem(place, f"spec.mappings[{number}].{column}: {error.message}", error.hint)
    yield entries.batch(mappings, lambda index: document.place(("spec", "mappings", numbers[index])))


def _from_csv(path: str, entries: "_Entries", document: Document, contents: Contents) -> Iterator[Batch | Problem]:
    shown = _shown(document.value["spec"]["csvFile"], path, document.file)
    text = contents.of_file(path, shown)
    if isinstance(text, Problem):
        yield Problem(document.place(("spec", "csvFile")), f"spec.csvFile: {shown}: {text.message}", text.hint)
        return
    csv_file = CsvFile(text, shown)
    mappings, lines = [], array("Q")
    for windows, external, enabled, line in csv_file.rows():
        try:
            mappings.append(entries.pack(windows, external, enabled=enabled))
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


class _Entries:
    """Makes the mappings of one set."""

    def __init__(self, manifest: MappingSetManifest) -> None:
        self._application, self._domain = manifest.spec.application, manifest.spec.domain
        origin = ORIGIN + manifest.metadata.name
        self._rests = [packed_rest(enabled=enabled, origin=origin) for enabled in (False, True)]

    def pack(self, windows: str, external: str, *, enabled: bool) -> PackedMapping:
        """Return one mapping; raises InvalidInput."""
        if _PLAIN.fullmatch(f"{windows}{SEPARATOR}{external}") and (name := windows.lower()) not in BUILT_IN_NAMES:
            return packed(name, external, self._rests[enabled])
        account = self._account(windows)
        ExternalAccount.parse("", external)
        return packed(account.name, external, self._rests[enabled])

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

    def batch(self, mappings: list[PackedMapping], place: Callable[[int], Place]) -> Batch:
        """Return them as a batch."""
        return Batch(self._application, self._domain, mappings, place)

    def _account(self, text: str) -> WindowsAccount:
        domain, separator, _ = text.partition("\\")
        if not separator:
            return WindowsAccount.parse(f"{self._domain}\\{text}")
        account = WindowsAccount.parse(text)
        if account.domain != self._domain:
            raise InvalidInput(
                f"{domain!r} is not the domain of this set, {self._domain!r}",
                hint="write the bare name of the user, or another set for the other domain",
            )
        return account
