"""A round in which nothing has changed reads no mapping; any change is seen."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from controller.model.topology import Key, Mapping, Resource
from controller.planning.state import State
from controller.ports.store import Store
from controller.reconcile.reconciler import Outcome, Reconciler
from controller.store.opening import scratch_store
from tests.doubles.topologies import application, many_mappings, state, system
from tests.unit.reconcile.conftest import NOW

OBJECTS = state(system(max_update_percent=100), application("PAYROLL"), application("OTHER")).resources


@dataclass
class Counted:
    """Mappings that know how often they were read."""

    mappings: list[Mapping]
    times: int = 0

    def __iter__(self) -> Iterator[Mapping]:
        self.times += 1
        return iter(self.mappings)


@dataclass
class Manifests:
    """What is declared, with a mark."""

    mappings: Iterable[Mapping] = field(default_factory=lambda: Counted(many_mappings(3)))
    mark: str = "1"
    objects: dict[Key, Resource] = field(default_factory=lambda: dict(OBJECTS))

    def read(self) -> tuple[State, list[str]]:
        return State(self.objects, self.mappings, self.mark), ["a warning"]


@pytest.fixture
def manifests() -> Manifests:
    return Manifests()


@pytest.fixture
def reconciler(store: Store, manifests: Manifests) -> Reconciler:
    """After the round that applied everything, and the one that found nothing to do."""
    reconciler = Reconciler(store, manifests.read)
    assert [reconciler.reconcile().outcome for _ in range(2)] == [Outcome.APPLIED, Outcome.IN_SYNC]
    return reconciler


def _by_hand(database: Path, statement: str) -> None:
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_round_without_changes_reads_no_mapping_and_tells_the_same(
    reconciler: Reconciler, manifests: Manifests
) -> None:
    before = reconciler.reconcile()
    assert isinstance(manifests.mappings, Counted)
    times = manifests.mappings.times
    after = reconciler.reconcile()
    assert manifests.mappings.times == times
    assert (after.outcome, after.plan) == (Outcome.IN_SYNC, before.plan)
    assert after.plan is not None
    assert after.plan.warnings == ("a warning",)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mappings SET enabled = 0 WHERE external_account = 'U000001'",
        "DELETE FROM mappings WHERE external_account = 'U000001'",
        "INSERT INTO mappings VALUES ('OTHER', 'CORP\\x', 'X', 1, '')",
    ],
)
def test_a_mapping_altered_by_hand_is_seen_and_healed(
    statement: str, database: Path, reconciler: Reconciler, store: Store, manifests: Manifests
) -> None:
    _by_hand(database, statement)
    assert [reconciler.reconcile().outcome for _ in range(2)] == [Outcome.APPLIED, Outcome.IN_SYNC]
    with store.read() as tx:
        assert list(tx.mappings.scan()) == list(manifests.mappings)


def test_another_mark_is_compared(reconciler: Reconciler, manifests: Manifests) -> None:
    manifests.mappings, manifests.mark = many_mappings(2), "2"
    assert reconciler.reconcile().outcome is Outcome.APPLIED


def test_another_object_is_compared_though_no_mapping_has_changed(reconciler: Reconciler, manifests: Manifests) -> None:
    other = application("OTHER", contact="payroll@example.com")
    manifests.objects = {**OBJECTS, other.key: other}
    assert [reconciler.reconcile().outcome for _ in range(2)] == [Outcome.APPLIED, Outcome.IN_SYNC]


def test_mappings_without_a_mark_are_read_each_time(reconciler: Reconciler, manifests: Manifests) -> None:
    manifests.mark = ""
    reconciler.reconcile()
    assert isinstance(manifests.mappings, Counted)
    times = manifests.mappings.times
    reconciler.reconcile()
    assert manifests.mappings.times > times


def test_a_store_that_counts_nothing_is_read_each_time(manifests: Manifests) -> None:
    store = scratch_store(clock=lambda: NOW)
    with store.write() as tx:
        tx.mappings.put(manifests.mappings)
        for resource in OBJECTS.values():
            tx.resources.put(resource)
        assert tx.mappings.revision() is None
    reconciler = Reconciler(store, manifests.read)
    assert reconciler.plan().is_empty()
    with store.write() as tx:
        tx.mappings.remove(many_mappings(1))
    assert reconciler.plan().count("create") == 1
    store.close()
