"""What filters did to made-up passwords: which losses are serious, how plans show them, and how they are stored."""

import json
from typing import Any

import pytest

from controller.model.constraints import Constraints
from controller.model.errors import InvalidInput
from controller.model.filters import PasswordFilter, parse_rules
from controller.model.topology import Adapter, ConnectorSpec
from controller.planning.filter_trials import FilterTrial, decode_trial, encode_trial, line_of, title_of, try_filter
from controller.planning.plan import Plan, make_plan
from controller.planning.plan_file import dump_plan, load_plan
from controller.planning.policy_effects import checked_against_policies
from controller.planning.render import render_json, render_markdown, render_text
from controller.planning.state import State
from tests.doubles.topologies import resource, state, system
from tests.unit.planning.test_policy_effects import AD, reading

MEMORY = ConnectorSpec("memory")
EIGHT = Constraints(max_length=8)


def trial(rules: str, constraints: Constraints = EIGHT) -> FilterTrial:
    """Adapter ``racf`` behind the filter ``upper8``."""
    filters = {"upper8": PasswordFilter(parse_rules(rules))}
    return try_filter("racf", Adapter(MEMORY, sync_to_adapter=True, filter="upper8"), filters, constraints)


def world(rules: str = "uc/tr/8/", *, description: str = "", sends: bool = True) -> State:
    """One adapter behind one filter, and one without."""
    fields = Adapter(MEMORY, sync_to_adapter=sends, filter="upper8", description=description)
    return state(
        system(),
        resource("upper8", PasswordFilter(parse_rules(rules))),
        resource("racf", fields),
        resource("plain", Adapter(MEMORY, sync_to_adapter=True)),
    )


def planned(actual: State, desired: State) -> Plan:
    """The plan, with a connector that takes eight characters."""
    plan = make_plan(actual, desired)
    return checked_against_policies(plan, desired.resources, {}, lambda _: EIGHT)


@pytest.mark.parametrize("rules", ["uc/tr/8/", "tr/8/", "uc/tr/12/", "rc/26/abcdefghijklmnopqrstuvwxyz/"])
def test_losing_a_third_of_the_entropy_or_letting_most_collide_is_serious(rules: str) -> None:
    assert trial(rules).analysis.is_serious


@pytest.mark.parametrize("rules", ["", "uc/", "lc/", "tr/12/", "rc/2/#@/", "rc/1/#/tr/16/", "ps/40/x/"])
def test_a_smaller_loss_is_not(rules: str) -> None:
    assert not trial(rules).analysis.is_serious


def test_a_line_tells_all_four() -> None:
    line, title = line_of(trial("uc/tr/8/")), title_of([trial("uc/tr/8/"), trial("rc/1/#/")])
    assert line == "racf, filter upper8: 92 % cut off, 73 % collide, 0 % refused; about 49 of 92 bits remain"
    assert title == "Filters, tried on 324 made-up passwords"
    assert "92 % refused (longer than the 8 characters that the target takes)" in line_of(trial("uc/"))
    no_filter = try_filter("racf", Adapter(MEMORY), {}, Constraints())
    assert line_of(no_filter).startswith("racf, no filter: 0 % cut off, 0 % collide, 0 % refused;")


def test_a_plan_that_brings_a_filter_shows_what_it_does_and_warns_of_a_serious_loss() -> None:
    plan = planned(state(), world())
    assert [found.adapter for found in plan.trials] == ["racf"]
    (warning,) = plan.warnings
    assert warning.startswith(
        "PasswordFilter/upper8 weakens the passwords of Adapter/racf: of typical passwords 92 % are cut off, 73 % "
        "become equal to another one, and about 49 of 92 bits remain; let it keep more"
    )
    text = render_text(plan)
    assert "\nFilters, tried on 311 made-up passwords:\n  racf, filter upper8: 92 % cut off, 73 % collide" in text
    assert f"Warning: {warning}\n" in text
    row = "| racf | upper8 | 92 % cut off | 73 % collide | 0 % refused | about 49 of 92 bits remain |"
    assert row in render_markdown(plan).splitlines()
    (shown,) = json.loads(render_json(plan))["filters"]
    assert (shown["adapter"], shown["filter"], shown["isSerious"], shown["refused"]) == ("racf", "upper8", True, 0)


def test_a_plan_that_changes_the_filter_or_the_adapter_shows_it_too() -> None:
    assert [t.adapter for t in planned(world("uc/tr/8/"), world("lc/tr/8/")).trials] == ["racf"]
    assert [t.adapter for t in planned(world(), world(description="PROD")).trials] == ["racf"]


def test_a_small_loss_is_shown_without_a_warning() -> None:
    plan = planned(state(), world("sc/1/#/-/tr/16/"))
    assert plan.warnings == ()
    assert plan.trials[0].analysis.truncated


def test_a_plan_about_something_else_and_one_with_nothing_to_do_are_silent() -> None:
    assert planned(world(), world()).trials == ()
    assert planned(world(), world()).warnings == ()
    assert render_text(planned(world(), world())) == "Nothing to do: the actual state is as declared.\n"
    other = state(*world().resources.values(), resource("more", Adapter(MEMORY, sync_to_adapter=True)))
    assert planned(world(), other).trials == ()
    assert json.loads(render_json(planned(world(), other)))["filters"] == []


def test_an_adapter_that_does_not_send_has_nothing_to_show() -> None:
    assert planned(state(), world(sends=False)).trials == ()


def test_the_policy_of_the_target_is_held_against_the_filter_too() -> None:
    desired = state(
        system(),
        resource("upper8", PasswordFilter(parse_rules("uc/tr/8/"))),
        resource(
            "forest",
            Adapter(AD, sync_to_adapter=True, filter="upper8"),
        ),
    )
    plan = make_plan(state(), desired)
    known = {"adapter/forest": reading(Constraints(min_length=9))}
    (found,) = checked_against_policies(plan, desired.resources, known).trials
    assert found.analysis.refused == found.analysis.tried
    silent = {"adapter/forest": reading(None)}
    (found,) = checked_against_policies(plan, desired.resources, silent).trials
    assert found.analysis.refused == 0


@pytest.mark.parametrize("rules", ["uc/tr/8/", "uc/"])
def test_a_plan_file_keeps_it(rules: str) -> None:
    plan = planned(state(), world(rules))
    assert load_plan(dump_plan(plan), "plan.json") == plan


@pytest.mark.parametrize("edit", [{"tried": 0}, {"tried": "many"}, {"filter": 7}, {"flaws": [1]}, {"bitsAfter": None}])
def test_what_is_not_a_trial_is_refused_with_its_place(edit: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"^plan.json: filters\[0\]: not "):
        decode_trial(encode_trial(trial("uc/")) | edit, "plan.json: filters[0]")
