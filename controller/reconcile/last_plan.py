"""Planning that does not compare again what has not changed since: a million mappings need not be read to find none."""

from collections.abc import Mapping as ReadOnlyMapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from controller.model.topology import Key, ReconcilePolicy, Resource
from controller.planning.plan import Plan, make_plan
from controller.planning.state import State


@dataclass(frozen=True, slots=True)
class _Grounds:
    """What a plan follows from: planning is a pure function of this."""

    actual: ReadOnlyMapping[Key, Resource]
    actual_mappings: str
    desired: ReadOnlyMapping[Key, Resource]
    desired_mappings: str
    policy: ReconcilePolicy
    drifted: AbstractSet[Key]
    heal: bool


class LastPlan:
    """Makes plans, and remembers the last one if it found no difference. Used by one thread at a time."""

    def __init__(self) -> None:
        self._grounds: _Grounds | None = None
        self._plan: Plan | None = None

    def make(
        self, actual: State, desired: State, policy: ReconcilePolicy, drifted: AbstractSet[Key], *, heal: bool
    ) -> Plan:
        """Plan; the last plan again, without reading any mapping, when it would be the same.

        Raises:
            InvalidInput: The mappings of a state are not in order.
        """
        grounds = _Grounds(actual.resources, actual.mark, desired.resources, desired.mark, policy, drifted, heal)
        if self._plan is not None and grounds == self._grounds:
            return self._plan
        plan = make_plan(actual, desired, policy, drifted, heal=heal)
        is_kept = bool(actual.mark and desired.mark) and not plan.changes and not plan.left_out
        self._grounds, self._plan = (grounds, plan) if is_kept else (None, None)
        return plan
