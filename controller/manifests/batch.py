"""Mappings as declared, packed: those of Mapping documents, or of one part of a MappingSet, with the place of each.

A packed mapping is one text: name and external account, each ended by a zero character, then ``1`` or ``0`` for
enabled, then its origin. No name has control characters, so that these texts sort as the mappings do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from controller.manifests.problems import Place

SEPARATOR: Final = "\0"
PackedMapping = str


@dataclass(frozen=True, slots=True)
class Batch:
    """Mappings of one application and one domain, in the order of their file.

    Attributes:
        place: Tells where the mapping with a given index stands.
    """

    application: str
    domain: str
    mappings: list[PackedMapping]
    place: Callable[[int], Place]


def packed(name: str, external: str, rest: str) -> PackedMapping:
    """One mapping; *rest* comes from ``packed_rest``."""
    return f"{name}{SEPARATOR}{external}{SEPARATOR}{rest}"


def packed_rest(*, enabled: bool, origin: str) -> str:
    """What the mappings of one set have in common."""
    return f"{enabled:d}{origin}"
