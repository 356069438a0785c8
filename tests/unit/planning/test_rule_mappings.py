"""What mapping rules derive: beside what is declared, and with what is there; and when they hold a plan."""

from dataclasses import replace
from typing import Any

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.rule_reading import FoundAccount, RuleReading, RuleResult
from controller.model.topology import Mapping, MappingRule, ReconcilePolicy
from controller.planning.plan import Plan, make_plan
from controller.planning.rule_mappings import Derived, derive
from controller.planning.rules import MOST_TOLD, checked_against_rules, rule_warnings, with_derived
from tests.doubles.topologies import mapping, state

RULE = MappingRule("PAYROLL", "CORP", "employeeID")
OF_RULE = "MappingRule/staff"
ALICE, BOB = FoundAccount("Alice", ("a1",)), FoundAccount("bob", ("b1",))


def made(user: str, external: str, rule: str = "staff") -> Mapping:
    return mapping("PAYROLL", user, external, origin=f"MappingRule/{rule}")


def reading(*found: FoundAccount, **fields: Any) -> dict[str, RuleReading]:
    return {"staff": RuleReading(found, **fields)}


def derived_from(
    *found: FoundAccount,
    declared: tuple[Mapping, ...] = (),
    actual: tuple[Mapping, ...] = (),
    existing: frozenset[str] | None = None,
    **fields: Any,
) -> Derived:
    return derive({"staff": replace(RULE, **fields)}, reading(*found, existing=existing), declared, actual)


def problems(derived: Derived, rule: str = "staff") -> tuple[str, ...]:
    return derived.results[rule].problems


def test_each_account_that_matches_is_mapped_by_its_attribute_in_order() -> None:
    derived = derived_from(BOB, ALICE)
    assert derived.mappings == [made("alice", "a1"), made("bob", "b1")]
    assert derived.results == {"staff": RuleResult(2, 2)}


@pytest.mark.parametrize(("case", "external"), [("asIs", "aß1"), ("upper", "ASS1"), ("lower", "aß1")])
def test_the_case_of_the_external_account_is_as_the_rule_says(case: str, external: str) -> None:
    assert derived_from(FoundAccount("alice", ("aß1",)), case=case).mappings == [made("alice", external)]


def test_accounts_without_a_value_and_built_in_ones_are_passed_over() -> None:
    derived = derived_from(FoundAccount("alice", ()), FoundAccount("Guest", ("g",)))
    assert derived.results == {"staff": RuleResult(2)}


def test_what_cannot_be_mapped_is_told_and_what_is_there_stays() -> None:
    there = made("carol", "C1")
    derived = derived_from(
        FoundAccount("alice", ("a1", "a2")),
        FoundAccount("bob", (" b1",)),
        FoundAccount("carol", ("c1", "c2")),
        FoundAccount("x:y", ("d1",)),
        actual=(there,),
    )
    assert derived.mappings == [there]
    assert problems(derived) == (
        "'alice' has 2 values of employeeID: leave one, or declare its mapping",
        "'bob' cannot be mapped: ' b1' is not an external account: correct employeeID in the directory",
        "'carol' has 2 values of employeeID: leave one, or declare its mapping",
        (
            "'x:y' cannot be mapped: 'CORP\\\\x:y' has a character that no Windows account name may have: "
            "correct employeeID in the directory"
        ),
    )


def test_what_is_declared_otherwise_wins() -> None:
    declared = (mapping("OTHER", "bob", "b1", origin="Mapping/o"), mapping("PAYROLL", "alice", "X", origin="Mapping/a"))
    derived = derived_from(ALICE, BOB, declared=declared)
    assert derived.mappings == [made("bob", "b1")]
    assert derived.results == {"staff": RuleResult(2, 1, 1)}


def test_an_external_account_that_is_declared_for_another_is_a_problem() -> None:
    derived = derived_from(BOB, declared=(mapping("PAYROLL", "alice", "b1", origin="Mapping/a"),))
    assert derived.mappings == []
    assert problems(derived) == (
        (
            "CORP\\bob would have the external account b1, which Mapping/a gives to CORP\\alice: correct employeeID of "
            "one in the directory, or declare both"
        ),
    )


@pytest.mark.parametrize("there", [(), (made("bob", "a1"),)])
def test_of_two_accounts_with_one_external_account_none_is_mapped_anew(there: tuple[Mapping, ...]) -> None:
    derived = derived_from(ALICE, FoundAccount("bob", ("a1",)), FoundAccount("carol", ("a1",)), actual=there)
    assert tuple(derived.mappings) == there
    who = "CORP\\alice and CORP\\bob and CORP\\carol"
    assert problems(derived) == (
        f"{who} would have the same external account a1: correct one of them in the directory, or declare one mapping",
    )


