"""Applying a plan."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import pytest

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.change import PasswordChange
from controller.model.credential import Fingerprint, StoredSecret, Write
from controller.model.delivery import Delivery, DeliveryState
from controller.model.errors import UnsafePlan
from controller.model.topology import AdapterGroup, Domain, Key, Kind, Mapping, Resource
from controller.planning.plan import Plan, make_plan
from controller.planning.state import State
from controller.ports.audit import AuditQuery
from controller.ports.events import EventQuery
from controller.ports.store import Store, Transaction
from controller.reconcile.apply import Applied, adopt, apply_plan, note_held
from controller.reconcile.observe import observe
from tests.doubles.topologies import adapter, application, many_mappings, mapping, resource, state, system
from tests.unit.reconcile.conftest import NOW

GROUP = resource("mainframe", AdapterGroup())
FULL = state(
    system(),
    resource("CORP", Domain("corp.example.com")),
    GROUP,
    adapter("racf", group="mainframe"),
    application("PAYROLL", adapter="racf"),
    mapping("PAYROLL", "alice", "A1"),
    mapping("PAYROLL", "bob", "B1"),
)


def _without(*gone: Resource | Mapping) -> State:
    subjects: list[Resource | Mapping] = [*FULL.resources.values(), *FULL.mappings]
    return state(*(s for s in subjects if s not in gone))


def _plan(store: Store, desired: State) -> Plan:
    with store.read() as tx:
        return make_plan(observe(tx), desired)


def _apply(store: Store, desired: State, *, force: bool = False) -> Applied:
    return apply_plan(store, _plan(store, desired), force=force, by=Actor("ops"))


def _actual(store: Store) -> State:
    with store.read() as tx:
        actual = observe(tx)
        return State(actual.resources, list(actual.mappings))


def test_applying_makes_the_actual_state_as_declared(store: Store) -> None:
    assert _apply(store, FULL) == Applied(created=7)
    assert _actual(store) == FULL
    assert _plan(store, FULL).is_empty()


def test_the_observed_mappings_can_be_read_again_and_again(store: Store) -> None:
    _apply(store, FULL)
    with store.read() as tx:
        observed = observe(tx)
        assert list(observed.mappings) == list(observed.mappings) == list(FULL.mappings)


def test_everything_can_be_removed_in_one_plan_when_forced(store: Store) -> None:
    _apply(store, FULL)
    with pytest.raises(UnsafePlan, match="the manifests declare nothing"):
        _apply(store, state())
    assert _apply(store, state(), force=True) == Applied(pruned=7)
    assert _actual(store) == state()


def test_a_held_plan_changes_nothing(store: Store) -> None:
    payroll = application("PAYROLL", type="group")
    _apply(store, FULL)
    with pytest.raises(UnsafePlan, match="nothing was applied") as caught:
        _apply(store, state(*(s for s in FULL.resources.values() if s.name != "PAYROLL"), payroll, *FULL.mappings))
    assert "--force" in caught.value.hint
    assert _actual(store) == FULL


def test_force_does_not_lift_protection(store: Store) -> None:
    protected = resource("a", adapter("a").spec, **{"pwsync/protect": "true"})
    _apply(store, state(system(), protected))
    with pytest.raises(UnsafePlan, match="Adapter/a is protected"):
        _apply(store, state(system()), force=True)
    assert _actual(store) == state(system(), protected)


def test_a_plan_is_refused_when_the_actual_state_has_moved_on(store: Store) -> None:
    plan = _plan(store, FULL)
    _apply(store, state(system(prune=False)))
    with pytest.raises(UnsafePlan, match="moved on"):
        apply_plan(store, plan, by=Actor("ops"))
    assert _actual(store) == state(system(prune=False))


def test_an_empty_plan_writes_nothing(store: Store) -> None:
    _apply(store, FULL)
    assert _apply(store, FULL) == Applied()
    with store.read() as tx:
        assert len(tx.events.find(EventQuery(name="planApplied"))) == 1


def test_two_mappings_of_one_application_can_swap_their_accounts(store: Store) -> None:
    _apply(store, FULL)
    swapped = state(*FULL.resources.values(), mapping("PAYROLL", "alice", "B1"), mapping("PAYROLL", "bob", "A1"))
    assert _apply(store, swapped) == Applied(replaced=2)
    assert _actual(store) == swapped


def test_an_error_in_the_middle_leaves_everything_as_it_was(store: Store) -> None:
    def fail(done: int, total: int) -> None:
        assert total == 7
        if done > 4:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        apply_plan(store, _plan(store, FULL), by=Actor("ops"), progress=fail)
    assert _actual(store) == state()


def test_progress_counts_every_step_and_mappings_by_the_thousand(store: Store) -> None:
    seen: list[tuple[int, int]] = []
    desired = state(application("PAYROLL"), *many_mappings(2500))
    apply_plan(store, _plan(store, desired), by=Actor("ops"), progress=lambda *of: seen.append(of))
    assert seen == [(1, 2501), (1001, 2501), (2001, 2501), (2501, 2501)]


class NotingTransaction:
    """A transaction that notes which locks are asked for."""

    def __init__(self, tx: Transaction, locks: list[str]) -> None:
        self._tx = tx
        self._locks = locks

    def exclusive(self, name: str) -> None:
        self._locks.append(name)
        self._tx.exclusive(name)

    def __getattr__(self, name: str) -> object:
        return getattr(self._tx, name)


class NotingStore:
    """A store that notes which locks are asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read = store.read
        self.close = store.close
        self.locks: list[str] = []

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with self._store.write() as tx:
            yield cast("Transaction", NotingTransaction(tx, self.locks))


