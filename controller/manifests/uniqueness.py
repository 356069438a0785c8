"""Which mappings may stand beside each other in one application (behaviours A6 and A8)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, assert_never

from controller.manifests.batch import Batch
from controller.manifests.problems import Place, Problem
from controller.model.accounts import WindowsAccount
from controller.model.topology import Application
from controller.model.topology import Mapping as AccountMapping

_Type = Literal["individual", "group", "hostGroup"]


def clashes(batches: Sequence[Batch], applications: Mapping[str, Application]) -> Iterator[Problem]:
    """Yield a problem for each mapping that may not stand beside an earlier one; both places are named.

    individual: each Windows account once, each external account once (A6). group: each Windows account once, all with
    the one external account of the application. hostGroup: each external account once, all with the one Windows
    account of the application (A8). An application that could not be read: the same mapping once.
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
        match application_type:
            case "individual":
                return self._of_individual()
            case "group":
                return self._of_group()
            case "hostGroup":
                return self._of_host_group()
            case None:
                return self._of_unknown()
            case _:
                assert_never(application_type)

    def _of_individual(self) -> Iterator[Problem]:
        windows: dict[WindowsAccount, int] = {}
        external: dict[str, int] = {}
        for number, mapping in enumerate(self._mappings()):
            if (first := windows.setdefault(mapping.windows, number)) != number:
                yield self._mapped_twice(mapping, first, number)
            elif (first := external.setdefault(mapping.external, number)) != number:
                yield self._shared(mapping, first, number)

    def _of_group(self) -> Iterator[Problem]:
        windows: dict[WindowsAccount, int] = {}
        shared: str | None = None
        for number, mapping in enumerate(self._mappings()):
            shared = mapping.external if shared is None else shared
            if (first := windows.setdefault(mapping.windows, number)) != number:
                yield self._mapped_twice(mapping, first, number)
            elif mapping.external != shared:
                yield self._second_of_group(mapping, number)

    def _of_host_group(self) -> Iterator[Problem]:
        external: dict[str, int] = {}
        host: WindowsAccount | None = None
        for number, mapping in enumerate(self._mappings()):
            host = mapping.windows if host is None else host
            if (first := external.setdefault(mapping.external, number)) != number:
                yield self._external_twice(mapping, first, number)
            elif mapping.windows != host:
                yield self._second_host(mapping, number)

    def _of_unknown(self) -> Iterator[Problem]:
        pairs: dict[tuple[WindowsAccount, str], int] = {}
        for number, mapping in enumerate(self._mappings()):
            if (first := pairs.setdefault((mapping.windows, mapping.external), number)) != number:
                yield self._mapped_twice(mapping, first, number)

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

    def _external_twice(self, mapping: AccountMapping, first: int, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"external account {mapping.external!r} is mapped twice in host group application {mapping.application}, "
            f"first at {self._place(first)}",
            "remove one of the two mappings",
        )

    def _second_of_group(self, mapping: AccountMapping, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"group application {mapping.application} has a second external account {mapping.external!r}, "
            f"the first is at {self._place(0)}",
            "the Windows accounts of a group application share one; type: individual gives each its own",
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
