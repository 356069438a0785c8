"""How far somebody sees: changes, deliveries and events that are within reach, on every engine."""

import pytest

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.events import Event
from controller.ports.changes import ChangeQuery
from controller.ports.deliveries import DeliveryQuery
from controller.ports.events import EventQuery
from controller.ports.reach import Reach
from controller.ports.store import Store
from tests.contracts.store.examples import ALICE, ALICE1, BOB, BOB1, change, delivery, mapping

OTHER = ExternalAccount("ldap", "ALICE1")  # of the same name, on another lane
ALIAS = WindowsAccount("LAB", "alice")
ACCOUNTS: dict[str, Account] = {
    "alice": ALICE,
    "bob": BOB,
    "alias": ALIAS,
    "alice1": ALICE1,
    "bob1": BOB1,
    "other": OTHER,
}


@pytest.fixture
def crowd(store: Store) -> Store:
    """A change and a delivery of every account; those of BOB were reported by mim. PAYROLL maps alice, CRM maps bob."""
    with store.write() as tx:
        for name, account in ACCOUNTS.items():
            tx.changes.add(change(name, account, caller="mim" if account == BOB else "dc1"))
            tx.deliveries.add(delivery(name, account, tracking_id=name))
        tx.mappings.put([mapping("alice", "ALICE1"), mapping("bob", "BOB1", "CRM"), mapping("bob", "ALICE1", "NONE")])
    return store


@pytest.mark.parametrize(
    ("reach", "changes", "deliveries"),
    [
        (None, set(ACCOUNTS), set(ACCOUNTS)),
        (Reach(), set(), set()),
        (Reach(caller="mim"), {"bob"}, set()),
        (Reach(lanes=("adapter/ldap", "domain/LAB")), {"other", "alias"}, {"other", "alias"}),
        (Reach(applications=(("PAYROLL", "adapter/racf"),)), {"alice", "alice1"}, {"alice", "alice1"}),
        (Reach(applications=(("PAYROLL", "adapter/ldap"),)), {"alice", "other"}, {"alice", "other"}),
        (Reach(applications=(("NONE", ""),)), {"bob"}, {"bob"}),
        (Reach(applications=(("UNKNOWN", "adapter/racf"),)), set(), set()),
        (
            Reach(("adapter/ldap",), "mim", (("PAYROLL", "adapter/racf"), ("CRM", "adapter/racf"))),
            {"other", "bob", "alice", "alice1", "bob1"},
            {"other", "bob", "alice", "alice1", "bob1"},
        ),
    ],
)
def test_what_is_found_is_within_reach(
    crowd: Store, reach: Reach | None, changes: set[str], deliveries: set[str]
) -> None:
    with crowd.read() as tx:
        assert {c.tracking_id for c in tx.changes.find(ChangeQuery(reach=reach))} == changes
        assert {d.id for d in tx.deliveries.find(DeliveryQuery(reach=reach))} == deliveries


def test_reach_narrows_what_was_asked_for(crowd: Store) -> None:
    reach = Reach(applications=(("PAYROLL", "adapter/racf"),))
    with crowd.read() as tx:
        assert [c.tracking_id for c in tx.changes.find(ChangeQuery(lane=ALICE1.lane, reach=reach))] == ["alice1"]
        assert tx.changes.find(ChangeQuery(tracking_id="bob", reach=reach)) == []
        assert [d.id for d in tx.deliveries.find(DeliveryQuery(lane=ALICE.lane, reach=reach))] == ["alice"]
        (newest,) = tx.changes.find(ChangeQuery(limit=1, reach=reach))
        assert newest.tracking_id == "alice1"
        assert [c.tracking_id for c in tx.changes.find(ChangeQuery(before=newest.sequence, reach=reach))] == ["alice"]


def test_events_are_found_of_some_adapters(store: Store) -> None:
    with store.write() as tx:
        for adapter in ("racf", "ldap", ""):
            tx.events.add(Event(events.CHANGE_DAMPED, adapter=adapter))
    with store.read() as tx:
        assert [e.adapter for e in tx.events.find(EventQuery(of_adapters=frozenset({"racf", "ldap"})))] == [
            "ldap",
            "racf",
        ]
        assert tx.events.find(EventQuery(of_adapters=frozenset({"racf"}), adapter="ldap")) == []
        assert tx.events.find(EventQuery(of_adapters=frozenset())) == []
