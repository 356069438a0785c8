"""The difference between two states."""

import sys
import time
from collections.abc import Callable

import pytest

from controller.model.errors import InvalidInput
from controller.model.topology import AdapterGroup, CredentialField, Key, Kind
from controller.planning.change import Change, Create, Prune, Replace, Update
from controller.planning.diff import diff
from controller.planning.digest import digest
from controller.planning.ordering import Put, Remove, carry_out, steps
from controller.planning.state import State
from tests.doubles.topologies import Streaming, adapter, application, many_mappings, mapping, resource, state, system

untraced = pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer (coverage) makes times meaningless")


def test_an_object_only_declared_is_created() -> None:
    assert list(diff(state(), state(adapter("racf")))) == [Create(adapter("racf"))]


def test_an_object_no_longer_declared_is_pruned() -> None:
    assert list(diff(state(system()), state())) == [Prune(system())]


def test_a_changed_object_is_updated() -> None:
    before, after = adapter("racf"), adapter("racf", enabled=False)
    assert list(diff(state(before), state(after))) == [Update(before, after)]


@pytest.mark.parametrize(
    "changed", [{"type": "group"}, {"fields": (CredentialField("User Id"), CredentialField("PIN"))}]
)
def test_an_application_with_another_type_or_other_fields_is_replaced(changed: dict[str, object]) -> None:
    before, after = application("PAYROLL"), application("PAYROLL", **changed)
    assert list(diff(state(before), state(after))) == [Replace(before, after)]


def test_an_application_with_another_contact_is_updated() -> None:
    before, after = application("PAYROLL"), application("PAYROLL", contact="ops")
    assert list(diff(state(before), state(after))) == [Update(before, after)]


def test_a_mapping_to_another_external_account_is_replaced() -> None:
    before, after = mapping("PAYROLL", "alice", "A1"), mapping("PAYROLL", "alice", "A2")
    assert list(diff(state(before), state(after))) == [Replace(before, after)]


def test_a_mapping_to_another_external_account_is_one_change_among_its_neighbours() -> None:
    old = [mapping("A", "alice", "1"), mapping("A", "bob", "2"), mapping("A", "carl", "3")]
    new = [mapping("A", "alice", "4"), mapping("A", "bob", "2"), mapping("A", "carl", "1")]
    changes = diff(State({}, Streaming(old)), State({}, Streaming(new)))
    assert list(changes) == [Replace(old[0], new[0]), Replace(old[2], new[2])]


@pytest.mark.parametrize(("before", "after"), [(["1"], ["2"]), (["1", "2"], ["2", "3"]), (["3"], ["1", "2"])])
def test_external_accounts_of_a_host_group_come_and_go_one_by_one(before: list[str], after: list[str]) -> None:
    hosts = application("HOSTS", type="hostGroup")
    actual = state(hosts, *(mapping("HOSTS", "svc", name) for name in before))
    desired = state(hosts, *(mapping("HOSTS", "svc", name) for name in after))
    assert {(c.action, c.subject) for c in diff(actual, desired)} == {
        *(("prune", mapping("HOSTS", "svc", name)) for name in before if name not in after),
        *(("create", mapping("HOSTS", "svc", name)) for name in after if name not in before),
    }
    assert carry_out(actual, diff(actual, desired)) == desired


@pytest.mark.parametrize("types", [("individual", "hostGroup"), ("hostGroup", "individual")])
def test_mappings_of_an_application_that_becomes_or_was_a_host_group_come_and_go(types: tuple[str, str]) -> None:
    before, after = (application("HOSTS", type=type_) for type_ in types)
    old, new = mapping("HOSTS", "svc", "1"), mapping("HOSTS", "svc", "2")
    assert list(diff(state(before, old), state(after, new))) == [Replace(before, after), Prune(old), Create(new)]


@pytest.mark.parametrize(("kept", "pruned"), [("1", "2"), ("2", "1")])
def test_a_second_mapping_written_into_the_store_by_hand_is_pruned_alone(kept: str, pruned: str) -> None:
    actual = state(mapping("A", "alice", "1"), mapping("A", "alice", "2"))
    assert list(diff(actual, state(mapping("A", "alice", kept)))) == [Prune(mapping("A", "alice", pruned))]


def test_a_disabled_mapping_is_updated() -> None:
    before, after = mapping("PAYROLL", "alice", "A1"), mapping("PAYROLL", "alice", "A1", enabled=False)
    assert list(diff(state(before), state(after))) == [Update(before, after)]


