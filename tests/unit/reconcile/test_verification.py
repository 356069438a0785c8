"""A plan that was edited does not do what it does not show."""

from dataclasses import replace

import pytest

from controller.model.actor import Actor
from controller.model.errors import UnsafePlan
from controller.model.topology import PROTECT_ANNOTATION, AdapterGroup, Mapping
from controller.planning.change import Change, Create, Prune, Replace, Update
from controller.planning.plan import Plan, make_plan
from controller.planning.state import State
from controller.ports.store import Store
from controller.reconcile.apply import apply_plan
from controller.reconcile.observe import observe
from controller.reconcile.verification import verify
from tests.doubles.topologies import adapter, application, mapping, resource, state

GUARDED = resource("mainframe", AdapterGroup("guarded"), **{PROTECT_ANNOTATION: "true"})
OTHER = resource("mainframe", AdapterGroup("other"))
WIKI = adapter("wiki")
ALICE = mapping("PAYROLL", "alice", "A1")
HOSTED = mapping("HOSTS", "svc", "H1")
HOSTS = application("HOSTS", type="hostGroup")
ACTUAL = state(GUARDED, WIKI, application("PAYROLL"), ALICE, mapping("PAYROLL", "bob", "B1"), HOSTS, HOSTED)


def _edited(*changes: Change) -> Plan:
    return replace(make_plan(ACTUAL, ACTUAL), changes=changes)


@pytest.mark.parametrize(
    "change",
    [
        Update(OTHER, GUARDED),
        Create(OTHER),
        Update(adapter("gone"), adapter("gone", description="b")),
        Update(adapter("wiki", sync_to_adapter=True), adapter("wiki", sync_to_adapter=True, description="b")),
        Update(replace(ALICE, external="EVIL"), replace(ALICE, external="EVIL", enabled=False)),
        Create(replace(ALICE, external="EVIL")),
        Prune(mapping("PAYROLL", "carol", "C1")),
        Replace(replace(ALICE, external="EVIL"), ALICE),
        Create(HOSTED),
        Prune(replace(HOSTED, external="EVIL")),
    ],
)
def test_a_plan_that_shows_something_else_than_what_is_there_is_refused(change: Change) -> None:
    with pytest.raises(UnsafePlan, match=r"does not show .* as it is: the plan was altered"):
        verify(_edited(change), ACTUAL)


@pytest.mark.parametrize("change", [Prune(GUARDED), Replace(GUARDED, OTHER)])
def test_what_is_protected_stays_although_the_plan_has_lost_its_hold(change: Change) -> None:
    with pytest.raises(UnsafePlan, match="AdapterGroup/mainframe is protected"):
        verify(_edited(change), ACTUAL)


def test_a_plan_that_shows_what_is_there_passes() -> None:
    changes: list[Change] = [
        Update(GUARDED, OTHER),
        Prune(WIKI),
        Create(adapter("new")),
        Update(ALICE, replace(ALICE, enabled=False)),
        Create(mapping("PAYROLL", "carol", "C1")),
        Create(replace(HOSTED, external="H2")),
    ]
    verify(_edited(*changes), ACTUAL)
    verify(_edited(), ACTUAL)


def test_a_mapping_that_moves_or_becomes_one_of_a_host_group_passes() -> None:
    moved = replace(ALICE, external="A2")
    verify(_edited(Replace(ALICE, moved)), ACTUAL)
    becoming = Replace(application("PAYROLL"), application("PAYROLL", type="hostGroup"))
    verify(_edited(becoming, Create(moved)), ACTUAL)


def test_of_two_mappings_that_a_hand_has_made_of_one_either_may_go() -> None:
    second = replace(ALICE, external="A2")
    actual = state(application("PAYROLL"), ALICE, second)
    for one, other in ((ALICE, second), (second, ALICE)):
        verify(make_plan(actual, state(application("PAYROLL"), one)), actual)
        assert [c.subject for c in make_plan(actual, state(application("PAYROLL"), one)).changes] == [other]


def test_a_plan_for_another_state_is_refused_before_anything_else() -> None:
    with pytest.raises(UnsafePlan, match="moved on"):
        verify(_edited(Create(OTHER)), state(GUARDED))


def test_nothing_of_an_edited_plan_is_applied(store: Store) -> None:
    apply_plan(store, make_plan(state(), ACTUAL), by=Actor("ops"))
    shown = Update(adapter("wiki", sync_to_adapter=True), adapter("wiki", sync_to_adapter=True, description="b"))
    with pytest.raises(UnsafePlan, match="was altered"):
        apply_plan(store, _edited(shown), by=Actor("ops"))

    with store.read() as tx:
        observed = observe(tx)
        mappings: list[Mapping] = list(observed.mappings)
        assert State(observed.resources, mappings) == ACTUAL
