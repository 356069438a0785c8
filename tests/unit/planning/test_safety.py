"""What makes a plan unsafe."""

from dataclasses import replace

import pytest

from controller.model.topology import Access, Adapter, ConnectorSpec, ReconcilePolicy, Resource
from controller.planning.plan import Plan, make_plan
from controller.planning.safety import policy_of
from controller.planning.state import State
from tests.doubles.topologies import PROTECTED, adapter, application, many_mappings, mapping, resource, state, system

KEEP = ReconcilePolicy(prune=False)


def _codes(plan: Plan) -> list[str]:
    return [h.code for h in plan.holds]


def _adapters(count: int) -> list[Resource]:
    return [adapter(f"a{n}") for n in range(count)]


def test_a_first_apply_is_safe() -> None:
    assert not make_plan(state(), state(system(), *_adapters(50), *many_mappings(50))).holds


def test_nothing_declared_and_nothing_there_is_safe() -> None:
    assert not make_plan(state(), state()).holds


@pytest.mark.parametrize("policy", [KEEP, ReconcilePolicy(max_prune_percent=100)])
@pytest.mark.parametrize("actual", [state(adapter("a")), state(mapping("A", "alice", "1"))])
def test_an_empty_desired_state_is_always_held(actual: State, policy: ReconcilePolicy) -> None:
    plan = make_plan(actual, state(), policy)
    assert _codes(plan) == ["emptyDesired"]
    assert not plan.blocking(force=True)


@pytest.mark.parametrize(("kept", "codes"), [(7, []), (6, ["tooManyPrunes"])])
def test_pruning_more_than_the_threshold_of_objects_is_held(kept: int, codes: list[str]) -> None:
    plan = make_plan(state(*_adapters(10)), state(*_adapters(kept)))
    assert _codes(plan) == codes


def test_up_to_three_of_a_kind_are_exempt_from_percentages() -> None:
    assert not make_plan(state(*_adapters(4), *many_mappings(4)), state(*_adapters(1), *many_mappings(1))).holds
    held = make_plan(state(*_adapters(5), *many_mappings(5)), state(*_adapters(1), *many_mappings(1))).holds
    assert [hold.code for hold in held] == ["tooManyPrunes", "tooManyPrunes"]


def test_objects_and_mappings_are_counted_separately() -> None:
    actual = state(*_adapters(10), *many_mappings(1000))
    plan = make_plan(actual, state(*_adapters(10), *many_mappings(600)))
    assert [h.message for h in plan.holds] == ["would prune 400 of 1,000 mappings (40.0 %); maxPrunePercent is 30"]
    assert not plan.blocking(force=True)
    assert plan.blocking(force=False) == list(plan.holds)


def test_changing_more_than_the_threshold_is_held() -> None:
    plan = make_plan(state(*_adapters(10)), state(*(adapter(f"a{n}", enabled=n > 3) for n in range(10))))
    assert [h.message for h in plan.holds] == ["would change 4 of 10 objects (40.0 %); maxUpdatePercent is 30"]


def test_replaced_mappings_count_as_changed() -> None:
    desired = [replace(m, external=f"{m.external}-2") for m in many_mappings(10)]
    assert _codes(make_plan(state(*many_mappings(10)), state(*desired))) == ["tooManyUpdates"]


def test_mappings_that_only_move_to_another_manifest_do_not_count_as_changed() -> None:
    desired = [replace(m, origin="MappingSet/new") for m in many_mappings(10)]
    plan = make_plan(state(*many_mappings(10)), state(*desired))
    assert plan.count("update") == 10
    assert not plan.holds


def test_replacing_an_application_with_mappings_is_held() -> None:
    alice = mapping("PAYROLL", "alice", "A1")
    plan = make_plan(state(application("PAYROLL"), alice), state(application("PAYROLL", type="group"), alice))
    assert _codes(plan) == ["credentialsLost"]
    assert not plan.blocking(force=True)


def test_replacing_an_application_without_mappings_is_safe() -> None:
    plan = make_plan(state(application("PAYROLL")), state(application("PAYROLL", type="group")))
    assert plan.count("replace") == 1
    assert not plan.holds


@pytest.mark.parametrize("desired", [state(adapter("other")), state(application("PAYROLL", type="group"))])
def test_a_protected_object_is_neither_pruned_nor_replaced_even_with_force(desired: State) -> None:
    actual = state(resource("PAYROLL", application("PAYROLL").spec, **PROTECTED))
    plan = make_plan(actual, desired)
    assert _codes(plan) == ["protected"]
    assert plan.blocking(force=True) == list(plan.holds)


