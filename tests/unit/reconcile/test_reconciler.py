"""The reconcile loop."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest

from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.errors import InvalidInput, PwsyncError, StoreUnavailable, UnsafePlan
from controller.model.events import RecordedEvent
from controller.planning.state import State
from controller.ports.events import EventQuery
from controller.ports.manifests import Provenance
from controller.ports.store import Store, Transaction
from controller.reconcile.apply import Applied
from controller.reconcile.observe import observe
from controller.reconcile.reconciler import Outcome, Reconciler
from tests.doubles.topologies import adapter, many_mappings, state, system
from tests.unit.reconcile.conftest import AlterByHand


@dataclass
class Manifests:
    """The manifests of a test, which may change or be unreadable."""

    desired: State = field(default_factory=state)
    error: PwsyncError | None = None
    while_reading: Callable[[], object] = lambda: None

    def read(self) -> tuple[State, list[str]]:
        self.while_reading()
        if self.error is not None:
            raise self.error
        return self.desired, ["a warning"]


@pytest.fixture
def manifests() -> Manifests:
    return Manifests(state(system(), adapter("racf")))


@pytest.fixture
def reconciler(store: Store, manifests: Manifests) -> Reconciler:
    return Reconciler(store, manifests.read)


def _events(store: Store, name: str) -> list[RecordedEvent]:
    with store.read() as tx:
        return tx.events.find(EventQuery(name=name))


def _adapter_is_enabled(store: Store) -> bool:
    with store.read() as tx:
        return observe(tx).resources[adapter("racf").key] == adapter("racf")


def test_a_plan_writes_nothing(store: Store, reconciler: Reconciler) -> None:
    plan = reconciler.plan()
    assert plan.count("create") == 2
    assert plan.warnings == ("a warning",)
    with store.read() as tx:
        assert not tx.resources.read()
        assert not tx.events.find(EventQuery())


def test_a_round_applies_and_the_next_finds_nothing_to_do(reconciler: Reconciler) -> None:
    first = reconciler.reconcile()
    assert (first.outcome, first.applied) == (Outcome.APPLIED, Applied(created=2))
    second = reconciler.reconcile()
    assert (second.outcome, second.applied) == (Outcome.IN_SYNC, None)


def test_drift_is_healed_and_reported(store: Store, reconciler: Reconciler, alter_by_hand: AlterByHand) -> None:
    reconciler.reconcile()
    for _ in range(2):
        alter_by_hand("racf", enabled=False)
        result = reconciler.reconcile()
        assert result.outcome is Outcome.APPLIED
        assert _adapter_is_enabled(store)
        assert reconciler.reconcile().outcome is Outcome.IN_SYNC
    reports = _events(store, "driftFound")
    assert [r.fields for r in reports] == [{"count": 1, "objects": ["Adapter/racf"], "leftOut": []}] * 2


def test_without_self_heal_drift_is_reported_once_and_left(
    store: Store, reconciler: Reconciler, manifests: Manifests, alter_by_hand: AlterByHand
) -> None:
    quiet = system(self_heal=False)
    manifests.desired = state(quiet, adapter("racf"))
    reconciler.reconcile()
    alter_by_hand("racf", enabled=False)
    assert [reconciler.reconcile().outcome for _ in range(3)] == [Outcome.IN_SYNC] * 3
    assert not _adapter_is_enabled(store)
    (report,) = _events(store, "driftFound")
    assert report.fields["leftOut"] == ["Adapter/racf"]
    manifests.desired = state(quiet, adapter("racf"), adapter("new"))
    assert reconciler.reconcile().applied == Applied(created=1)
    assert not _adapter_is_enabled(store)
    assert reconciler.plan().count("update") == 1


def test_what_was_altered_into_what_is_declared_is_adopted(
    store: Store, reconciler: Reconciler, manifests: Manifests, alter_by_hand: AlterByHand
) -> None:
    reconciler.reconcile()
    alter_by_hand("racf", enabled=False)
    manifests.desired = state(system(), adapter("racf", enabled=False))
    assert reconciler.reconcile().outcome is Outcome.IN_SYNC
    with store.read() as tx:
        assert not tx.resources.drifted()
    assert len(_events(store, "driftFound")) == 1


def test_a_held_plan_is_reported_once_and_changes_nothing(
    store: Store, reconciler: Reconciler, manifests: Manifests
) -> None:
    whole = state(system(), *many_mappings(100))
    manifests.desired = whole
    reconciler.reconcile()
    manifests.desired = state(system(), *many_mappings(10))
    assert [reconciler.reconcile().outcome for _ in range(3)] == [Outcome.HELD] * 3
    (report,) = _events(store, "planHeld")
    assert report.fields == {
        "codes": ["tooManyPrunes"],
        "reasons": ["would prune 90 of 100 mappings (90.0 %); maxPrunePercent is 30"],
    }
    with store.read() as tx:
        assert tx.mappings.count() == 100
    manifests.desired = whole
    reconciler.reconcile()
    manifests.desired = state(system(), *many_mappings(10))
    reconciler.reconcile()
    assert len(_events(store, "planHeld")) == 2


def test_unreadable_manifests_prune_nothing_and_are_reported_once(
    store: Store, reconciler: Reconciler, manifests: Manifests
) -> None:
    reconciler.reconcile()
    manifests.error = InvalidInput("racf.yaml:3:1: unknown field")
    results = [reconciler.reconcile() for _ in range(2)]
    assert [(r.outcome, r.error, r.plan) for r in results] == [(Outcome.FAILED, manifests.error, None)] * 2
    (report,) = _events(store, "reconcileFailed")
    assert report.fields == {"code": "invalidInput", "message": "racf.yaml:3:1: unknown field"}
    assert _adapter_is_enabled(store)
    manifests.error = None
    assert reconciler.reconcile().outcome is Outcome.IN_SYNC
    manifests.error = InvalidInput("racf.yaml:3:1: unknown field")
    reconciler.reconcile()
    assert len(_events(store, "reconcileFailed")) == 2


class StoreThatIsAway:
    """A store that cannot be reached."""

    def write(self) -> AbstractContextManager[Transaction]:
        raise StoreUnavailable("the store is away")

    read = write

    def close(self) -> None:
        """Nothing to give back."""


def test_an_error_that_cannot_be_recorded_says_so(manifests: Manifests) -> None:
    result = Reconciler(StoreThatIsAway(), manifests.read).reconcile()
    assert result.outcome is Outcome.FAILED
    assert isinstance(result.error, StoreUnavailable)
    assert result.error.__notes__ == ["and it could not be recorded: the store is away"]


class StoreWithAHurriedNeighbour:
    """A store to which someone else applies just before each write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read = store.read
        self.close = store.close

    def write(self) -> AbstractContextManager[Transaction]:
        with self._store.write() as tx:
            tx.resources.put(adapter("neighbour"))
        return self._store.write()


