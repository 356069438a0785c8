"""Chains and cycles of password changes hold a plan, unless the adapters on them allow it."""

from dataclasses import replace
from typing import Any

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.topology import Adapter, ConnectorSpec, Domain, Mapping, Resource, System
from controller.planning.conflict import Conflicts
from controller.planning.plan import Plan, make_plan
from controller.planning.propagation import Propagation
from controller.planning.safety import Hold
from controller.planning.state import State
from tests.doubles.pipeline import ALL_ON, DIRECTORY
from tests.doubles.topologies import application, resource, state

FULL = Adapter(ConnectorSpec("memory"), sync_to_adapter=True, sync_from_adapter=True, change_windows_password=True)
SENDING = Adapter(ConnectorSpec("memory"), sync_to_adapter=True)
TAKING = replace(FULL, sync_to_adapter=False)
HINT = "remove one of the mappings, or set allowMappingConflicts: true on adapter racf if that is meant"


def world(*subjects: Resource | Mapping, system: System = ALL_ON) -> State:
    """CORP and LAB with directories, and what is given."""
    domains = [resource(name, Domain(f"{name}.example.com", directory=DIRECTORY)) for name in ("CORP", "LAB")]
    return state(resource("default", system), *domains, *subjects)


def system_of(name: str, spec: Adapter, *applications: str, type_: str = "individual") -> list[Resource]:
    """An adapter and its applications."""
    return [resource(name, spec), *(application(a, adapter=name, type=type_) for a in applications)]


def mapped(app: str, windows: str, external: str, **fields: Any) -> Mapping:
    """A mapping of a user of CORP, or of another domain."""
    account = WindowsAccount.parse(windows if "\\" in windows else f"CORP\\{windows}")
    return Mapping(app, account, external, **fields)


def planned(desired: State) -> Plan:
    """The plan from nothing."""
    return make_plan(State(), desired)


def held(desired: State) -> list[str]:
    """Messages of what holds it."""
    assert all(hold.code == "propagationConflict" and not hold.can_force for hold in planned(desired).holds)
    return [hold.message for hold in planned(desired).holds]


def test_an_account_and_its_own_external_account_may_answer_each_other() -> None:
    assert held(world(*system_of("racf", FULL, "R"), mapped("R", "alice", "A1"), mapped("R", "bob", "B1"))) == []


def test_two_applications_may_map_the_same_pair() -> None:
    assert held(world(*system_of("racf", FULL, "R", "S"), mapped("R", "alice", "A1"), mapped("S", "alice", "A1"))) == []


def test_a_chain_to_another_windows_account_is_held_and_its_way_is_shown() -> None:
    desired = world(*system_of("racf", FULL, "R", "S"), mapped("R", "alice", "A1"), mapped("S", "bob", "A1"))
    message = r"a change of CORP\alice would reach a second Windows account: CORP\alice -> racf:A1 -> CORP\bob"
    assert planned(desired).holds == (Hold("propagationConflict", message, HINT, can_force=False),)


def test_accounts_beside_a_chain_are_no_part_of_it() -> None:
    pairs = [mapped("R", "alice", "A1"), mapped("S", "bob", "A1")]
    objects = system_of("racf", FULL, "R", "S")
    assert held(world(*objects, *pairs, mapped("R", "carol", "C1"))) == held(world(*objects, *pairs))


def test_an_external_change_that_would_reach_two_windows_accounts_is_held() -> None:
    desired = world(*system_of("racf", TAKING, "R", "S"), mapped("R", "alice", "A1"), mapped("S", r"LAB\bob", "A1"))
    message = "a change of racf:A1 would reach two Windows accounts"
    assert held(desired) == [rf"{message}: racf:A1 -> CORP\alice and racf:A1 -> LAB\bob"]


def test_a_chain_is_found_when_only_one_of_the_accounts_sends() -> None:
    adapters = [
        *system_of("racf", FULL, "R"),
        resource("HR", Domain("hr.example.com")),
        application("S", adapter="racf"),
    ]
    desired = world(*adapters, mapped("R", "alice", "A1"), mapped("S", r"HR\bob", "A1"))
    assert held(desired) == [
        r"a change of HR\bob would reach a second Windows account: HR\bob -> racf:A1 -> CORP\alice"
    ]


def test_two_accounts_of_one_adapter_are_held() -> None:
    desired = world(*system_of("racf", SENDING, "R", "S"), mapped("R", "alice", "A1"), mapped("S", "alice", "A2"))
    message = (
        r"a change of CORP\alice would reach two accounts of racf: CORP\alice -> racf:A1 and CORP\alice -> racf:A2"
    )
    assert held(desired) == [message]


