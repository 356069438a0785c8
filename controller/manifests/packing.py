"""All mappings that are declared, packed and in order: a million of them take 40 MB, and are unpacked as they pass."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from controller.manifests.batch import SEPARATOR, Batch, PackedMapping
from controller.model.accounts import WindowsAccount
from controller.model.topology import Mapping

_TOGETHER = 1000
"""Mappings in one text; each text by itself costs some fifty bytes."""


@dataclass(frozen=True, slots=True)
class Group:
    """All mappings of one application and one domain, in order."""

    application: str
    domain: str
    mappings: list[PackedMapping]

    def names(self) -> Iterator[str]:
        """The names of the Windows accounts."""
        return (mapping.partition(SEPARATOR)[0] for mapping in self.mappings)

    def externals(self) -> Iterator[str]:
        """The external accounts."""
        return (mapping.split(SEPARATOR, 2)[1] for mapping in self.mappings)


def grouped(batches: Iterable[Batch]) -> list[Group]:
    """Put the mappings of *batches* together by application and domain, in the order of mappings everywhere."""
    found: dict[tuple[str, str], list[Batch]] = {}
    for batch in batches:
        found.setdefault((batch.application, batch.domain), []).append(batch)
    # Windows accounts are compared with their domain and the backslash after it.
    keys = sorted(found, key=lambda key: (key[0], key[1] + "\\"))
    return [Group(*key, sorted(mapping for batch in found[key] for mapping in batch.mappings)) for key in keys]


class PackedMappings:
    """The mappings of *groups*, unpacked anew with each iteration."""

    __slots__ = ("_count", "_groups")

    def __init__(self, groups: Iterable[Group]) -> None:
        self._count = 0
        self._groups = [(group.application, group.domain, self._texts(group)) for group in groups]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Mapping]:
        for application, domain, texts in self._groups:
            for text in texts:
                yield from _unpacked(application, domain, text)

    def _texts(self, group: Group) -> list[str]:
        self._count += len(group.mappings)
        mappings = iter(group.mappings)
        return list(iter(lambda: "\n".join(islice(mappings, _TOGETHER)), ""))


def _unpacked(application: str, domain: str, text: str) -> Iterator[Mapping]:
    for line in text.split("\n"):
        name, external, rest = line.split(SEPARATOR, 2)
        yield Mapping(application, WindowsAccount(domain, name), external, rest[0] == "1", rest[1:])