@pytest.mark.parametrize("there", [(), (made("alice", "A9", "other"),)])
def test_two_rules_that_differ_about_one_account_change_nothing(there: tuple[Mapping, ...]) -> None:
    rules = {"staff": RULE, "other": replace(RULE, case="upper")}
    readings = {"staff": RuleReading([ALICE]), "other": RuleReading([FoundAccount("alice", ("a9",))])}
    derived = derive(rules, readings, (), there)
    assert tuple(derived.mappings) == there
    assert problems(derived) == problems(derived, "other")
    assert problems(derived) == (
        (
            "CORP\\alice is mapped to A9 by MappingRule/other and a1 by MappingRule/staff: change the filter of one, "
            "or declare the mapping"
        ),
    )


def test_two_rules_that_agree_are_no_problem() -> None:
    readings = {"staff": RuleReading([ALICE]), "again": RuleReading([ALICE])}
    derived = derive({"staff": RULE, "again": RULE}, readings, (), ())
    assert derived.mappings == [made("alice", "a1", "again")]


def test_what_the_directory_does_not_tell_stays() -> None:
    there = (made("alice", "A1"), mapping("PAYROLL", "x", "x", origin="MappingRule/gone"), mapping("PAYROLL", "y", "y"))
    derived = derive({"staff": RULE}, {"staff": RuleReading(None, problem="away")}, (), there)
    assert derived.mappings == [there[0]]
    assert derived.results == {"staff": RuleResult(None, 1, 0, ("away",))}
    assert derived.standing == {"staff": 1}
    assert problems(derive({"staff": RULE}, {}, (), there)) == ("its directory was not asked",)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [made("alice", "a1"), made("bob", "b1")]),
        ({"create": False}, [made("alice", "OLD")]),
        ({"delete": False}, [made("alice", "OLD"), made("bob", "b1"), made("zoe", "Z")]),
        ({"create": False, "delete": False}, [made("alice", "OLD"), made("zoe", "Z")]),
    ],
)
def test_create_and_delete_say_what_a_rule_may_do(fields: dict[str, Any], expected: list[Mapping]) -> None:
    derived = derived_from(ALICE, BOB, actual=(made("alice", "OLD"), made("zoe", "Z")), **fields)
    assert derived.mappings == expected


def test_what_another_application_has_of_the_rule_does_not_stay() -> None:
    there = (mapping("FORMER", "alice", "a1", origin=OF_RULE),)
    assert derived_from(actual=there, delete=False).mappings == []


def test_delete_all_takes_every_mapping_of_an_account_that_is_gone() -> None:
    declared = (mapping("OTHER", "zoe", "z", origin="Mapping/zoe"), mapping("PAYROLL", "bob", "B", origin="Mapping/b"))
    derived = derived_from(
        ALICE,
        declared=declared,
        actual=(made("zoe", "Z"),),
        existing=frozenset({"alice", "bob"}),
        delete=False,
        delete_all=True,
    )
    assert derived.mappings == [made("alice", "a1")]
    assert derived.gone == {WindowsAccount("CORP", "zoe")}
    assert problems(derived) == (
        "CORP\\zoe is not in the directory, so that its mapping to z of OTHER is left out: take it out of Mapping/zoe",
    )
    together = with_derived(state(*declared), derived)
    assert list(together.mappings) == list(together.mappings) == [made("alice", "a1"), declared[1]]


def by_upn(user: str, external: str) -> Mapping:
    return made(user, external, "by-upn")


def test_two_rules_that_name_accounts_by_different_attributes_take_nothing_of_each_other() -> None:
    names, upns = frozenset({"alice"}), frozenset({"alice.a"})
    rules = {
        "staff": replace(RULE, delete_all=True),
        "by-upn": replace(RULE, application="WIKI", account_attribute="uid", delete_all=True, delete=False),
    }
    readings = {
        "staff": RuleReading([ALICE], names),
        "by-upn": RuleReading([FoundAccount("alice.a", ("w1",))], upns),
    }
    declared = (mapping("OTHER", "alice", "x"), mapping("OTHER", "alice.a", "y"), mapping("OTHER", "zoe", "z"))
    there = replace(by_upn("zoe.z", "w2"), application="WIKI")
    derived = derive(rules, readings, declared, (there,))
    assert [str(m.windows) for m in derived.mappings] == ["CORP\\alice", "CORP\\alice.a"]
    assert derived.gone == {WindowsAccount("CORP", "zoe")}
    assert derived.vanished == {WindowsAccount("CORP", "zoe"), WindowsAccount("CORP", "zoe.z")}
    assert derived.watched == {"CORP": 6}
    readings["by-upn"] = RuleReading([], None, "away")
    derived = derive(rules, readings, declared, (there,))
    assert derived.vanished == frozenset()
    assert [str(m.windows) for m in derived.mappings] == ["CORP\\alice", "CORP\\zoe.z"]


