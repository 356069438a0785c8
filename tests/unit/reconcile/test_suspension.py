"""Suspending and resuming the reconcile loop."""

import pytest

from controller.model.actor import Actor
from controller.model.errors import InvalidInput
from controller.ports.audit import AuditQuery
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.reconcile.reconciler import Outcome, Reconciler
from controller.reconcile.suspension import resume, suspend
from tests.doubles.topologies import adapter, state, system

OPS = Actor("ops")


def _names(store: Store) -> list[str]:
    with store.read() as tx:
        return [event.name for event in tx.events.find(EventQuery()) if event.name.startswith("reconcile")]


def test_a_suspended_loop_plans_and_applies_nothing(store: Store) -> None:
    reconciler = Reconciler(store, lambda: (state(system(), adapter("racf")), []))
    assert suspend(store, "maintenance", by=OPS)
    result = reconciler.reconcile()
    assert result.outcome is Outcome.SUSPENDED
    assert result.plan is not None
    assert result.plan.count("create") == 2
    with store.read() as tx:
        assert tx.resources.read() == {}
        told = tx.reconciliations.read()
    assert told is not None
    assert (told.outcome, told.applied) == ("suspended", "")
    assert resume(store, by=OPS)
    assert reconciler.reconcile().outcome is Outcome.APPLIED


def test_each_word_is_told_once_and_every_one_audited(store: Store) -> None:
    assert (suspend(store, "first", by=OPS), suspend(store, "second", by=Actor("eve"))) == (True, False)
    with store.read() as tx:
        pause = tx.reconciliations.pause()
    assert pause is not None
    assert (pause.principal, pause.reason) == ("ops", "first")
    assert (resume(store, by=OPS), resume(store, by=OPS)) == (True, False)
    assert _names(store) == ["reconcileResumed", "reconcileSuspended"]
    with store.read() as tx:
        rows = [(row.principal, row.action, row.detail) for row in tx.audit.find(AuditQuery(limit=9))]
    assert rows == [
        ("ops", "reconcile resume", ""),
        ("ops", "reconcile resume", ""),
        ("eve", "reconcile suspend", "second"),
        ("ops", "reconcile suspend", "first"),
    ]


def test_a_reason_is_short(store: Store) -> None:
    with pytest.raises(InvalidInput, match="at most 500"):
        suspend(store, "x" * 501, by=OPS)
