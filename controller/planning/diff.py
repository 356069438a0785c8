"""The difference between two states (decision 3)."""

from collections.abc import Iterable, Iterator

from controller.model.topology import Application, Mapping, Resource
from controller.planning.change import Change, Create, Prune, Replace, Update, resource_order
from controller.planning.state import State


def diff(actual: State, desired: State) -> Iterator[Change]:
    """Yield the changes that turn *actual* into *desired*, in key order: objects by rank and name, then mappings.

    Two laws: ``diff(x, x)`` is empty, and carrying out ``diff(a, b)`` on ``a`` gives ``b``. Mappings of both
    states are read once, side by side, and never held.
    """
    yield from _diff_resources(actual, desired)
    yield from _diff_mappings(actual.mappings, desired.mappings)


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


def _diff_mappings(actual: Iterable[Mapping], desired: Iterable[Mapping]) -> Iterator[Change]:
    old, new = iter(actual), iter(desired)
    before, after = next(old, None), next(new, None)
    while before is not None and after is not None:
        if before == after:  # first, because it is by far the most frequent
            before, after = next(old, None), next(new, None)
        elif before.sort_key < after.sort_key:
            yield Prune(before)
            before = next(old, None)
        elif after.sort_key < before.sort_key:
            yield Create(after)
            after = next(new, None)
        else:
            yield Update(before, after) if before.external == after.external else Replace(before, after)
            before, after = next(old, None), next(new, None)
    while before is not None:
        yield Prune(before)
        before = next(old, None)
    while after is not None:
        yield Create(after)
        after = next(new, None)
