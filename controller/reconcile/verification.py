"""A plan may come from a file that somebody edited: what it says of the actual state must be so."""

from typing import assert_never

from controller.model.errors import UnsafePlan
from controller.model.topology import Mapping, Resource
from controller.planning.change import Change, Create, Prune, Replace, Subject
from controller.planning.digest import Tally
from controller.planning.plan import Plan
from controller.planning.state import State

_HINT = "plan again and review"


def verify(plan: Plan, actual: State) -> None:
    """Make sure that *plan* starts from *actual*, shows of it what is there, and removes nothing that is protected.

    Raises:
        UnsafePlan: Otherwise. What was shown for review is then not what would happen.
    """
    tally = Tally(actual)
    claimed = {c.subject.sort_key for c in plan.changes if isinstance(c.subject, Mapping)}
    found = {m.sort_key: m for m in tally.mappings() if claimed and m.sort_key in claimed}
    if tally.digest() != plan.actual_digest:
        raise UnsafePlan("the actual state has moved on since the plan was made", hint=_HINT)
    for change in plan.changes:
        match change.subject:
            case Mapping() as mapping:
                _verify_change(change, found.get(mapping.sort_key))
            case Resource() as resource:
                _verify_change(change, actual.resources.get(resource.key))
            case _:
                assert_never(change.subject)


def _verify_change(change: Change, there: Subject | None) -> None:
    if _before(change) != there:
        raise UnsafePlan(f"the plan does not show {change.key} as it is: the plan was altered", hint=_HINT)
    if isinstance(change, Prune | Replace) and isinstance(there, Resource) and there.is_protected:
        raise UnsafePlan(f"{change.key} is protected, which the plan does not tell: the plan was altered", hint=_HINT)


def _before(change: Change) -> Subject | None:
    return None if isinstance(change, Create) else change.before
