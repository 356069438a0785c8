"""The order in which a plan is carried out, so that no step meets an object that still needs, or still has, another."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never

from controller.model.topology import Key, Mapping, Resource
from controller.planning.change import Change, Prune, Replace, Subject, resource_order
from controller.planning.state import State


@dataclass(frozen=True, slots=True)
class Put:
    """Insert or replace."""

    subject: Subject


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete."""

    subject: Subject


Step = Put | Remove


def steps(changes: Iterable[Change]) -> Iterator[Step]:
    """Yield the steps of *changes* in the order of application.

    Objects are put by rank of their kind; then mappings go before mappings come, so that an external account
    never has two Windows accounts in between (A6); then objects go by reverse rank, so that an adapter goes
    after its applications and a group after its adapters (A3).
    """
    puts, removals, mapping_puts, mapping_removals = _sorted_by_kind_of_step(changes)
    yield from (Put(r) for r in sorted(puts, key=lambda r: resource_order(r.key)))
    yield from (Remove(m) for m in mapping_removals)
    yield from (Put(m) for m in mapping_puts)
    yield from (Remove(r) for r in sorted(removals, key=lambda r: resource_order(r.key), reverse=True))


def _sorted_by_kind_of_step(
    changes: Iterable[Change],
) -> tuple[list[Resource], list[Resource], list[Mapping], list[Mapping]]:
    puts: list[Resource] = []
    removals: list[Resource] = []
    mapping_puts: list[Mapping] = []
    mapping_removals: list[Mapping] = []
    for change in changes:
        match change:
            case Prune(Resource() as resource):
                removals.append(resource)
            case Prune(Mapping() as mapping):
                mapping_removals.append(mapping)
            case Replace(Mapping() as before, Mapping() as after):
                mapping_removals.append(before)
                mapping_puts.append(after)
            case _:
                subject = change.subject
                mapping_puts.append(subject) if isinstance(subject, Mapping) else puts.append(subject)
    return puts, removals, mapping_puts, mapping_removals


def carry_out(state: State, changes: Iterable[Change]) -> State:
    """The state after *changes*: what applying them makes of the store. Holds all mappings in memory."""
    subjects: dict[Key, Subject] = {**state.resources, **{m.key: m for m in state.mappings}}
    for step in steps(changes):
        match step:
            case Put(subject):
                subjects[subject.key] = subject
            case Remove(subject):
                subjects.pop(subject.key, None)
            case _:
                assert_never(step)
    mappings = (s for s in subjects.values() if isinstance(s, Mapping))
    resources = {key: s for key, s in subjects.items() if isinstance(s, Resource)}
    return State(resources, sorted(mappings, key=lambda m: m.sort_key))
