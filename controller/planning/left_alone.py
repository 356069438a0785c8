"""Objects that a manifest says are to be left alone (``pwsync/reconcile: disabled``): shown, and not changed. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from controller.model.topology import (
    RECONCILE_ANNOTATION,
    Adapter,
    Application,
    Key,
    Kind,
    Mapping,
    MappingRule,
    Resource,
)
from controller.planning.change import Change, Prune, Replace, Update
from controller.planning.diff import diff
from controller.planning.safety import Hold
from controller.planning.state import State


def left_alone(actual: State, desired: State) -> State:
    """The desired state, with objects that are left alone as they are, but for the annotation that says so.

    One that does not exist yet is made: there is nothing to leave alone.
    """
    as_they_are = {
        key: replace(there, annotations={**there.annotations, RECONCILE_ANNOTATION: "disabled"})
        for key, wanted in desired.resources.items()
        if wanted.is_left_alone and (there := actual.resources.get(key)) is not None
    }
    return State({**desired.resources, **as_they_are}, desired.mappings) if as_they_are else desired


def changes_left_out(settled: State, desired: State) -> tuple[Change, ...]:
    """How objects that are left alone differ from their manifests.

    Args:
        settled: What ``left_alone`` made of it.
        desired: What the manifests declare.
    """
    if settled is desired:
        return ()
    return tuple(diff(State(settled.resources, ()), State(desired.resources, ())))


def left_alone_warnings(left_out: Iterable[Change]) -> Iterator[str]:
    """One sentence for each object that differs."""
    for change in left_out:
        yield f"{change.key} differs from its manifest, and is left alone: {RECONCILE_ANNOTATION} is disabled there"


def left_alone_holds(changes: Iterable[Change], left_out: Iterable[Change]) -> Iterator[Hold]:
    """Holds where the rest of a plan needs what is left out.

    Args:
        changes: What would be applied.
        left_out: How objects that are left alone differ from their manifests.
    """
    changes = list(changes)
    gone = {change.key for change in changes if isinstance(change, Prune) and isinstance(change.before, Resource)}
    mapped = {change.subject.application for change in changes if isinstance(change.subject, Mapping)}
    for change in left_out:
        key = change.key
        if isinstance(change, Replace) and key.name in mapped:
            yield _hold(f"{key} is left alone, but its mappings would change with its type or fields")
        for needed in sorted(gone & _needed(change)):
            yield _hold(f"{key} is left alone, and needs {needed}, which would be pruned")


def _hold(message: str) -> Hold:
    hint = f"take the annotation {RECONCILE_ANNOTATION} away, or leave the other as it is too"
    return Hold("leftAloneConflict", message, hint, can_force=False)


def _needed(change: Change) -> set[Key]:
    """The objects that an object needs as it is."""
    match change.before if isinstance(change, Update | Replace) else None:
        case Resource(spec=Adapter() as spec):
            named = ((Kind.ADAPTER_GROUP, spec.group), (Kind.PASSWORD_FILTER, spec.filter))
            return {Key(kind, name) for kind, name in named if name is not None}
        case Resource(spec=Application() as spec):
            domains = {Key(Kind.DOMAIN, user.domain) for user in spec.users}
            return domains | ({Key(Kind.ADAPTER, spec.adapter)} if spec.adapter is not None else set())
        case Resource(spec=MappingRule() as spec):
            return {Key(Kind.APPLICATION, spec.application), Key(Kind.DOMAIN, spec.domain)}
        case _:
            return set()