def test_a_protected_object_may_be_updated_and_unprotected() -> None:
    actual = state(resource("a", adapter("a").spec, **PROTECTED))
    assert not make_plan(actual, state(adapter("a", enabled=False))).holds


def test_without_prune_what_is_not_declared_is_kept_with_a_warning() -> None:
    actual = state(adapter("a"), adapter("b"), *many_mappings(12))
    plan = make_plan(actual, state(adapter("a")), KEEP)
    assert plan.is_empty()
    assert len(plan.left_out) == 13
    first, second = plan.warnings
    assert first == "Adapter/b is no longer declared, but kept: prune is false in the System"
    assert second.startswith("12 mappings are no longer declared, but kept: prune is false in the System")
    assert second.endswith(r"(the first is Mapping/PAYROLL/CORP\user000000/U000000)")


@pytest.mark.parametrize(
    ("kind", "external", "codes"),
    [
        ("individual", "A1", ["keptConflict"]),
        ("individual", "A2", []),
        ("group", "A1", []),
        ("group", "A2", ["keptConflict"]),
        ("hostGroup", "A1", ["keptConflict"]),
        ("hostGroup", "A2", ["keptConflict"]),
    ],
)
def test_a_new_mapping_must_fit_to_one_that_is_kept(kind: str, external: str, codes: list[str]) -> None:
    payroll = application("PAYROLL", type=kind)
    actual = state(payroll, mapping("PAYROLL", "alice", "A1"))
    plan = make_plan(actual, state(payroll, mapping("PAYROLL", "bob", external)), KEEP)
    assert _codes(plan) == codes
    assert len(plan.blocking(force=True)) == len(codes)


def test_a_kept_account_of_a_host_group_stands_beside_a_new_one() -> None:
    hosts = application("HOSTS", type="hostGroup")
    plan = make_plan(state(hosts, mapping("HOSTS", "svc", "A1")), state(hosts, mapping("HOSTS", "svc", "A2")), KEEP)
    assert not plan.holds
    assert [str(c.key) for c in plan.left_out] == [r"Mapping/HOSTS/CORP\svc/A1"]


def test_a_kept_mapping_of_another_application_is_in_nobodys_way() -> None:
    one, other = application("PAYROLL"), application("CRM")
    actual = state(one, other, mapping("PAYROLL", "alice", "A1"))
    assert not make_plan(actual, state(one, other, mapping("CRM", "bob", "A1")), KEEP).holds


def test_drift_is_left_out_when_it_is_not_to_be_healed() -> None:
    actual, desired = state(adapter("a"), adapter("b")), state(adapter("a", enabled=False), adapter("b", enabled=False))
    drifted = {adapter("a").key}
    plan = make_plan(actual, desired, drifted=drifted, heal=False)
    assert [str(c.key) for c in plan.changes] == ["Adapter/b"]
    assert [str(c.key) for c in plan.left_out] == ["Adapter/a"]
    assert plan.warnings == (
        "Adapter/a was altered by something other than apply, and left so: selfHeal is false in the System",
    )
    assert make_plan(actual, desired, drifted=drifted).count("update") == 2


def test_the_policy_is_the_desired_one_else_the_actual_one_else_the_default() -> None:
    five, six = state(system(max_prune_percent=5)), state(system(max_prune_percent=6))
    assert policy_of(five, six).max_prune_percent == 6
    assert policy_of(five, state()).max_prune_percent == 5
    assert policy_of(state(), state()) == ReconcilePolicy()


def test_warnings_of_the_manifests_are_passed_on() -> None:
    assert make_plan(state(), state(), warnings=["careful"]).warnings == ("careful",)


def test_a_plan_says_who_reads_passwords_once_an_adapter_is_a_remote_one() -> None:
    local = resource("a", Adapter(ConnectorSpec("htpasswd"), access=Access(users=("agent",))))
    becomes = "Adapter/a becomes a remote adapter: whoever is in its access.receivers ({}) is handed the new passwords "
    becomes += "of its accounts in clear"
    for receivers, named in (((), "nobody yet"), (("host", "host2"), "host, host2")):
        after = adapter("a", access=Access(users=("agent",), receivers=receivers))
        assert make_plan(state(local), state(after)).warnings == (becomes.format(named),)
        assert make_plan(state(after), state(local)).warnings == ()
        assert make_plan(state(), state(after)).warnings == ()
