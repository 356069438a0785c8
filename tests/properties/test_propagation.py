"""Mapping conflicts of a whole state, against a walk from every account with the choice of the pipeline itself."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.topology import (
    Adapter,
    Application,
    ConnectorSpec,
    CredentialField,
    Domain,
    Mapping,
    Resource,
    System,
)
from controller.pipeline.selection import select_external, select_windows
from controller.pipeline.topology import Topology, topology_of
from controller.planning.conflict import Conflicts
from controller.planning.propagation import Propagation
from controller.planning.state import State
from tests.doubles.pipeline import ALL_ON, DIRECTORY
from tests.doubles.topologies import resource, state

patient = settings(deadline=None, max_examples=120)
ADAPTERS = ("ldap", "racf", "sql")
APPLICATIONS = ("A1", "A2", "B1", "C1")
often = st.sampled_from([True, True, True, False])


@st.composite
def topologies(draw: st.DrawFn) -> State:
    """A small world in which most things are on, so that passwords travel far."""
    objects: list[Resource] = [
        resource("default", draw(st.sampled_from([ALL_ON, ALL_ON, ALL_ON, System(from_windows_to_adapters=True)]))),
        resource("CORP", Domain("corp.example.com", directory=DIRECTORY)),
        resource("LAB", Domain("lab.example.com", directory=draw(st.sampled_from([DIRECTORY, None])))),
    ]
    for name in draw(st.lists(st.sampled_from(ADAPTERS), unique=True, min_size=1)):
        spec = Adapter(
            ConnectorSpec("memory"),
            enabled=draw(often),
            sync_to_adapter=draw(often),
            sync_from_adapter=draw(often),
            change_windows_password=draw(often),
            allow_mapping_conflicts=draw(st.booleans()),
        )
        objects.append(resource(name, spec))
    for name in APPLICATIONS:
        application = Application(
            type=draw(st.sampled_from(["individual", "group", "group", "hostGroup"])),
            adapter=draw(st.sampled_from([*ADAPTERS, None])),
            enabled=draw(often),
        )
        objects.append(resource(name, application))
    mappings = st.builds(
        Mapping,
        st.sampled_from(APPLICATIONS),
        st.builds(WindowsAccount, st.sampled_from(["CORP", "LAB"]), st.sampled_from(["ann", "bob", "eve"])),
        st.sampled_from(["X", "Y", "Z"]),
        often,
    )
    chosen = draw(st.lists(mappings, max_size=10, unique_by=lambda m: m.sort_key))
    return state(*objects, *chosen)


def nexts_of(topology: Topology, mappings: list[Mapping], account: Account) -> set[Account]:
    """Where the pipeline would send a change of *account* on to, if nothing were a conflict."""
    match account:
        case WindowsAccount():
            if not topology.system.from_windows_to_adapters:
                return set()
            return set(select_external(topology, [m for m in mappings if m.windows == account], {}).accounts)
        case ExternalAccount():
            adapter = topology.adapters[account.adapter]
            if not (adapter.enabled and adapter.sync_from_adapter):
                return set()
            names = topology.applications_of(account.adapter)
            own = [m for m in mappings if m.application in names and m.external == account.name]
            found = select_windows(topology, account, own, {}).windows
            return {w for w in found if topology.domains[w.domain].directory is not None}


def permissive(topology: Topology) -> Topology:
    """The same, where every adapter allows mapping conflicts, so that selection leaves none out."""
    adapters = {name: replace(a, allow_mapping_conflicts=True) for name, a in topology.adapters.items()}
    return replace(topology, adapters=adapters)


def accounts_of(topology: Topology, mappings: list[Mapping]) -> list[Account]:
    """Every account that is mapped."""
    adapters = {m: topology.applications[m.application].adapter for m in mappings}
    externals = {ExternalAccount(a, m.external) for m, a in adapters.items() if a in topology.adapters and a}
    return [*sorted({m.windows for m in mappings}), *sorted(externals)]


def edges_of(desired: State) -> dict[Account, set[Account]]:
    """The whole graph."""
    topology, mappings = permissive(topology_of(desired.resources)), list(desired.mappings)
    return {a: nexts_of(topology, mappings, a) for a in accounts_of(topology, mappings)}


def blamed(desired: State) -> Iterator[str]:
    """Adapters that would have to allow what some change does."""
    edges = edges_of(desired)
    strict = {n for n, a in topology_of(desired.resources).adapters.items() if not a.allow_mapping_conflicts}
    joints = set()
    for account, nexts in edges.items():
        if isinstance(account, ExternalAccount) and account.adapter in strict and nexts:
            senders = {w for w, to in edges.items() if account in to}
            if len(nexts | senders) > 1:
                joints.add(account)
                yield account.adapter
    for start in edges:
        reached, waiting = {start}, [start]
        while waiting:
            account = waiting.pop()
            new = set() if account in joints else edges[account] - reached
            reached |= new
            waiting += new
        counts = Counter(a.adapter for a in reached if isinstance(a, ExternalAccount))
        yield from (adapter for adapter, count in counts.items() if count > 1 and adapter in strict)


def conflicts_of(desired: State, most: int = 10_000) -> Conflicts:
    """What planning finds."""
    propagation = Propagation(desired.resources)
    assert list(propagation.watch(desired.mappings)) == list(desired.mappings)
    return propagation.conflicts(most, desired.mappings)


@patient
@given(topologies())
def test_conflicts_are_those_that_a_walk_from_every_account_finds(desired: State) -> None:
    found = conflicts_of(desired)
    assert {c.adapter for c in found.shown} == set(blamed(desired))
    assert found.more == 0


@patient
@given(topologies())
def test_every_way_that_is_shown_exists_and_ends_where_it_is_said(desired: State) -> None:
    edges = edges_of(desired)
    for conflict in conflicts_of(desired).shown:
        for path in conflict.paths:
            assert path[0] == conflict.start
            assert all(following in edges[account] for account, following in itertools.pairwise(path))
        ends = {path[-1] for path in conflict.paths} | ({conflict.start} if len(conflict.paths) == 1 else set())
        assert len(ends) == 2
        systems = {"Windows" if isinstance(a, WindowsAccount) else a.adapter for a in ends}
        assert systems in ({"Windows"}, {conflict.adapter})


@patient
@given(topologies(), st.integers(0, 3))
def test_what_is_not_shown_is_counted(desired: State, most: int) -> None:
    everything, some = conflicts_of(desired), conflicts_of(desired, most)
    assert some.shown == everything.shown[:most]
    assert len(some.shown) + some.more == len(everything.shown)


@patient
@given(topologies())
def test_an_application_without_a_password_field_passes_nothing_on(desired: State) -> None:
    fields = (CredentialField("User Id"),)
    resources = {
        k: replace(r, spec=replace(r.spec, fields=fields)) if isinstance(r.spec, Application) else r
        for k, r in desired.resources.items()
    }
    assert conflicts_of(State(resources, desired.mappings)) == Conflicts()
