"""What a plan means for people."""

from dataclasses import replace

import pytest

from controller.model.topology import CredentialField, Resource, System
from controller.planning.impact import DIRECT, TO_DATABASE, TO_TARGET, TO_WINDOWS, Impact
from controller.planning.plan import make_plan
from controller.planning.render import render_json, render_markdown
from controller.planning.state import State
from tests.doubles.topologies import adapter, application, mapping, resource, state

ON = resource(
    "default", System(from_windows_to_adapters=True, from_adapters_to_database=True, from_adapters_to_windows=True)
)
RACF = adapter("racf", sync_to_adapter=True)
PAYROLL = application("PAYROLL", adapter="racf")
ANN, BOB = mapping("PAYROLL", "ann", "A1"), mapping("PAYROLL", "bob", "B1")


def impact(actual: State, desired: State) -> list[Impact]:
    return list(make_plan(actual, desired).impacts)


def test_people_gain_and_lose_by_their_mappings() -> None:
    off = replace(BOB, enabled=False)
    carl = mapping("PAYROLL", "carl", "C1", enabled=False)
    assert impact(state(ON, RACF, PAYROLL, ANN), state(ON, RACF, PAYROLL, BOB, carl)) == [
        Impact("PAYROLL", 1, 1, (TO_TARGET,), (TO_TARGET,), 1)
    ]
    assert impact(state(ON, RACF, PAYROLL, ANN, BOB), state(ON, RACF, PAYROLL, ANN, off)) == [
        Impact("PAYROLL", 0, 1, (TO_TARGET,), (TO_TARGET,), 0)
    ]
    assert impact(state(ON, RACF, PAYROLL, ANN, off), state(ON, RACF, PAYROLL, ANN)) == [
        Impact("PAYROLL", 0, 0, (TO_TARGET,), (TO_TARGET,), 1)
    ], "who was not synchronised loses nothing but what is stored"


def test_who_is_mapped_to_another_account_goes_on_being_synchronised() -> None:
    moved = replace(ANN, external="A2")
    (found,) = impact(state(ON, RACF, PAYROLL, ANN), state(ON, RACF, PAYROLL, moved))
    assert (found.gain, found.lose, found.credentials) == (0, 0, 1)


@pytest.mark.parametrize(
    "changed",
    [
        (ON, adapter("racf"), PAYROLL),
        (ON, adapter("racf", sync_to_adapter=True, enabled=False), PAYROLL),
        (ON, RACF, application("PAYROLL", adapter="racf", enabled=False)),
        (ON, RACF, application("PAYROLL")),
        (resource("default", System()), RACF, PAYROLL),
        (RACF, PAYROLL),
    ],
)
def test_what_is_switched_off_concerns_all_that_are_mapped(changed: tuple[Resource, ...]) -> None:
    before, after = state(ON, RACF, PAYROLL, ANN, BOB), state(*changed, ANN, BOB)
    assert impact(before, after) == [Impact("PAYROLL", 0, 2, (TO_TARGET,), (), 0)]
    assert impact(after, before) == [Impact("PAYROLL", 2, 0, (), (TO_TARGET,), 0)]


def test_a_direction_that_changes_is_told() -> None:
    both = adapter("racf", sync_to_adapter=True, sync_from_adapter=True, change_windows_password=True)
    assert impact(state(ON, RACF, PAYROLL, ANN), state(ON, both, PAYROLL, ANN)) == [
        Impact("PAYROLL", 0, 0, (TO_TARGET,), (TO_TARGET, TO_DATABASE, TO_WINDOWS), 0)
    ]
    host = application("PAYROLL", adapter="racf", type="hostGroup")
    assert impact(state(), state(ON, both, host)) == [Impact("PAYROLL", 0, 0, (), (TO_DATABASE,), 0)]
    direct = application("PAYROLL", direct_password_sync=True)
    assert impact(state(), state(ON, direct, ANN)) == [Impact("PAYROLL", 1, 0, (), (DIRECT,), 0)]


def test_what_takes_no_part_has_no_impact() -> None:
    nameless = application("PAYROLL", adapter="racf", fields=(CredentialField("User Id"),))
    assert impact(state(), state(ON, RACF, nameless, ANN)) == []
    assert impact(state(), state(ON, application("PAYROLL"), ANN)) == []
    same = state(ON, RACF, PAYROLL, ANN)
    assert impact(same, same) == []


def test_a_replaced_application_loses_all_that_is_stored() -> None:
    grouped = application("PAYROLL", adapter="racf", type="group")
    (found,) = impact(state(ON, RACF, PAYROLL, ANN, BOB), state(ON, RACF, grouped, ANN))
    assert (found.lose, found.credentials) == (1, 2)


def test_markdown_sums_it_up_for_a_reviewer() -> None:
    plan = make_plan(state(ON, RACF, PAYROLL, ANN, BOB), state(ON, adapter("racf"), PAYROLL, ANN))
    text = render_markdown(plan)
    assert (
        "2 people lose synchronisation, 0 gain it; the stored credentials of 1 account are deleted.\n\n"
        "| application | lose | gain | directions | credentials deleted |\n|---|---:|---:|---|---:|\n"
        "| PAYROLL | 2 | 0 | Windows to target → none | 1 |\n"
    ) in text
    assert '"lose": 2' in render_json(plan)
    same = make_plan(state(ON, RACF, PAYROLL, ANN), state(ON, RACF, PAYROLL))
    assert "1 person loses synchronisation" in render_markdown(same)
    assert "| PAYROLL | 1 | 0 | Windows to target | 1 |" in render_markdown(same)


def test_markdown_counts_the_rest_of_many_applications() -> None:
    many = [application(f"A{n:03}", direct_password_sync=True) for n in range(60)]
    text = render_markdown(make_plan(state(), state(ON, *many)))
    assert "| A049 | 0 | 0 | none → Windows to database | 0 |" in text
    assert "... and 10 more applications" in text
