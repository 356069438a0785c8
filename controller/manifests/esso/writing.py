"""Imported documents as text: comments above each, large sets of mappings as CSV."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Final

from controller.manifests.esso.importing import Imported, MappingDraft
from controller.manifests.esso.objects import Draft
from controller.manifests.export import dump_yaml
from controller.manifests.v1.document import API_VERSION
from controller.planning.listing import harmless

MOST_INLINE: Final = 500
"""Mappings of a set that are written into its document, before they go to a CSV file."""
_FILES: Final = {
    "System": "system.yaml",
    "Domain": "domains.yaml",
    "AdapterGroup": "adapters.yaml",
    "Adapter": "adapters.yaml",
    "Application": "applications.yaml",
}


def as_text(imported: Imported) -> str:
    """All of it as one text, with all mappings in it."""
    mappings = (_set_with_mappings(draft) for draft in imported.mappings)
    return "".join((*_notes(imported), *map(_document, imported.drafts), *mappings))


def as_files(imported: Imported) -> Iterator[tuple[str, str]]:
    """Yield names and texts of files for a folder."""
    texts: dict[str, str] = {"system.yaml": "".join(_notes(imported))}
    for draft in imported.drafts:
        file = _FILES[draft.kind]
        texts[file] = texts.get(file, "") + _document(draft)
    for mappings in imported.mappings:
        is_large = len(mappings.table.rows) > MOST_INLINE
        texts["mappings.yaml"] = texts.get("mappings.yaml", "") + (
            _set_with_file(mappings) if is_large else _set_with_mappings(mappings)
        )
        if is_large:
            yield _csv_name(mappings), _csv(mappings)
    yield from ((file, text) for file, text in texts.items() if text)


def _notes(imported: Imported) -> Iterator[str]:
    notes = list(imported.notes)
    if not any(draft.kind == "System" for draft in imported.drafts):
        notes.append("no settings of the system were given: until a System is declared, nothing is synchronised")
    yield from (_comment(note) for note in notes)


def _document(draft: Draft) -> str:
    comments = "".join(_comment(comment) for comment in draft.comments)
    return dump_yaml([draft.document()]).replace("---\n", f"---\n{comments}", 1)


def _comment(text: str) -> str:
    return f"# {harmless(text)}\n"


def _set(draft: MappingDraft, **more: object) -> str:
    spec = {"application": draft.application, "domain": draft.table.domain, **more}
    return dump_yaml(
        [{"apiVersion": API_VERSION, "kind": "MappingSet", "metadata": {"name": draft.name}, "spec": spec}]
    )


def _set_with_file(mappings: MappingDraft) -> str:
    return _set(mappings, csvFile=_csv_name(mappings))


def _set_with_mappings(mappings: MappingDraft) -> str:
    rows = zip(mappings.table.rows, mappings.table.enabled, strict=True)
    entries = [
        {"windows": windows, "external": external} | ({} if enabled else {"enabled": False})
        for (windows, external), enabled in rows
    ]
    return _set(mappings, mappings=entries)


def _csv_name(mappings: MappingDraft) -> str:
    return f"{mappings.name}.csv"


def _csv(mappings: MappingDraft) -> str:
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    table = mappings.table
    if all(table.enabled):
        writer.writerows([("windows", "external"), *table.rows])
    else:
        writer.writerow(("windows", "external", "enabled"))
        rows = zip(table.rows, table.enabled, strict=True)
        writer.writerows((windows, external, "true" if enabled else "false") for (windows, external), enabled in rows)
    return text.getvalue()
