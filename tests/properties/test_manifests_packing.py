"""Packed mappings against plain ones: the same order, the same differences, the same clashes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.manifests.batch import Batch, packed, packed_rest
from controller.manifests.packing import PackedMappings, grouped
from controller.manifests.problems import Place
from controller.manifests.uniqueness import clashes
from controller.model.accounts import WindowsAccount
from controller.model.topology import Application, Mapping
from controller.planning.diff import diff
from controller.planning.digest import digest
from controller.planning.ordering import carry_out
from controller.planning.plan import make_plan
from controller.planning.safety import Hold
from controller.planning.state import State

patient = settings(deadline=None)
TYPES = ("individual", "group", "hostGroup")
names = st.sampled_from(["a", "ab", "a b", "a!", "a-1", "ä", "b", "𐐷"])
externals = st.sampled_from(["X", "X Y", "x", "Ü", "\U0001f511", "Z"])
origins = st.sampled_from(["MappingSet/staff", "Mapping/one"])
accounts = st.builds(WindowsAccount, st.sampled_from(["CORP", "CORP2", "COR", "LAB"]), names)
mappings = st.builds(Mapping, st.sampled_from(["A", "A1", "B"]), accounts, externals, st.booleans(), origins)


def batch(of: list[Mapping], number: int) -> Batch:
    """Mappings of one application and one domain, packed."""
    rows = [packed(m.windows.name, m.external, packed_rest(enabled=m.enabled, origin=m.origin)) for m in of]
    return Batch(of[0].application, of[0].windows.domain, rows, lambda index: Place(f"{number}", index + 1))


def batches(of: list[Mapping]) -> list[Batch]:
    """Mappings in their order, one batch for each: what follows what is all that matters."""
    return [batch([mapping], number) for number, mapping in enumerate(of)]


def streaming(of: list[Mapping]) -> State:
    """The streaming form of a state."""
    return State({}, PackedMappings(grouped(batches(of))))


def simple(of: list[Mapping]) -> State:
    """The simple form of a state."""
    return State({}, sorted(of, key=lambda m: m.sort_key))


sets = st.lists(mappings, max_size=12, unique_by=lambda m: m.sort_key)


@patient
@given(sets)
def test_packed_mappings_come_in_the_order_of_mappings_as_often_as_wanted(given_: list[Mapping]) -> None:
    packed_mappings = streaming(given_).mappings
    for _ in range(2):
        assert list(packed_mappings) == simple(given_).mappings
    assert digest(streaming(given_)) == digest(simple(given_))


@patient
@given(sets)
def test_a_packed_state_does_not_differ_from_itself(given_: list[Mapping]) -> None:
    assert list(diff(streaming(given_), streaming(given_))) == []


@patient
@given(sets, sets)
def test_carrying_out_the_difference_of_packed_states_gives_the_desired_one(
    actual: list[Mapping], desired: list[Mapping]
) -> None:
    changes = list(diff(streaming(actual), streaming(desired)))
    assert changes == list(diff(simple(actual), simple(desired)))
    assert carry_out(simple(actual), changes) == simple(desired)


@patient
@given(sets, sets)
def test_packed_states_are_held_for_the_same_reasons(actual: list[Mapping], desired: list[Mapping]) -> None:
    def holds(one: State, other: State) -> tuple[Hold, ...]:
        return make_plan(one, other).holds

    assert holds(streaming(actual), streaming(desired)) == holds(simple(actual), simple(desired))


def may_stand(type_: str, one: Mapping, other: Mapping) -> bool:
    """Whether two mappings of an application may stand beside each other (A6, A8)."""
    same_windows, same_external = one.windows == other.windows, one.external == other.external
    match type_:
        case "individual":
            return not same_windows and not same_external
        case "group":
            return not same_windows and same_external
        case "hostGroup":
            return same_windows and not same_external
        case _:
            return not (same_windows and same_external)


@patient
@given(st.lists(mappings, max_size=6), st.fixed_dictionaries({}, optional=dict.fromkeys("AB", st.sampled_from(TYPES))))
def test_there_is_a_clash_exactly_when_two_mappings_may_not_stand_beside_each_other(
    given_: list[Mapping], types: dict[str, str]
) -> None:
    applications = {name: Application(type=type_) for name, type_ in types.items()}  # type: ignore[arg-type]  # of TYPES
    parts = batches(given_)
    blamed = {problem.place.file for problem in clashes(parts, grouped(parts), applications)}
    expected = {
        mapping.application
        for number, mapping in enumerate(given_)
        for other in given_[:number]
        if mapping.application == other.application
        and not may_stand(types.get(mapping.application, ""), mapping, other)
    }
    assert {given_[int(number)].application for number in blamed} == expected
