"""Which mappings may stand beside each other in one application (behaviours A6 and A8)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Literal, assert_never

from controller.manifests.batch import SEPARATOR, Batch
from controller.manifests.packing import Group
from controller.manifests.problems import Place, Problem
from controller.model.topology import Application

_Type = Literal["individual", "group", "hostGroup"]


def clashes(
    batches: Sequence[Batch], groups: Iterable[Group], applications: Mapping[str, Application]
) -> Iterator[Problem]:
    """Yield a problem for each mapping that may not stand beside an earlier one; both places are named.

    individual: each Windows account once, each external account once (A6). group: each Windows account once, all with
    the one external account of the application. hostGroup: each external account once, all with the one Windows
    account of the application (A8). An application that could not be read: the same mapping once.

    Args:
        batches: All mappings, in the order of their files.
        groups: The same, in order of their accounts.
        applications: Those that are declared.
    """
    for name, parts in groupby(groups, key=lambda group: group.application):
        application = applications.get(name)
        type_ = application.type if application is not None else None
        if not _are_compatible(list(parts), type_):
            yield from _Ledger([batch for batch in batches if batch.application == name]).clashes(type_)


def _are_compatible(groups: Sequence[Group], application_type: _Type | None) -> bool:
    """Whether nothing clashes, found out in little memory; if something does, the ledger says what and where."""
    match application_type:
        case "individual":
            externals = {external for group in groups for external in group.externals()}
            return all(map(_has_each_name_once, groups)) and len(externals) == sum(len(g.mappings) for g in groups)
        case "group":
            externals = {external for group in groups for external in group.externals()}
            return all(map(_has_each_name_once, groups)) and len(externals) <= 1
        case "hostGroup":
            accounts = {(group.domain, name) for group in groups for name in group.names()}
            return len(accounts) <= 1 and all(map(_has_each_pair_once, groups))
        case None:
            return all(map(_has_each_pair_once, groups))
        case _:
            assert_never(application_type)


def _has_each_name_once(group: Group) -> bool:
    return all(one != other for one, other in pairwise(group.names()))


def _has_each_pair_once(group: Group) -> bool:
    pairs = (mapping.split(SEPARATOR, 2)[:2] for mapping in group.mappings)
    return all(one != other for one, other in pairwise(pairs))


class _Ledger:
    """The mappings of one application, numbered through all its batches."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches
        self._application = batches[0].application
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
        seen_windows: dict[str, int] = {}
        seen_external: dict[str, int] = {}
        for number, (windows, external) in enumerate(self._pairs()):
            if (first := seen_windows.setdefault(windows, number)) != number:
                yield self._mapped_twice(windows, first, number)
            elif (first := seen_external.setdefault(external, number)) != number:
                yield self._shared(external, first, number)

    def _of_group(self) -> Iterator[Problem]:
        seen: dict[str, int] = {}
        shared: str | None = None
        for number, (windows, external) in enumerate(self._pairs()):
            shared = external if shared is None else shared
            if (first := seen.setdefault(windows, number)) != number:
                yield self._mapped_twice(windows, first, number)
            elif external != shared:
                yield self._second_of_group(external, number)

    def _of_host_group(self) -> Iterator[Problem]:
        seen: dict[str, int] = {}
        host: str | None = None
        for number, (windows, external) in enumerate(self._pairs()):
            host = windows if host is None else host
            if (first := seen.setdefault(external, number)) != number:
                yield self._external_twice(external, first, number)
            elif windows != host:
                yield self._second_host(windows, number)

    def _of_unknown(self) -> Iterator[Problem]:
        seen: dict[tuple[str, str], int] = {}
        for number, (windows, external) in enumerate(self._pairs()):
            if (first := seen.setdefault((windows, external), number)) != number:
                yield self._mapped_twice(windows, first, number)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """Windows and external account of each."""
        for batch in self._batches:
            for mapping in batch.mappings:
                name, external, _ = mapping.split(SEPARATOR, 2)
                yield f"{batch.domain}\\{name}", external

    def _place(self, number: int) -> Place:
        position = bisect_right(self._starts, number) - 1
        return self._batches[position].place(number - self._starts[position])

    def _mapped_twice(self, windows: str, first: int, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"{windows} is mapped twice in application {self._application}, first at {self._place(first)}",
            "remove one of the two mappings",
        )

    def _external_twice(self, external: str, first: int, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"external account {external!r} is mapped twice in host group application {self._application}, "
            f"first at {self._place(first)}",
            "remove one of the two mappings",
        )

    def _second_of_group(self, external: str, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"group application {self._application} has a second external account {external!r}, "
            f"the first is at {self._place(0)}",
            "the Windows accounts of a group application share one; type: individual gives each its own",
        )

    def _shared(self, external: str, first: int, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"external account {external!r} of application {self._application} is mapped to a second Windows "
            f"account, first at {self._place(first)}",
            "an individual application maps accounts one to one, both ways; type: group lets accounts share one",
        )

    def _second_host(self, windows: str, number: int) -> Problem:
        return Problem(
            self._place(number),
            f"host group application {self._application} has a second Windows account {windows}, "
            f"the first is at {self._place(0)}",
            "a host group application has one Windows account",
        )