def test_changes_come_in_key_order_with_mappings_last() -> None:
    desired = state(
        mapping("B", "bob", "1"), mapping("A", "zoe", "1"), application("A"), adapter("z"), adapter("b"), system()
    )
    assert [str(c.key) for c in diff(state(), desired)] == [
        "System/default",
        "Adapter/b",
        "Adapter/z",
        "Application/A",
        r"Mapping/A/CORP\zoe/1",
        r"Mapping/B/CORP\bob/1",
    ]


def test_mappings_are_merged_from_two_streams() -> None:
    old = [mapping("A", user, "1") for user in ("a", "c", "d")]
    new = [mapping("A", user, "1") for user in ("b", "c", "e")]
    changes = diff(State({}, Streaming(old)), State({}, Streaming(new)))
    assert [(c.action, c.subject) for c in changes] == [
        ("prune", old[0]),
        ("create", new[0]),
        ("prune", old[2]),
        ("create", new[2]),
    ]


def test_carrying_out_the_difference_gives_the_desired_state() -> None:
    actual = state(system(), adapter("racf"), mapping("A", "alice", "1"), mapping("A", "bob", "2"))
    desired = state(adapter("racf", enabled=False), mapping("A", "alice", "3"), mapping("A", "carl", "2"))
    assert carry_out(actual, diff(actual, desired)) == desired


def test_the_subject_of_each_change_is_what_will_be_or_what_was() -> None:
    old, new = adapter("racf"), adapter("racf", enabled=False)
    changes: list[Change] = [Create(new), Update(old, new), Replace(old, new), Prune(old)]
    assert [c.subject for c in changes] == [new, new, new, old]
    assert {c.key for c in changes} == {Key(Kind.ADAPTER, "racf")}


@untraced
def test_ten_thousand_equal_mappings_are_compared_within_50_ms() -> None:
    one, other = state(*many_mappings(10_000)), state(*many_mappings(10_000))
    assert _fastest(lambda: list(diff(one, other))) < 0.05


@untraced
def test_ten_thousand_mappings_are_digested_within_60_ms() -> None:
    actual = state(*many_mappings(10_000))
    assert _fastest(lambda: digest(actual)) < 0.06


def _fastest(act: Callable[[], object]) -> float:
    def once() -> float:
        begin = time.process_time()  # other processes of a busy machine do not count
        act()
        return time.process_time() - begin

    return min(once() for _ in range(10))


def test_the_digest_is_the_same_with_every_version() -> None:
    group = resource("mainframe", AdapterGroup("Größe", "host1"))
    actual = state(group, mapping("PAYROLL", "émile", "A1", origin="MappingSet/x"))
    assert digest(actual) == "sha256:83f6080cc37042ab853ade1f86105516522a80e7c82e57303ced93d0cb47ce28"


def test_mappings_that_differ_only_in_where_a_text_ends_have_different_digests() -> None:
    assert digest(state(mapping("a", "b", "cd", origin="e"))) != digest(state(mapping("a", "b", "c", origin="de")))


@pytest.mark.parametrize(("second", "external"), [("alice", "2"), ("alice", "1"), ("aaron", "3")])
def test_mappings_out_of_order_or_twice_are_refused(second: str, external: str) -> None:
    disorderly = State({}, [mapping("A", "alice", "2"), mapping("A", second, external)])
    with pytest.raises(InvalidInput, match="out of order"):
        digest(disorderly)


def test_steps_go_up_the_ranks_then_mappings_out_then_in_then_down_the_ranks() -> None:
    group, host = resource("g", AdapterGroup()), adapter("racf", group="g")
    moved = Replace(mapping("PAYROLL", "bob", "B1"), mapping("PAYROLL", "bob", "B2"))
    changes: list[Change] = [
        Create(mapping("PAYROLL", "alice", "B1")),
        moved,
        Prune(mapping("PAYROLL", "carl", "C")),
        Update(mapping("PAYROLL", "dora", "D"), mapping("PAYROLL", "dora", "D", enabled=False)),
        Prune(group),
        Prune(host),
        Create(application("NEW", adapter="new")),
        Create(adapter("new")),
    ]
    assert list(steps(changes)) == [
        Put(adapter("new")),
        Put(application("NEW", adapter="new")),
        Remove(moved.before),
        Remove(mapping("PAYROLL", "carl", "C")),
        Put(mapping("PAYROLL", "alice", "B1")),
        Put(moved.after),
        Put(mapping("PAYROLL", "dora", "D", enabled=False)),
        Remove(host),
        Remove(group),
    ]
