"""Mappings of the actual topology."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from controller.model.accounts import WindowsAccount
from controller.model.topology import Mapping


class Mappings(Protocol):
    """Mappings of the actual topology, each (application, Windows account, external account) once."""

    def scan(self) -> Iterator[Mapping]:
        """All, in the order of ``Mapping.sort_key``, streamed."""

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