def test_appliers_exclude_each_other(store: Store) -> None:
    noting = NotingStore(store)
    apply_plan(noting, _plan(store, FULL), by=Actor("ops"))
    adopt(noting, FULL.resources.values())
    assert noting.locks == ["apply", "apply"]


def test_what_was_applied_is_recorded_and_audited(store: Store) -> None:
    _apply(store, FULL)
    plan = _plan(store, state(*_without(adapter("racf", group="mainframe")).resources.values(), adapter("racf")))
    apply_plan(store, plan, by=Actor("ops"))
    with store.read() as tx:
        (event, _) = tx.events.find(EventQuery(name="planApplied"))
        rows = [(r.principal, r.action, r.object, r.detail) for r in tx.audit.find(AuditQuery(limit=4))]
    counts = {"create": 0, "update": 1, "replace": 0, "prune": 2}
    assert event.fields == {"principal": "ops", **counts, "forced": [], "revision": plan.revision}
    assert sorted(rows) == [
        ("ops", "apply", "Plan", "create 0, update 1, replace 0, prune 2"),
        ("ops", "prune", r"Mapping/PAYROLL/CORP\alice/A1", ""),
        ("ops", "prune", r"Mapping/PAYROLL/CORP\bob/B1", ""),
        ("ops", "update", "Adapter/racf", "group"),
    ]


def test_forced_holds_are_named_in_the_event(store: Store) -> None:
    _apply(store, FULL)
    _apply(store, state(), force=True)
    with store.read() as tx:
        assert tx.events.find(EventQuery(name="planApplied"))[0].fields["forced"] == ["emptyDesired", "tooManyPrunes"]


def test_beyond_a_thousand_mappings_the_audit_only_counts(store: Store) -> None:
    _apply(store, state(application("PAYROLL"), *many_mappings(2500)))
    with store.read() as tx:
        rows = tx.audit.find(AuditQuery(limit=5000))
    assert len(rows) == 1 + 1 + 1000 + 1
    assert (rows[0].action, rows[0].object, rows[0].detail) == ("create", "Mapping", "1,500 more mappings")


def _secret() -> StoredSecret:
    return StoredSecret(b"sealed", 1, "t", NOW)


def test_credentials_go_with_the_last_mapping_that_refers_to_them(store: Store) -> None:
    _apply(store, FULL)
    with store.write() as tx:
        for external in ("A1", "B1"):
            tx.credentials.put_external("PAYROLL", external, "Password", _secret())
    applied = _apply(store, _without(mapping("PAYROLL", "bob", "B1")))
    assert applied == Applied(pruned=1, credentials_removed=1)
    with store.read() as tx:
        assert list(tx.credentials.external("PAYROLL", "A1")) == ["Password"]
        assert not tx.credentials.external("PAYROLL", "B1")


def test_a_replaced_application_loses_its_credentials_and_keeps_its_mappings(store: Store) -> None:
    payroll = application("PAYROLL", adapter="racf", type="group")
    other = application("OTHER")
    first = state(*FULL.resources.values(), other, *FULL.mappings, mapping("OTHER", "alice", "A1"))
    _apply(store, first)
    with store.write() as tx:
        tx.credentials.put_external("PAYROLL", "A1", "Password", _secret())
        tx.credentials.put_external("OTHER", "A1", "Password", _secret())
    desired = State({**first.resources, payroll.key: payroll}, first.mappings)
    assert _apply(store, desired, force=True) == Applied(replaced=1, credentials_removed=1)
    assert _actual(store) == desired
    with store.read() as tx:
        assert not tx.credentials.external("PAYROLL", "A1")
        assert tx.credentials.external("OTHER", "A1")


