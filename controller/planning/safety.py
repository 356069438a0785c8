"""What makes a plan unsafe: the whole plan is checked before any of it is applied (decision 4)."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from controller.model.topology import (
    PROTECT_ANNOTATION,
    Application,
    Key,
    Kind,
    Mapping,
    ReconcilePolicy,
    Resource,
    System,
)
from controller.model.wording import counted
from controller.planning.change import Change, Create, Prune, Replace, Update
from controller.planning.state import State

HARMLESS = 3
"""So many prunes, or updates, need no percentage: in a small company one of three is 33 %."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason why nothing of a plan is applied.

    Attributes:
        code: Stable name (camelCase).
        message: What would happen.
        hint: What to do about it.
        can_force: Whether an explicit ``--force`` lifts it.
    """

    code: str
    message: str
    hint: str
    can_force: bool = True


@dataclass(frozen=True, slots=True)
class Counts:
    """Sizes of the two states.

    Attributes:
        objects: Actual objects.
        mappings: Actual mappings.
        desired: Desired objects and mappings together.
        by_application: Actual mappings of each application.
    """

    objects: int
    mappings: int
    desired: int
    by_application: ReadOnlyMapping[str, int] = field(default_factory=dict)


def policy_of(actual: State, desired: State) -> ReconcilePolicy:
    """The policy of the desired System; else of the actual one, as also when that is left alone; else the defaults."""
    key = Key(Kind.SYSTEM, "default")
    wanted = desired.resources.get(key)
    for state in (actual, desired) if wanted is not None and wanted.is_left_alone else (desired, actual):
        match state.resources.get(key):
            case Resource(spec=System(reconcile=policy)):
                return policy
            case _:
                continue
    return ReconcilePolicy()


def holds(changes: Sequence[Change], policy: ReconcilePolicy, counts: Counts) -> list[Hold]:
    """Everything that speaks against carrying out *changes*. Empty means: safe."""
    return [
        *_empty_desired(counts),
        *(hold for change in changes for hold in _protected(change)),
        *(hold for change in changes for hold in _credentials_lost(change, counts)),
        *_too_many(changes, policy, counts),
    ]


def _empty_desired(counts: Counts) -> Iterator[Hold]:
    existing = counts.objects + counts.mappings
    if not counts.desired and existing:
        exists = counted(existing, "object or mapping exists", "objects and mappings exist")
        yield Hold(
            "emptyDesired",
            f"the manifests declare nothing, but {exists}",
            "check the path of the manifests; to remove everything on purpose, use --force",
        )


def _protected(change: Change) -> Iterator[Hold]:
    match change:
        case Prune(Resource() as before) | Replace(Resource() as before, _) if before.is_protected:
            yield Hold(
                "protected",
                f"{before.key} is protected and would be {'pruned' if isinstance(change, Prune) else 'replaced'}",
                f"declare it as it is, or first apply it without the annotation {PROTECT_ANNOTATION}",
                can_force=False,
            )
        case _:
            return


def _credentials_lost(change: Change, counts: Counts) -> Iterator[Hold]:
    match change:
        case Replace(Resource() as before, _) if mapped := counts.by_application.get(before.name, 0):
            yield Hold(
                "credentialsLost",
                f"replacing {before.key} would lose the stored credentials of its mappings ({mapped:,})",
                "type and fields never change after creation: declare a new application, or use --force",
            )
        case _:
            return


def _too_many(changes: Sequence[Change], policy: ReconcilePolicy, counts: Counts) -> Iterator[Hold]:
    of_objects = [c for c in changes if isinstance(c.subject, Resource)]
    of_mappings = [c for c in changes if isinstance(c.subject, Mapping)]
    groups = (("objects", counts.objects, of_objects), ("mappings", counts.mappings, of_mappings))
    for noun, existing, members in groups:
        prunes = sum(isinstance(c, Prune) for c in members)
        updates = sum(_counts_as_update(c) for c in members)
        if exceeds(prunes, existing, policy.max_prune_percent):
            what = f"prune {_share(prunes, existing, noun)}"
            yield _excess("tooManyPrunes", what, "maxPrunePercent", policy.max_prune_percent)
        if exceeds(updates, existing, policy.max_update_percent):
            what = f"change {_share(updates, existing, noun)}"
            yield _excess("tooManyUpdates", what, "maxUpdatePercent", policy.max_update_percent)


def _counts_as_update(change: Change) -> bool:
    """Whether it changes something that takes effect; where a mapping is declared does not."""
    match change:
        case Update(Mapping() as before, Mapping() as after):
            return replace(before, origin=after.origin) != after
        case Update() | Replace():
            return True
        case Create() | Prune():
            return False
        case _:
            assert_never(change)


def exceeds(affected: int, existing: int, percent: int) -> bool:
    """Whether so many of those that exist are more than a threshold allows."""
    return affected > HARMLESS and affected * 100 > percent * existing


def _share(affected: int, existing: int, noun: str) -> str:
    return f"{affected:,} of {existing:,} {noun} ({100 * affected / existing:.1f} %)"


def _excess(code: str, what: str, setting: str, limit: int) -> Hold:
    hint = f"review the plan; if it is meant, use --force or raise {setting} of the System"
    return Hold(code, f"would {what}; {setting} is {limit}", hint)


def kept_conflicts(
    changes: Iterable[Change], kept: Iterable[Change], resources: ReadOnlyMapping[Key, Resource]
) -> list[Hold]:
    """Holds for new mappings that may not stand beside a mapping that is kept, not pruned (behaviours A6, A8).

    Args:
        changes: What would be applied.
        kept: Prunes that are left out.
        resources: The desired objects.
    """
    rivals = _Rivals(resources)
    for change in kept:
        if isinstance(change.subject, Mapping):
            rivals.add(change.subject)
    new = (c.subject for c in changes if isinstance(c.subject, Mapping) and not isinstance(c, Prune))
    return [hold for mapping in new for hold in rivals.holds(mapping)]


class _Rivals:
    """Mappings that are kept, by what no other mapping of their application may have, or have otherwise."""

    def __init__(self, resources: ReadOnlyMapping[Key, Resource]) -> None:
        self._types = {r.name: r.spec.type for r in resources.values() if isinstance(r.spec, Application)}
        self._by_external: dict[tuple[str, str], Mapping] = {}
        self._by_application: dict[str, Mapping] = {}

    def add(self, kept: Mapping) -> None:
        """Take a mapping that is kept."""
        self._by_external[kept.application, kept.external] = kept
        self._by_application[kept.application] = kept

    def holds(self, mapping: Mapping) -> Iterator[Hold]:
        """Yield a hold when a new mapping may not stand beside one that is kept."""
        other = self._by_application.get(mapping.application)
        if other is None:
            return
        match self._types.get(mapping.application):
            case "individual":
                other = self._by_external.get((mapping.application, mapping.external))
                if other is not None:
                    yield _kept_conflict(mapping, f"use the external account {mapping.external}, which", other)
            case "group" if other.external != mapping.external:
                yield _kept_conflict(mapping, f"use another external account than {other.external}, which", other)
            case "hostGroup" if other.windows != mapping.windows:
                yield _kept_conflict(mapping, f"use another Windows account than {other.windows}, which", other)
            case _:
                return


def _kept_conflict(mapping: Mapping, what: str, owner: Mapping) -> Hold:
    return Hold(
        "keptConflict",
        f"{mapping.key} would {what} {owner.key} still has",
        "that mapping is kept because prune is false in the System: set prune: true",
        can_force=False,
    )
