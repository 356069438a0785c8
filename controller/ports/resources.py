"""The objects of the actual topology, and the adapters among them that an operator has disabled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.model.topology import Key, Resource


class Resources(Protocol):
    """The objects of the actual topology, without mappings."""

    def read(self) -> dict[Key, Resource]:
        """All objects.

        Raises:
            StoreUnusable: A row cannot be read; the message names it.
        """

    def revision(self) -> int:
        """Grows with every ``put`` and ``remove``; equal revisions mean equal objects."""

    def drifted(self) -> set[Key]:
        """Objects whose row was altered by something other than ``put``."""

    def put(self, resource: Resource, revision: str = "") -> None:
        """Insert or replace; the object's generation grows when its spec differs.

        *revision* tells which manifests it comes from; without one, that of before stays.
        """

    def remove(self, key: Key) -> None:
        """Delete; no error when it is not there."""

    def records(self) -> "dict[Key, ResourceRecord]":
        """All objects with what the store knows about them.

        Raises:
            StoreUnusable: A row cannot be read; the message names it.
        """

    def describe(self, key: Key) -> "ResourceRecord | None":
        """The object with what the store knows about it; None when it is not there."""


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """An object and its bookkeeping.

    Attributes:
        revision: The revision of the manifests that wrote it last; empty when no apply did.
    """

    resource: Resource
    generation: int
    updated_at: datetime
    has_drifted: bool
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Suspension:
    """An operator's word that an adapter takes no part, although its manifest enables it."""

    adapter: str
    principal: str
    since: datetime


class Suspensions(Protocol):
    """Adapters that an operator has disabled. ``Resources.revision`` grows with these too."""

    def read(self) -> dict[str, Suspension]:
        """All, by name of the adapter."""

    def put(self, adapter: str, principal: str) -> None:
        """Disable; the first one's word stays when there is one already."""

    def remove(self, adapter: str) -> bool:
        """Enable again; tell whether it was disabled."""
