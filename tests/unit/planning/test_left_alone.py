"""Objects that are left alone: their differences are shown, and not applied."""

from dataclasses import replace

import pytest

from controller.model.filters import PasswordFilter
from controller.model.topology import (
    RECONCILE_ANNOTATION,
    Access,
    Adapter,
    AdapterGroup,
    Application,
    ConnectorSpec,
    Domain,
    Key,
    Kind,
    MappingRule,
    ReconcilePolicy,
    Resource,
    System,
)
from controller.planning.change import Create, Replace, Update
from controller.planning.plan import Plan, make_plan
from controller.planning.safety import policy_of
from tests.doubles.topologies import mapping, resource, state

ALONE = {RECONCILE_ANNOTATION: "disabled"}
LOOSE = ReconcilePolicy(max_prune_percent=100, max_update_percent=100)
ADAPTER = Adapter(ConnectorSpec("memory"))
A = resource("a", ADAPTER)
NEW = replace(A, spec=replace(ADAPTER, description="new"), annotations=ALONE)


def _plan(actual: list[Resource], desired: list[Resource]) -> Plan:
    return make_plan(state(*actual), state(*desired), LOOSE)


def _left(resource: Resource) -> Resource:
    return replace(resource, annotations=ALONE)


def test_the_annotation_alone_is_applied_and_the_rest_is_left_out() -> None:
    plan = _plan([A], [NEW])
    assert plan.changes == (Update(A, _left(A)),)
    assert plan.left_out == (Update(_left(A), NEW),)
    assert plan.warnings == (
        "Adapter/a differs from its manifest, and is left alone: pwsync/reconcile is disabled there",
    )
    settled = _plan([_left(A)], [NEW])
    assert (settled.changes, settled.left_out) == ((), plan.left_out)


def test_one_that_is_as_declared_has_nothing_left_out() -> None:
    plan = _plan([_left(A)], [_left(A)])
    assert (plan.changes, plan.left_out, plan.warnings) == ((), (), ())


def test_the_manifest_holds_again_without_the_annotation() -> None:
    wanted = replace(NEW, annotations={})
    assert _plan([_left(A)], [wanted]).changes == (Update(_left(A), wanted),)


def test_one_that_does_not_exist_is_made_and_one_that_is_not_declared_is_pruned() -> None:
    assert _plan([], [NEW]).changes == (Create(NEW),)
    assert [c.action for c in _plan([_left(A), resource("b", ADAPTER)], [resource("b", ADAPTER)]).changes] == ["prune"]


def test_the_policy_of_a_system_that_is_left_alone_is_the_one_in_force() -> None:
    lax = resource("default", System(reconcile=ReconcilePolicy(max_prune_percent=100)))
    strict = resource("default", System(reconcile=ReconcilePolicy(max_prune_percent=1)))
    assert policy_of(state(strict), state(_left(lax))).max_prune_percent == 1
    assert policy_of(state(), state(_left(lax))).max_prune_percent == 100


GROUP, FILTER = resource("g", AdapterGroup()), resource("f", PasswordFilter())
DOMAIN, PAYROLL = resource("CORP", Domain("corp.example.com")), resource("PAYROLL", Application(adapter="a"))


@pytest.mark.parametrize(
    ("there", "wanted", "needed"),
    [
        (resource("x", replace(ADAPTER, group="g")), resource("x", ADAPTER), [GROUP]),
        (resource("x", replace(ADAPTER, filter="f")), resource("x", ADAPTER), [FILTER]),
        (resource("X", Application(adapter="a")), resource("X", Application()), [A]),
        (resource("X", Application(access=Access(users=("CORP\\u",)))), resource("X", Application()), [DOMAIN]),
        (
            resource("x", MappingRule("PAYROLL", "CORP", "a")),
            resource("x", MappingRule("OTHER", "LAB", "a")),
            [DOMAIN, resource("PAYROLL", Application())],
        ),
        (resource("LAB", Domain("a")), resource("LAB", Domain("b")), []),
    ],
)
def test_what_it_needs_as_it_is_may_not_be_pruned(there: Resource, wanted: Resource, needed: list[Resource]) -> None:
    unneeded = resource("unneeded", AdapterGroup())
    plan = _plan([there, unneeded, *needed], [_left(wanted)])
    assert [hold.code for hold in plan.holds] == ["leftAloneConflict"] * len(needed)
    assert {str(r.key) for r in needed} == {hold.message.split()[6].rstrip(",") for hold in plan.holds}
    assert not any(hold.can_force for hold in plan.holds)


def test_mappings_of_an_application_whose_type_is_kept_back_do_not_change() -> None:
    there, wanted = PAYROLL, _left(replace(PAYROLL, spec=Application(type="group", adapter="a")))
    made = mapping("PAYROLL", "alice", "1")
    plan = make_plan(state(there, A), state(wanted, A, made), LOOSE)
    assert [hold.message for hold in plan.holds] == [
        "Application/PAYROLL is left alone, but its mappings would change with its type or fields"
    ]
    assert isinstance(plan.left_out[0], Replace)
    assert make_plan(state(there, A), state(wanted, A), LOOSE).holds == ()
    assert plan.left_out[0].key == Key(Kind.APPLICATION, "PAYROLL")