def test_accounts_that_are_gone_hold_the_plan_when_they_are_too_many_of_their_domain() -> None:
    declared = tuple(mapping("OTHER", f"u{n}", f"e{n}", origin="MappingSet/o") for n in range(10))
    elsewhere = (replace(m, windows=WindowsAccount("EXTRA", m.windows.name), application="ELSE") for m in declared * 9)
    others = tuple(replace(m, external=f"x{n:02}") for n, m in enumerate(elsewhere))
    for count, held in ((6, ["domainLosesTooMany"]), (7, [])):
        existing = frozenset(f"u{n}" for n in range(count))
        derived = derived_from(declared=declared + others, existing=existing, delete_all=True)
        desired = with_derived(state(*declared, *others), derived)
        plan = make_plan(state(*declared, *others), desired, policy=ReconcilePolicy())
        plan = checked_against_rules(plan, derived, ReconcilePolicy())
        assert [hold.code for hold in plan.holds] == held
    assert derived.watched == {"CORP": 10}


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({}, ["E1", "Root", "svc-1"]),
        ({"allowed": "E[0-9]"}, ["E1"]),
        ({"exclude": ("root", "SVC-*")}, ["E1"]),
        ({"allowed": "[a-zA-Z0-9]+", "exclude": ("ROOT",)}, ["E1"]),
    ],
)
def test_external_accounts_that_a_rule_does_not_allow_are_left_out_and_told(
    fields: dict[str, Any], left: list[str]
) -> None:
    found = [FoundAccount("al", ("E1",)), FoundAccount("bo", ("Root",)), FoundAccount("ca", ("svc-1",))]
    derived = derived_from(*found, **fields)
    assert [m.external for m in derived.mappings] == left
    assert len(problems(derived)) == 3 - len(left)
    assert all("does not allow, and is left out" in problem for problem in problems(derived))


def test_what_is_there_stays_only_when_the_rule_allows_it() -> None:
    there = (made("al", "a1"), made("bo", "root"), made("ca", "root2"))
    found = (FoundAccount("al", ("root",)), FoundAccount("bo", ("root",)))
    assert derived_from(*found, actual=there, exclude=("root*",), delete=False).mappings == [there[0]]
    unread = derive({"staff": replace(RULE, exclude=("root*",))}, {"staff": RuleReading(None)}, (), there)
    assert list(unread.mappings) == list(there)


def test_without_delete_all_it_does_not_matter_who_exists() -> None:
    derived = derived_from(ALICE, existing=frozenset({"bob"}))
    assert (derived.mappings, derived.gone) == ([made("alice", "a1")], frozenset())


def planned(derived: Derived, *actual: Mapping) -> Plan:
    plan = make_plan(state(*actual), with_derived(state(), derived), policy=ReconcilePolicy(max_prune_percent=100))
    return checked_against_rules(plan, derived, ReconcilePolicy())


def test_a_rule_that_finds_nobody_any_more_holds_the_plan() -> None:
    plan = planned(derived_from(actual=(made("alice", "a1"),)), made("alice", "a1"))
    (hold,) = (hold for hold in plan.holds if hold.code.startswith("rule"))
    assert (hold.code, hold.can_force) == ("ruleFoundNothing", True)
    assert hold.message == "MappingRule/staff finds no account at all and would prune 1 of its 1 mappings"


def test_a_rule_that_loses_too_many_holds_the_plan() -> None:
    there = [made(f"u{n}", f"E{n}") for n in range(10)]
    few = derived_from(*(FoundAccount(f"u{n}", (f"E{n}",)) for n in range(6)), actual=tuple(there))
    (hold,) = planned(few, *there).holds
    assert hold.code == "ruleLosesTooMany"
    assert hold.message == "MappingRule/staff would prune 4 of its 10 mappings; maxPrunePercent is 30"
    most = derived_from(*(FoundAccount(f"u{n}", (f"E{n}",)) for n in range(7)), actual=tuple(there))
    assert planned(most, *there).holds == ()


def test_many_problems_are_counted() -> None:
    results = {"staff": RuleResult(0, problems=tuple(f"p{n}" for n in range(MOST_TOLD + 3)))}
    told = list(rule_warnings(results))
    assert told[0] == "MappingRule/staff: p0"
    assert told[-1] == "MappingRule/staff: and 3 more problems"
    assert len(told) == MOST_TOLD + 1
