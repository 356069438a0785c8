"""Filters against the policies that targets were found to have: warnings, and holds where nothing would pass."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controller.model.constraints import Constraints
from controller.model.filters import PasswordFilter, parse_rules
from controller.model.policy import PasswordPolicy, PolicyReading
from controller.model.topology import Adapter, ConnectorSpec, Domain, Key, Kind, Resource
from controller.planning.plan import make_plan
from controller.planning.policy_effects import (
    ALWAYS_REFUSED,
    checked_against_policies,
    declaration_of,
    policy_effects,
    reading_of,
)
from controller.planning.safety import Hold
from controller.planning.state import State
from tests.doubles.pipeline import DIRECTORY
from tests.doubles.topologies import resource, state, system

READ_AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
AD = ConnectorSpec("activeDirectory", {"url": "ldaps://dc"})
COMPLEX = Constraints(min_length=7, min_categories=3)


def world(rules: str | None, **fields: bool) -> State:
    """One adapter that sends, with or without a filter."""
    adapter = Adapter(AD, **{"sync_to_adapter": True, **fields}, filter=None if rules is None else "mine")  # type: ignore[arg-type]  # fields by name
    filters = [] if rules is None else [resource("mine", PasswordFilter(parse_rules(rules)))]
    return state(system(), resource("forest", adapter), *filters)


def reading(constraints: Constraints | None = COMPLEX, problem: str = "", *, is_read: bool = True) -> PolicyReading:
    """What was found out about the target of ``world``."""
    policy = None if constraints is None else PasswordPolicy("DC=corp", constraints)
    tried_at = READ_AT + timedelta(hours=1) if problem else READ_AT
    return PolicyReading(declaration_of(Adapter(AD)), tried_at, READ_AT if is_read else None, policy, problem)


def told(desired: State, known: PolicyReading, *changed: Key) -> list[str | Hold]:
    """All effects, as if *changed* were in the plan."""
    return list(policy_effects(desired.resources, {"adapter/forest": known}, set(changed)))


def test_a_filter_that_the_policy_can_live_with_has_no_effect() -> None:
    assert told(world(None), reading()) == []
    assert told(world("sc/1/#/-/"), reading()) == []


def test_a_filter_that_can_make_a_refused_password_warns_with_share_kind_age_and_remedy() -> None:
    (warning,) = told(world("tr/8/"), reading(Constraints(min_categories=4)))
    assert isinstance(warning, str)
    assert warning.startswith(
        "PasswordFilter/mine makes passwords that the policy of the target of Adapter/forest refuses, of "
    )
    for part in (
        " % of typical passwords: of fewer than the 4 kinds of characters",
        "for example one of ",
        " becomes one of 8 characters (",
        "change PasswordFilter/mine: keep more kinds of characters",
        "(policy DC=corp, read 2026-07-01 12:00:00Z)",
    ):
        assert part in warning


def test_an_adapter_without_a_filter_warns_too_and_the_kind_is_told_alone() -> None:
    (warning,) = told(world(None), reading(Constraints(min_bytes=12)))
    assert isinstance(warning, str)
    assert warning.startswith("Adapter/forest has no filter, and the policy of its target refuses ")
    assert "for example one of 8 characters (lower case, upper case, digits, special characters);" in warning
    assert "give it a PasswordFilter: pad, for example with pe/12/0/" in warning


@pytest.mark.parametrize("key", [Key(Kind.ADAPTER, "forest"), Key(Kind.PASSWORD_FILTER, "mine")])
def test_a_filter_that_leaves_no_password_holds_the_plan_that_changes_it_or_its_adapter(key: Key) -> None:
    (hold,) = told(world("tr/6/"), reading(), key)
    assert isinstance(hold, Hold)
    assert hold.code == ALWAYS_REFUSED
    assert hold.message == (
        "PasswordFilter/mine leaves Adapter/forest no password that the policy of its target takes: "
        "shorter than the 7 characters that the target asks for"
    )
    assert hold.hint.startswith("change PasswordFilter/mine: pad, for example with pe/7/0/")
    assert hold.can_force


def test_it_only_warns_in_a_plan_about_something_else() -> None:
    (warning,) = told(world("tr/6/"), reading(), Key(Kind.ADAPTER, "another"))
    assert isinstance(warning, str)
    assert "leaves Adapter/forest no password" in warning


def test_a_policy_that_could_not_be_found_out_is_told_and_not_taken_for_none() -> None:
    (warning,) = told(world("tr/6/"), reading(None, "no rights", is_read=False))
    assert warning == (
        "the password policy of the target of Adapter/forest could not be found out 2026-07-01 13:00:00Z, "
        "so filters are not checked against it: no rights"
    )
    assert told(world(None), reading(None, "no rights", is_read=False)) == []  # nothing would be checked


def test_what_it_said_last_is_used_and_that_is_told() -> None:
    first, second = told(world("tr/6/"), reading(problem="away"))
    assert "so what it said 2026-07-01 12:00:00Z is used: away" in str(first)
    assert "no password" in str(second)


def test_a_target_without_a_policy_or_that_nobody_asked_has_no_effect() -> None:
    assert told(world("tr/6/"), reading(None)) == []
    assert list(policy_effects(world("tr/6/").resources, {})) == []


def test_a_reading_of_another_declaration_says_nothing() -> None:
    known = replace(reading(), declaration="of an earlier one")
    assert told(world("tr/6/"), known) == []
    assert reading_of("forest", Adapter(AD), {"adapter/forest": known}) is None


def test_an_adapter_that_does_not_send_has_no_effect() -> None:
    assert told(world("tr/6/", sync_to_adapter=False), reading()) == []


def test_the_filter_of_an_adapter_does_not_count_as_another_declaration_but_its_connector_does() -> None:
    assert declaration_of(Adapter(AD)) == declaration_of(Adapter(AD, filter="mine"))
    assert declaration_of(Adapter(AD)) != declaration_of(Adapter(ConnectorSpec("activeDirectory")))
    domain = Domain("corp.example.com", directory=DIRECTORY)
    assert declaration_of(domain) != declaration_of(replace(domain, directory=None))
    assert declaration_of(domain) == declaration_of(replace(domain, dns_name="other"))


def test_a_plan_is_held_and_warned_about() -> None:
    desired = world("tr/6/")
    known = {"adapter/forest": reading(problem="away")}
    plan = checked_against_policies(make_plan(state(), desired), desired.resources, known)
    assert [hold.code for hold in plan.holds] == [ALWAYS_REFUSED]
    assert ["could not be found out" in plan.warnings[0], "weakens" in plan.warnings[1]] == [True, True]
    assert len(plan.warnings) == 2
    settled = checked_against_policies(make_plan(desired, desired), desired.resources, known)
    assert not settled.holds
    assert len(settled.warnings) == 2


def test_a_filter_that_is_not_there_is_taken_for_none() -> None:
    lonely: dict[Key, Resource] = {k: r for k, r in world("tr/6/").resources.items() if k.kind is Kind.ADAPTER}
    assert list(policy_effects(lonely, {"adapter/forest": reading()})) == []
