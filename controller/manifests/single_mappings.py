"""The Mapping documents, in as few batches as their order allows."""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from controller.manifests.batch import Batch, PackedMapping, packed, packed_rest
from controller.manifests.document import Document
from controller.manifests.plain_mapping import PlainMapping
from controller.manifests.v1.document import is_name
from controller.manifests.v1.mapping import MappingManifest, origin_of
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.errors import InvalidInput

_WINDOWS = ("spec", "windowsAccount")


class SingleMappings:
    """Adds the mappings of documents to *batches*.

    Those of one application and domain share a batch, as long as none of that application comes in between from
    elsewhere: of two mappings that clash, the later one is blamed.
    """

    def __init__(self, batches: list[Batch]) -> None:
        self._batches = batches
        self._documents: dict[int, list[Document | PlainMapping]] = {}
        self._last: dict[str, Batch] = {}
        self._looked_at = 0

    def add(self, manifest: MappingManifest, document: Document) -> None:
        """Take one document."""
        mapping = manifest.spec.compile(manifest.metadata.name)
        rest = packed_rest(enabled=mapping.enabled, origin=mapping.origin)
        row = packed(mapping.windows.name, mapping.external, rest)
        self._take(mapping.application, mapping.windows.domain, row, document)

    def add_plain(self, plain: PlainMapping) -> bool:
        """Take one that was recognised without the parser; False when it is not valid, whatever the reason."""
        try:
            windows = WindowsAccount.parse(plain.windows)
            ExternalAccount.parse("", plain.external)
        except InvalidInput:
            return False
        if plain.name is not None and not is_name(plain.name):
            return False
        rest = packed_rest(enabled=plain.enabled, origin=origin_of(plain.name, plain.application, windows))
        self._take(plain.application, windows.domain, packed(windows.name, plain.external, rest), plain)
        return True

    def _take(self, application: str, domain: str, mapping: PackedMapping, document: Document | PlainMapping) -> None:
        batch = self._batch(application, domain)
        batch.mappings.append(mapping)
        self._documents[id(batch)].append(document)

    def _batch(self, application: str, domain: str) -> Batch:
        if self._looked_at != len(self._batches):
            self._last.update((batch.application, batch) for batch in islice(self._batches, self._looked_at, None))
            self._looked_at = len(self._batches)
        last = self._last.get(application)
        if last is not None and last.domain == domain and id(last) in self._documents:
            return last
        documents: list[Document | PlainMapping] = []
        batch = Batch(application, domain, [], lambda index: documents[index].place(_WINDOWS))
        self._batches.append(batch)
        self._documents[id(batch)] = documents
        return batch

    def undeclared(self, names: Mapping[str, Collection[str]]) -> Iterator[Document]:
        """Yield the documents whose application, or domain, is not among *names* (by kind)."""
        applications, domains = names.get("Application", ()), names.get("Domain", ())
        for batch in self._batches:
            if batch.application not in applications or batch.domain not in domains:
                for document in self._documents.get(id(batch), ()):
                    yield document if isinstance(document, Document) else document.document()
