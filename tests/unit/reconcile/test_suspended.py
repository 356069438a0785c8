"""Adapters that an operator has disabled, in plans and in the status."""

from dataclasses import replace

from controller.model.actor import Actor
from controller.model.topology import Adapter, Resource
from controller.planning.plan import make_plan
from controller.planning.state import State
from controller.ports.resources import Suspension
from controller.ports.store import Store
from controller.reconcile.apply import apply_plan
from controller.reconcile.observe import observe
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.status import Health, statuses
from tests.doubles.topologies import adapter, state, system
from tests.unit.reconcile.conftest import NOW


def _apply(store: Store, desired: State) -> None:
    with store.read() as tx:
        plan = make_plan(observe(tx), desired)
    apply_plan(store, plan, force=True, by=Actor("ops"))


def _with(resource: Resource, **fields: bool) -> Resource:
    assert isinstance(resource.spec, Adapter)
    return replace(resource, spec=replace(resource.spec, **fields))  # type: ignore[arg-type]  # fields by name


def _suspended(store: Store) -> list[str]:
    with store.read() as tx:
        return sorted(tx.suspensions.read())


def test_it_is_shown_in_every_plan_and_makes_no_difference(store: Store) -> None:
    declared = state(system(), adapter("racf"))
    _apply(store, declared)
    with store.write() as tx:
        tx.suspensions.put("racf", "ops")
    plan = Reconciler(store, lambda: (state(system(), adapter("racf")), [])).plan()
    assert plan.is_empty()
    assert "Adapter/racf is disabled by ops since 2026-07-01" in plan.warnings[0]


def test_it_outlives_an_apply_that_does_not_change_enabled(store: Store) -> None:
    _apply(store, state(system(), adapter("racf")))
    with store.write() as tx:
        tx.suspensions.put("racf", "ops")
    _apply(store, state(system(), _with(adapter("racf"), sync_from_adapter=True)))
    assert _suspended(store) == ["racf"]


def test_a_manifest_that_changes_enabled_has_the_last_word(store: Store) -> None:
    _apply(store, state(system(), adapter("racf"), adapter("ldap")))
    with store.write() as tx:
        tx.suspensions.put("racf", "ops")
        tx.suspensions.put("ldap", "ops")
    _apply(store, state(system(), _with(adapter("racf"), enabled=False)))
    assert _suspended(store) == []


def test_a_disabled_adapter_is_degraded_and_says_who_did_it() -> None:
    resources = [system(), adapter("racf")]
    plan = make_plan(state(*resources), state(*resources))
    found = statuses(resources, plan, {}, suspensions={"racf": Suspension("racf", "ops", NOW)})
    status = next(s for key, s in found.items() if key.name == "racf")
    assert status.health is Health.DEGRADED
    assert status.conditions[1].message == "disabled by ops: takes no part until it is enabled"
