"""What the reconcile loop last did, and whether it is suspended."""

from dataclasses import replace
from datetime import timedelta

from controller.ports.manifests import Pause, Reconciliation
from controller.ports.store import Store
from tests.contracts.store.examples import AT
from tests.doubles.topologies import adapter

LATER = AT + timedelta(minutes=5)
HELD = Reconciliation(AT, "held", "would prune all", "git+https://h/r", "b", "a", AT, "c", "c is broken", LATER)


def test_the_last_round_replaces_the_one_before(store: Store) -> None:
    with store.write() as tx:
        assert tx.reconciliations.read() is None
        tx.reconciliations.note(Reconciliation(AT, "inSync"))
        tx.reconciliations.note(HELD)
    with store.read() as tx:
        assert tx.reconciliations.read() == HELD
    with store.write() as tx:
        tx.reconciliations.note(replace(HELD, applied_at=None, problem_since=None))
        assert tx.reconciliations.read() == replace(HELD, applied_at=None, problem_since=None)


def test_the_first_word_of_a_pause_stays(store: Store) -> None:
    first = Pause("ops", AT, "maintenance")
    with store.write() as tx:
        assert tx.reconciliations.pause() is None
        tx.reconciliations.suspend(first)
        tx.reconciliations.suspend(Pause("eve", LATER))
        assert tx.reconciliations.pause() == first
        assert tx.reconciliations.resume()
        assert not tx.reconciliations.resume()
        assert tx.reconciliations.pause() is None


def test_an_object_keeps_its_revision_until_another_one_writes_it(store: Store) -> None:
    subject = adapter("racf")
    with store.write() as tx:
        tx.resources.put(subject, "a")
        tx.resources.put(subject)
        assert tx.resources.records()[subject.key].revision == "a"
        tx.resources.put(subject, "b")
        record = tx.resources.describe(subject.key)
    assert record is not None
    assert (record.revision, record.generation) == ("b", 1)
