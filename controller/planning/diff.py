"""The difference between two states (decision 3)."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from controller.model.topology import Application, Mapping, Resource
from controller.planning.change import Change, Create, Prune, Replace, Update, resource_order
from controller.planning.state import State


def diff(actual: State, desired: State) -> Iterator[Change]:
    """Yield the changes that turn *actual* into *desired*, in key order: objects by rank and name, then mappings.

    Two laws: ``diff(x, x)`` is empty, and carrying out ``diff(a, b)`` on ``a`` gives ``b``. Mappings of both
    states are read once, side by side, and never held.
    """
    yield from _diff_resources(actual, desired)
    hosts = host_groups([*actual.resources.values(), *desired.resources.values()])
    yield from _diff_mappings(_Reading(actual.mappings), _Reading(desired.mappings), hosts)


def _diff_resources(actual: State, desired: State) -> Iterator[Change]:
    for key in sorted(actual.resources.keys() | desired.resources.keys(), key=resource_order):
        if key not in actual.resources:
            yield Create(desired.resources[key])
        elif key not in desired.resources:
            yield Prune(actual.resources[key])
        elif (before := actual.resources[key]) != (after := desired.resources[key]):
            yield Replace(before, after) if _needs_replacement(before, after) else Update(before, after)


def _needs_replacement(before: Resource, after: Resource) -> bool:
    """Whether it differs in what never changes after creation (A5). A changed name is another key anyway."""
    match before.spec, after.spec:
        case Application() as old, Application() as new:
            return (old.type, old.fields) != (new.type, new.fields)
        case _:
            return False


def host_groups(resources: Iterable[Resource]) -> set[str]:
    """Applications in which one Windows account has many external accounts, each with a mapping of its own."""
    return {r.name for r in resources if isinstance(r.spec, Application) and r.spec.is_host_group}


class _Reading:
    """A stream of mappings, read one by one.

    Attributes:
        here: The mapping that it stands at; None at the end.
        following: The one after it.
    """

    __slots__ = ("_rest", "following", "here")

    def __init__(self, mappings: Iterable[Mapping]) -> None:
        self._rest = iter(mappings)
        self.here = next(self._rest, None)
        self.following = next(self._rest, None)

    def advance(self) -> None:
        """Go on to the next mapping."""
        self.here, self.following = self.following, next(self._rest, None)

    def is_last_of(self, mapping: Mapping) -> bool:
        """Whether the one after it is not of the same application and Windows account as *mapping*."""
        return self.following is None or not _is_of_one_account(self.following, mapping)


def _diff_mappings(old: _Reading, new: _Reading, hosts: AbstractSet[str]) -> Iterator[Change]:
    while (before := old.here) is not None and (after := new.here) is not None:
        if before == after:  # first, because it is by far the most frequent
            old.advance()
            new.advance()
        elif before.sort_key == after.sort_key:
            yield Update(before, after)
            old.advance()
            new.advance()
        elif _is_moved(old, new, before, after) and before.application not in hosts:
            yield Replace(before, after)
            old.advance()
            new.advance()
        elif before.sort_key < after.sort_key:
            yield Prune(before)
            old.advance()
        else:
            yield Create(after)
            new.advance()
    yield from _rest(old, new)


def _is_moved(old: _Reading, new: _Reading, before: Mapping, after: Mapping) -> bool:
    """Whether a Windows account that has one mapping here and there is mapped to another external account."""
    return _is_of_one_account(before, after) and old.is_last_of(before) and new.is_last_of(after)


def _is_of_one_account(one: Mapping, other: Mapping) -> bool:
    return one.application == other.application and one.windows == other.windows


def _rest(old: _Reading, new: _Reading) -> Iterator[Change]:
    while (before := old.here) is not None:
        yield Prune(before)
        old.advance()
    while (after := new.here) is not None:
        yield Create(after)
        new.advance()
