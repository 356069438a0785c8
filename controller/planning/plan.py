"""A plan: the changes that would be made, what speaks against them, and which states they belong to."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain

from controller.model.topology import Adapter, Key, Mapping, ReconcilePolicy, Resource
from controller.model.wording import counted
from controller.planning.change import Action, Change, Prune, Update
from controller.planning.conflict import MOST_SHOWN, conflict_holds
from controller.planning.diff import diff
from controller.planning.digest import Tally
from controller.planning.filter_trials import FilterTrial
from controller.planning.impact import Impact, impacts
from controller.planning.left_alone import changes_left_out, left_alone, left_alone_holds, left_alone_warnings
from controller.planning.propagation import Propagation
from controller.planning.safety import Counts, Hold, holds, kept_conflicts, policy_of
from controller.planning.state import State


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, checked as a whole.

    Attributes:
        changes: In key order; all of them are applied, or none.
        holds: Why none is applied; empty when nothing speaks against it.
        warnings: What a person should know, in words.
        actual_digest: Digest of the state that the plan starts from; it can be applied to no other.
        desired_digest: Digest of the manifests that it comes from.
        left_out: Differences that are kept out of the plan: by the policy (``prune: false``, ``selfHeal: false``), or
            because the manifest of the object says that it is left alone.
        drifted: Objects that something other than apply has altered, whether they differ from the manifests or not.
        revision: Which manifests those are: ``main@sha1:...`` of a repository, else the digest.
        impacts: What it means for the people of each application that it concerns. Not kept in plan files.
        trials: What the filters that the plan brings or changes did to made-up passwords, adapter by adapter.
    """

    changes: tuple[Change, ...]
    holds: tuple[Hold, ...]
    warnings: tuple[str, ...]
    actual_digest: str
    desired_digest: str
    left_out: tuple[Change, ...] = ()
    drifted: frozenset[Key] = frozenset()
    revision: str = ""
    impacts: tuple[Impact, ...] = field(default=(), compare=False)
    trials: tuple[FilterTrial, ...] = ()

    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes

    def heals_drift(self, change: Change) -> bool:
        """Whether *change* would undo what something other than apply did."""
        return change.key in self.drifted

    def count(self, action: Action) -> int:
        """How many changes of one kind there are, of objects and mappings together."""
        return sum(c.action == action for c in self.changes)

    def blocking(self, *, force: bool) -> list[Hold]:
        """The holds that remain, with or without force."""
        return [h for h in self.holds if not (force and h.can_force)]


def make_plan(
    actual: State,
    desired: State,
    policy: ReconcilePolicy | None = None,
    drifted: AbstractSet[Key] = frozenset(),
    *,
    heal: bool = True,
    warnings: Sequence[str] = (),
) -> Plan:
    """Compare, leave out what the policy says, and check the rest.

    Each state's mappings are read once; the desired ones twice where a change could reach two accounts of one system.

    Args:
        actual: What the store holds.
        desired: What the manifests declare.
        policy: Thresholds and switches; None takes those of the System (desired, else actual, else defaults).
        drifted: Objects that something other than apply has altered.
        heal: False leaves out the changes of such objects; a person's own apply always heals.
        warnings: Those of reading the manifests; they are passed on.

    Raises:
        InvalidInput: The mappings of a state are not in order.
    """
    policy = policy or policy_of(actual, desired)
    old, new = Tally(actual), Tally(desired)
    settled = left_alone(actual, desired)
    untouched = changes_left_out(settled, desired)
    resulting = _resulting_objects(actual, settled, policy, frozenset() if heal else drifted)
    propagation = Propagation(resulting)
    wanted = propagation.watch(new.mappings())
    differences = list(diff(State(actual.resources, old.mappings()), State(settled.resources, wanted)))
    kept = [c for c in differences if isinstance(c, Prune) and not policy.prune]
    open_differences = [c for c in differences if policy.prune or not isinstance(c, Prune)]
    unhealed = [c for c in open_differences if not heal and c.key in drifted]
    changes = [c for c in open_differences if heal or c.key not in drifted]
    kept_mappings = [c.before for c in kept if isinstance(c.before, Mapping)]
    for mapping in kept_mappings:
        propagation.add(mapping)
    counts = Counts(len(actual.resources), old.count(), len(desired.resources) + new.count(), old.by_application)
    return Plan(
        changes=tuple(changes),
        holds=(
            *holds(changes, policy, counts),
            *kept_conflicts(changes, kept, settled.resources),
            *left_alone_holds(changes, untouched),
            *conflict_holds(propagation.conflicts(MOST_SHOWN, chain(desired.mappings, kept_mappings))),
        ),
        warnings=(
            *warnings,
            *_kept_warnings(kept),
            *left_alone_warnings(untouched),
            *_drift_warnings(unhealed),
            *_remote_warnings(changes),
        ),
        actual_digest=old.digest(),
        desired_digest=new.digest(),
        left_out=(*kept, *unhealed, *untouched),
        drifted=frozenset(drifted),
        revision=new.digest(),
        impacts=tuple(impacts(changes, actual.resources, resulting, old, new)) if changes else (),
    )


def _resulting_objects(
    actual: State, desired: State, policy: ReconcilePolicy, unhealed: AbstractSet[Key]
) -> dict[Key, Resource]:
    """The objects that there will be once the plan is applied."""
    kept = {key: resource for key, resource in actual.resources.items() if not policy.prune or key in unhealed}
    left_alone = {key: resource for key, resource in kept.items() if key in unhealed}
    return {**kept, **desired.resources, **left_alone}


def _kept_warnings(kept: Iterable[Change]) -> Iterable[str]:
    mappings = [c for c in kept if isinstance(c.subject, Mapping)]
    for change in kept:
        if isinstance(change.subject, Resource):
            yield f"{change.key} is no longer declared, but kept: prune is false in the System"
    if mappings:
        yield (
            f"{counted(len(mappings), 'mapping is', 'mappings are')} no longer declared, but kept: "
            f"prune is false in the System (the first is {mappings[0].key})"
        )


def _remote_warnings(changes: Iterable[Change]) -> Iterable[str]:
    """Say who reads passwords from now on, where nobody did."""
    for change in changes:
        match change:
            case Update(Resource(spec=Adapter(is_remote=False)), Resource(spec=Adapter(is_remote=True) as spec)):
                receivers = ", ".join(spec.access.receivers) or "nobody yet"
                yield (
                    f"{change.key} becomes a remote adapter: whoever is in its access.receivers ({receivers}) is "
                    "handed the new passwords of its accounts in clear"
                )
            case _:
                continue


def _drift_warnings(unhealed: Iterable[Change]) -> Iterable[str]:
    for change in unhealed:
        yield f"{change.key} was altered by something other than apply, and left so: selfHeal is false in the System"
