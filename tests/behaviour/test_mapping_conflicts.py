"""One change, two accounts of one system: held when it is planned, prevented when it happens (rows M7, M8, E12)."""

from dataclasses import replace

import pytest

from controller.model.errors import UnsafePlan
from controller.model.topology import Application, Kind
from controller.planning.plan import Plan, make_plan
from controller.planning.state import State
from controller.reconcile.apply import refuse_held
from controller.reconcile.observe import observe
from tests.doubles.pipeline import FULL_ADAPTER, OPEN_ADAPTER, PipelineBench

ALLOWING = replace(FULL_ADAPTER, allow_mapping_conflicts=True)


def second_application(bench: PipelineBench) -> None:
    """Another application of the adapter ``racf``."""
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="racf"))


def plan_of(bench: PipelineBench) -> Plan:
    """The plan of manifests that declare what the bench holds, on an empty store."""
    with bench.store.read() as tx:
        desired = observe(tx)
        return make_plan(State(), State(desired.resources, list(desired.mappings)))


def held(bench: PipelineBench) -> list[str]:
    """Why that plan is held; not even force lifts it."""
    plan = plan_of(bench)
    if plan.holds:
        with pytest.raises(UnsafePlan):
            refuse_held(plan, force=True)
    return [hold.message for hold in plan.holds]


def allowed(bench: PipelineBench) -> list[tuple[str, str, list[str]]]:
    """Conflicts that were told as allowed: change, adapter, and the accounts of one system."""
    told = bench.events("mappingConflictAllowed")
    return [(event.tracking_id, event.fields["allowedBy"], event.fields["accounts"]) for event in told]


def test_m7_a_plan_in_which_one_windows_change_reaches_two_accounts_of_an_adapter_is_held(bench: PipelineBench) -> None:
    bench.adapter("racf", OPEN_ADAPTER, "A1", "A2")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "alice", "A2")
    ways = r"CORP\alice -> racf:A1 and CORP\alice -> racf:A2"
    assert held(bench) == [rf"a change of CORP\alice would reach two accounts of racf: {ways}"]


def test_m7_should_it_happen_all_the_same_neither_account_is_changed(bench: PipelineBench) -> None:
    bench.adapter("racf", OPEN_ADAPTER, "A1", "A2")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "alice", "A2")
    change = bench.windows("alice", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("failed", "mappingConflict")
    assert bench.password("adapter/racf", "A1") == bench.password("adapter/racf", "A2") == "old"
    conflicts = bench.events("mappingConflict")
    assert {event.fields["mapping"] for event in conflicts} == {
        r"Mapping/RACF/CORP\alice/A1",
        r"Mapping/SECOND/CORP\alice/A2",
    }


def test_m7_an_adapter_that_allows_conflicts_is_planned_and_both_accounts_are_changed(bench: PipelineBench) -> None:
    bench.adapter("racf", replace(OPEN_ADAPTER, allow_mapping_conflicts=True), "A1", "A2")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "alice", "A2")
    assert held(bench) == []
    change = bench.windows("alice", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.password("adapter/racf", "A1") == bench.password("adapter/racf", "A2") == "Ne1-w-pass"
    assert allowed(bench) == [(change, "racf", ["racf:A1", "racf:A2"])]


def test_m7_a_change_of_one_account_only_is_no_conflict_to_tell_of(bench: PipelineBench) -> None:
    bench.adapter("racf", ALLOWING, "A1")
    bench.adapter("wiki", ALLOWING, "W1")
    second_application(bench)
    for application, external in (("RACF", "A1"), ("SECOND", "A1"), ("WIKI", "W1")):
        bench.map(application, "alice", external)
    bench.windows("alice", "Ne1-w-pass")
    bench.settle()
    assert allowed(bench) == []


def test_m8_a_plan_with_a_chain_to_another_windows_account_is_held_and_shows_the_way(bench: PipelineBench) -> None:
    bench.adapter("racf", FULL_ADAPTER, "A1")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "bob", "A1")
    chain = r"CORP\alice -> racf:A1 -> CORP\bob"
    assert held(bench) == [rf"a change of CORP\alice would reach a second Windows account: {chain}"]


def test_m8_an_adapter_that_allows_conflicts_is_planned(bench: PipelineBench) -> None:
    bench.adapter("racf", ALLOWING, "A1")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "bob", "A1")
    assert held(bench) == []


def test_m8_a_windows_change_of_a_shared_account_tells_which_windows_accounts_are_joined(bench: PipelineBench) -> None:
    bench.adapter("racf", ALLOWING, "A1")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "bob", "A1")
    bench.set_stored_windows("bob", "old")
    change = bench.windows("alice", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert allowed(bench) == [(change, "racf", [r"CORP\alice", r"CORP\bob"])]
    assert bench.password("domain/CORP", "bob") == "old"  # what the account reports is our own write, and goes nowhere


def test_m8_where_no_change_goes_on_to_windows_nothing_is_joined(bench: PipelineBench) -> None:
    bench.adapter("racf", replace(ALLOWING, sync_from_adapter=False), "A1")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "bob", "A1")
    bench.windows("alice", "Ne1-w-pass")
    bench.settle()
    assert allowed(bench) == []


def test_m8_an_account_and_its_own_external_account_are_no_chain(bench: PipelineBench) -> None:
    bench.adapter("racf", FULL_ADAPTER, "A1")
    bench.map("RACF", "alice", "A1")
    assert held(bench) == []


def test_e12_a_plan_in_which_one_external_change_reaches_two_windows_accounts_is_held(bench: PipelineBench) -> None:
    bench.domain("LAB")
    bench.adapter("racf", replace(FULL_ADAPTER, sync_to_adapter=False), "A1")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", r"LAB\alice", "A1")
    ways = r"racf:A1 -> CORP\alice and racf:A1 -> LAB\alice"
    assert held(bench) == [f"a change of racf:A1 would reach two Windows accounts: {ways}"]


def test_e12_should_it_happen_all_the_same_no_windows_account_is_changed(bench: PipelineBench) -> None:
    bench.adapter("racf", FULL_ADAPTER, "A1")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "bob", "A1")
    for user in ("alice", "bob"):
        bench.set_stored_windows(user, "old")
    change = bench.external("racf", "A1", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("failed", "mappingConflict")
    assert bench.password("domain/CORP", "alice") == bench.password("domain/CORP", "bob") == "old"


def test_e12_with_allowance_every_windows_account_is_changed(bench: PipelineBench) -> None:
    bench.adapter("racf", ALLOWING, "A1")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "bob", "A1")
    for user in ("alice", "bob"):
        bench.set_stored_windows(user, "old")
    assert held(bench) == []
    change = bench.external("racf", "A1", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.password("domain/CORP", "alice") == bench.password("domain/CORP", "bob") == "Ne1-w-pass"
    assert allowed(bench) == [(change, "racf", [r"CORP\alice", r"CORP\bob"])]


def test_e12_a_way_back_to_another_account_is_told_too(bench: PipelineBench) -> None:
    bench.adapter("racf", ALLOWING, "A1", "A2")
    second_application(bench)
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "alice", "A2")
    bench.set_stored_windows("alice", "old")
    change = bench.external("racf", "A1", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.password("adapter/racf", "A2") == "Ne1-w-pass"
    assert allowed(bench) == [(change, "racf", ["racf:A1", "racf:A2"])]
