"""Laws of planning, for states of every shape."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.topology import Mapping, ReconcilePolicy
from controller.planning.change import Change, Replace
from controller.planning.decoding import decode_change, decode_subject
from controller.planning.diff import diff, host_groups
from controller.planning.digest import digest
from controller.planning.encoding import canonical, encode_change, encode_subject
from controller.planning.ordering import Put, Remove, carry_out, steps
from controller.planning.plan import make_plan
from controller.planning.plan_file import dump_plan, load_plan
from controller.planning.render import render_json, render_markdown, render_text
from controller.planning.state import State
from controller.reconcile.verification import verify
from tests.doubles.topologies import Streaming, mappings, resources, states, typed_states

patient = settings(deadline=None)
LOOSE = ReconcilePolicy(max_prune_percent=100, max_update_percent=100)


@patient
@given(states)
def test_a_state_does_not_differ_from_itself(state: State) -> None:
    assert not list(diff(state, State(dict(state.resources), Streaming(state.mappings))))


@patient
@given(states, states)
def test_carrying_out_the_difference_gives_the_desired_state(actual: State, desired: State) -> None:
    changes = list(diff(actual, desired))
    reached = carry_out(actual, changes)
    assert reached == desired
    assert make_plan(reached, desired).is_empty()


@patient
@given(typed_states(), typed_states())
def test_the_laws_hold_for_mappings_of_all_types_of_applications_together(actual: State, desired: State) -> None:
    assert not list(diff(actual, State(dict(actual.resources), Streaming(actual.mappings))))
    changes = list(diff(actual, desired))
    assert carry_out(actual, changes) == desired
    assert len({c.key for c in changes}) == len(changes)
    plan = make_plan(actual, desired, LOOSE)
    assert load_plan(dump_plan(plan), "plan.json") == plan
    verify(plan, actual)


@patient
@given(typed_states(), typed_states())
def test_a_windows_account_is_moved_in_one_change_but_in_a_host_group(actual: State, desired: State) -> None:
    hosts = host_groups([*actual.resources.values(), *desired.resources.values()])
    changes = [(c, c.subject) for c in diff(actual, desired) if isinstance(c.subject, Mapping)]
    once = [(m.application, m.windows) for _, m in changes if m.application not in hosts]
    assert len(once) == len(set(once))
    assert not [m for c, m in changes if isinstance(c, Replace) and m.application in hosts]


@patient
@given(states, states)
def test_the_order_of_the_objects_does_not_matter(actual: State, desired: State) -> None:
    shuffled = State(dict(reversed(list(actual.resources.items()))), Streaming(actual.mappings))
    assert list(diff(shuffled, desired)) == list(diff(actual, desired))
    assert digest(shuffled) == digest(actual)


@patient
@given(states, states)
def test_digests_are_equal_exactly_when_states_are(one: State, other: State) -> None:
    assert (digest(one) == digest(other)) == (one == other)


@patient
@given(states, states)
def test_nothing_is_put_before_what_it_may_refer_to_nor_removed_before_what_refers_to_it(
    actual: State, desired: State
) -> None:
    done = list(steps(diff(actual, desired)))
    put_ranks = [s.subject.key.kind.rank for s in done if isinstance(s, Put)]
    removed_ranks = [s.subject.key.kind.rank for s in done if isinstance(s, Remove)]
    assert put_ranks == sorted(put_ranks)
    assert removed_ranks == sorted(removed_ranks, reverse=True)


@patient
@given(states, states)
def test_every_mapping_goes_before_any_mapping_comes(actual: State, desired: State) -> None:
    of_mappings = [s for s in steps(diff(actual, desired)) if isinstance(s.subject, Mapping)]
    removals = sum(isinstance(s, Remove) for s in of_mappings)
    assert all(isinstance(s, Remove) for s in of_mappings[:removals])


@patient
@given(resources() | mappings)
def test_a_subject_survives_json(subject: object) -> None:
    encoded = encode_subject(subject)  # type: ignore[arg-type]  # both strategies give subjects
    assert decode_subject(json.loads(canonical(encoded)), "here") == subject


@patient
@given(states, states)
def test_changes_survive_json(actual: State, desired: State) -> None:
    changes: list[Change] = list(diff(actual, desired))
    assert [decode_change(json.loads(canonical(encode_change(c))), "here") for c in changes] == changes


@patient
@given(states, states, st.booleans(), st.booleans())
def test_a_plan_survives_its_file(actual: State, desired: State, prune: bool, heal: bool) -> None:
    policy = ReconcilePolicy(prune=prune)
    plan = make_plan(actual, desired, policy, set(actual.resources), heal=heal, warnings=["ä"])
    assert load_plan(dump_plan(plan), "plan.json") == plan


@patient
@given(states, states, st.booleans())
def test_every_difference_is_either_planned_or_left_out(actual: State, desired: State, prune: bool) -> None:
    plan = make_plan(actual, desired, ReconcilePolicy(prune=prune), set(list(actual.resources)[:2]), heal=False)
    both = {c.key: c for c in (*plan.changes, *plan.left_out)}
    assert both == {c.key: c for c in diff(actual, desired)}
    assert len(both) == len(plan.changes) + len(plan.left_out)


@patient
@given(states, states)
def test_every_plan_can_be_shown_in_every_form(actual: State, desired: State) -> None:
    plan = make_plan(actual, desired, LOOSE)
    shown = render_text(plan)
    assert all(line.isprintable() for line in shown.rstrip("\n").split("\n"))
    assert json.loads(render_json(plan))["summary"]["create"] == plan.count("create")
    assert render_markdown(plan).count("<details>") == render_markdown(plan).count("</details>")