def test_a_round_that_is_overtaken_leaves_the_decision_to_the_next(store: Store, manifests: Manifests) -> None:
    result = Reconciler(StoreWithAHurriedNeighbour(store), manifests.read).reconcile()
    assert result.outcome is Outcome.OVERTAKEN
    assert isinstance(result.error, UnsafePlan)
    assert Reconciler(store, manifests.read).reconcile().applied == Applied(created=2, pruned=1)


def test_no_transaction_is_open_while_the_manifests_are_read(store: Store, manifests: Manifests) -> None:
    def write_from_elsewhere() -> None:
        with store.write() as tx:
            tx.audit.add(Actor("someone"), AuditAction.RESET_DAMPING, "")

    manifests.while_reading = write_from_elsewhere
    assert Reconciler(store, manifests.read).reconcile().outcome is Outcome.APPLIED


@dataclass
class Source:
    """A source of manifests whose newest revision may be unusable."""

    now: Provenance = field(default_factory=lambda: Provenance("git+https://h/r", "main@sha1:a"))
    accepted: list[str] = field(default_factory=list)
    error: PwsyncError | None = None

    def provenance(self) -> Provenance:
        return self.now

    def accept(self) -> None:
        if self.error is not None:
            raise self.error
        self.accepted.append(self.now.revision)


def test_the_revision_is_recorded_with_every_object_it_wrote(store: Store, manifests: Manifests) -> None:
    source = Source()
    reconciler = Reconciler(store, manifests.read, source=source)
    reconciler.reconcile()
    source.now = Provenance("git+https://h/r", "main@sha1:b")
    manifests.desired = state(system(), adapter("racf", enabled=False))
    reconciler.reconcile()
    with store.read() as tx:
        revisions = {str(key): record.revision for key, record in tx.resources.records().items()}
        told = tx.reconciliations.read()
    assert revisions == {"System/default": "main@sha1:a", "Adapter/racf": "main@sha1:b"}
    assert source.accepted == ["main@sha1:a", "main@sha1:b"]
    assert told is not None
    assert (told.manifests, told.applied) == ("git+https://h/r", "main@sha1:b")


def test_the_last_good_manifests_go_on_being_reconciled_and_why_is_told_once(
    store: Store, manifests: Manifests, alter_by_hand: AlterByHand
) -> None:
    source = Source()
    reconciler = Reconciler(store, manifests.read, source=source)
    reconciler.reconcile()
    source.now = Provenance("git+https://h/r", "main@sha1:a", "main@sha1:b", "b.yaml:1:1: wrong")
    alter_by_hand("racf", enabled=False)
    assert reconciler.reconcile().outcome is Outcome.APPLIED, "drift is healed meanwhile"
    assert reconciler.reconcile().outcome is Outcome.IN_SYNC
    (event,) = _events(store, "manifestsNotUsed")
    assert event.fields == {"revision": "main@sha1:b", "revisionInForce": "main@sha1:a", "message": "b.yaml:1:1: wrong"}
    source.now = Provenance("git+https://h/r", "main@sha1:c")
    reconciler.reconcile()
    source.now = Provenance("git+https://h/r", "main@sha1:c", "main@sha1:d", "d.yaml:1:1: wrong")
    reconciler.reconcile()
    assert len(_events(store, "manifestsNotUsed")) == 2


def test_a_held_revision_is_not_accepted(store: Store) -> None:
    source = Source()
    full = state(system(), *many_mappings(20))
    Reconciler(store, lambda: (full, []), source=source).reconcile()
    source.now = Provenance("git+https://h/r", "main@sha1:b")
    held = Reconciler(store, lambda: (state(system()), []), source=source).reconcile()
    assert held.outcome is Outcome.HELD
    assert source.accepted == ["main@sha1:a"]
    with store.read() as tx:
        told = tx.reconciliations.read()
    assert told is not None
    assert (told.applied, told.attempted, told.message) == ("main@sha1:a", "main@sha1:b", held.problem)


def test_manifests_that_cannot_be_kept_fail_the_round(store: Store, manifests: Manifests) -> None:
    source = Source(error=InvalidInput("the disk is full"))
    result = Reconciler(store, manifests.read, source=source).reconcile()
    assert (result.outcome, result.problem) == (Outcome.FAILED, "the disk is full")