def _change(tx: Transaction, tracking_id: str) -> int:
    account = WindowsAccount("CORP", "alice")
    sequence = tx.changes.add(PasswordChange(tracking_id, account, "dc1", b"sealed", None, None, NOW))
    tx.changes.mark_routed(tracking_id)
    return sequence


def _deliver(tx: Transaction, tracking_id: str, account: Account, sequence: int, state_: DeliveryState) -> None:
    later = NOW + timedelta(hours=1)
    delivery_id = f"{tracking_id}-{account.lane}"
    tx.deliveries.add(Delivery(delivery_id, tracking_id, sequence, account, b"sealed", NOW, NOW, later, state=state_))


@pytest.mark.parametrize("waiting", [DeliveryState.PENDING, DeliveryState.RETRYING, DeliveryState.PARKED])
def test_deliveries_of_a_pruned_adapter_are_given_up_with_their_change(store: Store, waiting: DeliveryState) -> None:
    _apply(store, FULL)
    target = ExternalAccount("racf", "A1")
    with store.write() as tx:
        _deliver(tx, "t1", target, _change(tx, "t1"), waiting)
        tx.fingerprints.put(target, Fingerprint(writes=(Write(b"x", 1),)))
    racf, payroll = adapter("racf", group="mainframe"), application("PAYROLL", adapter="racf")
    desired = state(*_without(racf, payroll).resources.values(), application("PAYROLL"), *FULL.mappings)
    assert _apply(store, desired) == Applied(updated=1, pruned=1, deliveries_expired=1)
    with store.read() as tx:
        (delivery,) = tx.deliveries.of_change("t1")
        change = tx.changes.get("t1")
        events = {e.name: e for e in tx.events.find(EventQuery(tracking_id="t1"))}
    assert (delivery.state, delivery.code, delivery.sealed_password) == ("expired", "adapterRemoved", None)
    assert change is not None
    assert (change.state, change.reason, change.sealed_password) == ("failed", "deliveryExpired", None)
    assert events["deliveryExpired"].fields["code"] == "adapterRemoved"
    assert (events["deliveryExpired"].adapter, events["deliveryExpired"].account) == ("racf", "A1")
    assert events["changeFailed"].account == r"CORP\alice"
    with store.write() as tx:
        assert tx.fingerprints.get(target) == Fingerprint()


def test_a_change_with_another_delivery_under_way_is_not_finished(store: Store) -> None:
    _apply(store, FULL)
    with store.write() as tx:
        sequence = _change(tx, "t1")
        _deliver(tx, "t1", WindowsAccount("CORP", "alice"), sequence, DeliveryState.PENDING)
        _deliver(tx, "t1", ExternalAccount("racf", "A1"), sequence, DeliveryState.PENDING)
    domain = resource("CORP", Domain("corp.example.com"))
    assert _apply(store, _without(domain)).deliveries_expired == 1
    with store.read() as tx:
        change = tx.changes.get("t1")
        codes = {d.account.lane: d.code for d in tx.deliveries.of_change("t1")}
    assert change is not None
    assert change.state == "accepted"
    assert codes == {"domain/CORP": "noDirectory", "adapter/racf": ""}


def test_a_delivery_whose_change_is_gone_is_given_up_all_the_same(store: Store) -> None:
    _apply(store, FULL)
    with store.write() as tx:
        _deliver(tx, "t9", WindowsAccount("CORP", "alice"), 9, DeliveryState.PENDING)
    assert _apply(store, _without(resource("CORP", Domain("corp.example.com")))).deliveries_expired == 1


def test_adopting_takes_over_only_what_is_still_the_same(store: Store) -> None:
    _apply(store, FULL)
    with store.read() as tx:
        before = tx.resources.revision()
    adopt(store, [adapter("racf"), adapter("gone")])
    with store.read() as tx:
        assert tx.resources.revision() == before
        assert Key(Kind.ADAPTER, "gone") not in tx.resources.read()


def test_a_plan_that_is_held_is_audited_for_who_would_have_applied_it(store: Store) -> None:
    _apply(store, FULL)
    held = _plan(store, state(system()))
    note_held(store, held, by=Actor("ops"))
    with store.read() as tx:
        entry = tx.audit.find(AuditQuery(limit=1))[0]
    assert (entry.principal, entry.action, entry.failure) == ("ops", AuditAction.APPLY, UnsafePlan.code)
    assert _actual(store) == FULL
