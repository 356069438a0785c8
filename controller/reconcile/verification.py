"""A plan may come from a file that somebody edited: what it says of the actual state must be so."""

from typing import assert_never

from controller.model.accounts import WindowsAccount
from controller.model.errors import UnsafePlan
from controller.model.topology import Mapping, Resource
from controller.planning.change import Change, Create, Prune, Replace, Subject
from controller.planning.diff import host_groups
from controller.planning.digest import Tally
from controller.planning.plan import Plan
from controller.planning.state import State

Place = tuple[str, WindowsAccount, str]
_HINT = "plan again and review"


def verify(plan: Plan, actual: State) -> None:
    """Make sure that *plan* starts from *actual*, shows of it what is there, and removes nothing that is protected.

    Raises:
        UnsafePlan: Otherwise. What was shown for review is then not what would happen.
    """
    tally = Tally(actual)
    places = _Places(plan, actual)
    claimed = {places.of(m) for c in plan.changes if isinstance(m := _start(c), Mapping)}
    found: dict[Place, list[Mapping]] = {}
    for mapping in tally.mappings():
        if claimed and (place := places.of(mapping)) in claimed:
            found.setdefault(place, []).append(mapping)
    if tally.digest() != plan.actual_digest:
        raise UnsafePlan("the actual state has moved on since the plan was made", hint=_HINT)
    for change in plan.changes:
        start = _start(change)
        match start:
            case Mapping():
                there = found.get(places.of(start), [])
                _verify_change(change, start if start in there else next(iter(there), None))
            case Resource():
                _verify_change(change, actual.resources.get(start.key))
            case _:
                assert_never(start)


class _Places:
    """Where a mapping stands: no other one of an application may have its Windows account, but in a host group."""

    def __init__(self, plan: Plan, actual: State) -> None:
        declared = (c.subject for c in plan.changes)
        self._hosts = host_groups([*actual.resources.values(), *(s for s in declared if isinstance(s, Resource))])

    def of(self, mapping: Mapping) -> Place:
        """The place of a mapping."""
        external = mapping.external if mapping.application in self._hosts else ""
        return mapping.application, mapping.windows, external


def _start(change: Change) -> Subject:
    """What the change claims to be there; of a creation what shall be, where nothing is."""
    return change.after if isinstance(change, Create) else change.before


def _verify_change(change: Change, there: Subject | None) -> None:
    if _before(change) != there:
        raise UnsafePlan(f"the plan does not show {change.key} as it is: the plan was altered", hint=_HINT)
    if isinstance(change, Prune | Replace) and isinstance(there, Resource) and there.is_protected:
        raise UnsafePlan(f"{change.key} is protected, which the plan does not tell: the plan was altered", hint=_HINT)


def _before(change: Change) -> Subject | None:
    return None if isinstance(change, Create) else change.before
