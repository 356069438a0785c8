"""Which mappings may stand beside each other in one application (behaviours A6 and A8)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from controller.manifests.batch import Batch
from controller.manifests.problems import Place, Problem
from controller.model.accounts import WindowsAccount
from controller.model.topology import Application
from controller.model.topology import Mapping as AccountMapping

_Type = Literal["individual", "group", "hostGroup"]


def clashes(batches: Sequence[Batch], applications: Mapping[str, Application]) -> Iterator[Problem]:
    """Yield a problem for each mapping that may not stand beside an earlier one; both places are named.

    In every application a Windows account is mapped once. In an individual application an external account is, too
    (A6); a group application maps many Windows accounts to one external account; a host group application has one
    Windows account (A8).
    """
    by_application: dict[str, list[Batch]] = {}
    for batch in batches:
        by_application.setdefault(batch.application, []).append(batch)
    for name, parts in by_application.items():
        application = applications.get(name)
        yield from _Ledger(parts).clashes(application.type if application is not None else None)


class _Ledger:
    """The mappings of one application, numbered through all its batches."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches
        self._starts = []
        total = 0
        for batch in batches:
            self._starts.append(total)
            total += len(batch.mappings)

    def clashes(self, application_type: _Type | None) -> Iterator[Problem]:
        windows: dict[WindowsAccount, int] = {}
        external: dict[str, int] = {}
        for number, mapping in enumerate(self._mappings()):
            if (first := windows.setdefault(mapping.windows, number)) != number:
                yield self._mapped_twice(mapping, first, number)
            elif application_type == "individual":
                if (first := external.setdefault(mapping.external, number)) != number:
                    yield self._shared(mapping, first, number)
            elif application_type == "hostGroup" and len(windows) > 1:
                yield self._second_host(mapping, number)

    def _mappings(self) -> Iterable[AccountMapping]:
        return (mapping for batch in self._batches for mapping in batch.mappings)

    def _place(self, number: int) -> Place:
        position = bisect_right(self._starts, number) - 1
        return self._batches[position].place(number - self._starts[position])

    def _mapped_twice(self, mapping: AccountMapping, first: int, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"{mapping.windows} is mapped twice in application {mapping.application}, first at {self._place(first)}",
            "remove one of the two mappings",
        )

    def _shared(self, mapping: AccountMapping, first: int, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"external account {mapping.external!r} of application {mapping.application} is mapped to a second Windows "
            f"account, first at {self._place(first)}",
            "an individual application maps accounts one to one, both ways; type: group lets accounts share one",
        )

    def _second_host(self, mapping: AccountMapping, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"host group application {mapping.application} has a second Windows account {mapping.windows}, "
            f"the first is at {self._place(0)}",
            "a host group application has one Windows account",
        )
