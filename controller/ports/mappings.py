"""Mappings of the actual topology."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.model.accounts import WindowsAccount
from controller.model.topology import Mapping


@dataclass(frozen=True, slots=True)
class MappingQuery:
    """Which mappings to list, in order.

    Attributes:
        applications: Only of these; None means of any.
        windows: Only of this account.
        external: Only of this external account.
        after: The ``sort_key`` behind which to go on; of empty names: from the start.
    """

    applications: tuple[str, ...] | None = None
    windows: WindowsAccount | None = None
    external: str = ""
    after: tuple[str, str, str] = ("", "", "")
    limit: int = 100


class Mappings(Protocol):
    """Mappings of the actual topology, each (application, Windows account, external account) once."""

    def scan(self) -> Iterator[Mapping]:
        """All, in the order of ``Mapping.sort_key``, streamed."""

    def find(self, query: MappingQuery) -> list[Mapping]:
        """Some, in that order."""

    def revision(self) -> int | None:
        """Grows with every change, of one transaction or of a hand; None where nothing counts them."""

    def count(self) -> int:
        """How many there are."""

    def of_windows(self, account: WindowsAccount) -> list[Mapping]:
        """Those of one Windows account, in order."""

    def of_external(self, applications: Sequence[str], external: str) -> list[Mapping]:
        """Those of one external account inside the given applications, in order."""

    def put(self, mappings: Iterable[Mapping]) -> None:
        """Insert or replace many."""

    def remove(self, mappings: Iterable[Mapping]) -> None:
        """Delete many (by application and both accounts); no error when one is not there."""