def test_a_way_through_an_adapter_that_allows_conflicts_is_followed() -> None:
    through = replace(FULL, allow_mapping_conflicts=True)
    desired = world(
        *system_of("ldap", through, "L"),
        *system_of("racf", FULL, "R"),
        mapped("L", "alice", "shared"),
        mapped("L", "bob", "shared"),
        mapped("R", "alice", "A1"),
        mapped("R", "bob", "B1"),
    )
    way = r"CORP\alice -> racf:A1 and CORP\alice -> ldap:shared -> CORP\bob -> racf:B1"
    assert held(desired)[0] == rf"a change of CORP\alice would reach two accounts of racf: {way}"


def test_an_external_account_without_windows_sender_is_a_start_too() -> None:
    desired = world(
        *system_of("racf", FULL, "R", "S"),
        resource("ldap", replace(FULL, allow_mapping_conflicts=True, sync_to_adapter=False)),
        application("L", adapter="ldap"),
        mapped("L", "alice", "shared"),
        mapped("L", "bob", "shared"),
        mapped("R", "alice", "A1"),
        mapped("S", "bob", "B1"),
    )
    way = r"ldap:shared -> CORP\alice -> racf:A1 and ldap:shared -> CORP\bob -> racf:B1"
    assert held(desired) == [f"a change of ldap:shared would reach two accounts of racf: {way}"]


@pytest.mark.parametrize("type_", ["individual", "group"])
def test_an_adapter_that_allows_conflicts_has_none(type_: str) -> None:
    through = replace(FULL, allow_mapping_conflicts=True)
    objects = system_of("racf", through, "R", "S", type_=type_)
    pairs = [("R", "alice", "A1"), ("S", "bob", "A1"), ("S", "alice", "A2")]
    assert held(world(*objects, *(mapped(*pair) for pair in pairs))) == []


def test_many_windows_accounts_may_send_to_one_account() -> None:
    users = [mapped("R", f"user{n}", "SHARED") for n in range(5)]
    assert held(world(*system_of("racf", SENDING, "R", type_="group"), *users)) == []


@pytest.mark.parametrize(
    "quiet",
    [
        replace(FULL, enabled=False),
        replace(FULL, sync_to_adapter=False, change_windows_password=False),
        replace(FULL, sync_to_adapter=False, sync_from_adapter=False),
    ],
)
def test_an_adapter_that_passes_nothing_on_has_no_conflict(quiet: Adapter) -> None:
    pairs = [("R", "alice", "A1"), ("S", "bob", "A1"), ("S", "alice", "A2")]
    assert held(world(*system_of("racf", quiet, "R", "S"), *(mapped(*pair) for pair in pairs))) == []


def test_what_is_disabled_or_not_declared_has_no_conflict() -> None:
    pairs = [mapped("R", "alice", "A1"), mapped("S", "bob", "A1"), mapped("T", "bob", "B2")]
    off = [replace(m, enabled=False) for m in pairs]
    assert held(world(*system_of("racf", FULL, "R", "S", "T"), *off)) == []
    assert held(world(application("R", adapter="gone"), application("S"), *pairs[:2])) == []
    assert held(world(*system_of("racf", FULL, "R", "S"), *pairs, system=System())) == []
    without_system = world(*system_of("racf", FULL, "R", "S"), *pairs)
    del without_system.resources[resource("default", System()).key]  # type: ignore[attr-defined]  # a dict here
    assert held(without_system) == []


def test_only_the_first_conflicts_are_shown_and_the_rest_is_counted() -> None:
    pairs = [mapped(app, f"user{n:02}", f"{app}{n}") for n in range(14) for app in ("R", "S")]
    messages = held(world(*system_of("racf", SENDING, "R", "S"), *pairs))
    assert len(messages) == 11
    assert messages[-1] == "4 more changes would reach several accounts of one system"


def test_a_mapping_that_is_kept_counts_too() -> None:
    keeping = replace(ALL_ON, reconcile=replace(ALL_ON.reconcile, prune=False))
    objects = system_of("racf", FULL, "R", "S")
    before = world(*objects, mapped("R", "alice", "A1"), system=keeping)
    after = world(*objects[:1], objects[2], mapped("S", "bob", "A1"), system=keeping)
    assert [hold.code for hold in make_plan(before, after).holds] == ["propagationConflict"]


def test_an_object_that_is_left_as_it_was_altered_counts_as_it_is() -> None:
    objects = system_of("racf", FULL, "R", "S")
    pairs = [mapped("R", "alice", "A1"), mapped("S", "bob", "A1")]
    altered, wanted = world(*objects, *pairs), world(*system_of("racf", SENDING, "R", "S"), *pairs)
    drifted = frozenset({objects[0].key})
    assert make_plan(altered, wanted, drifted=drifted, heal=True).holds == ()
    assert [h.code for h in make_plan(altered, wanted, drifted=drifted, heal=False).holds] == ["propagationConflict"]


def test_nothing_is_kept_of_mappings_that_pass_nothing_on() -> None:
    mappings = [mapped("R", "alice", "A1")]
    propagation = Propagation({})
    assert propagation.watch(mappings) is mappings
    assert propagation.conflicts(1, mappings) == Conflicts()
