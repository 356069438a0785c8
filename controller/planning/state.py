"""Desired and actual state are one type (decision 3)."""

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field

from controller.model.topology import Key, Mapping, Resource


@dataclass(frozen=True, slots=True)
class State:
    """A topology, wanted or actual.

    Attributes:
        resources: All objects but mappings.
        mappings: All mappings in the order of ``Mapping.sort_key``; may be iterated again and again, and may
            stream, so that a million of them need not be in memory.
        mark: Equal marks of one origin mean equal mappings; empty where nothing tells that without reading them.
    """

    resources: ReadOnlyMapping[Key, Resource] = field(default_factory=dict)
    mappings: Iterable[Mapping] = ()
    mark: str = field(default="", compare=False)
