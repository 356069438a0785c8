"""Reported password changes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from controller.model.accounts import ExternalAccount
from controller.model.change import ChangeState, PasswordChange
from controller.model.errors import InvalidInput, StoreUnusable
from controller.ports.changes import ChangeQuery
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock
from tests.contracts.store.examples import ALICE1, AT, BOB, change


def _intake(store: Store, *changes: PasswordChange) -> list[int]:
    with store.write() as tx:
        return [tx.changes.add(c) for c in changes]


def test_a_change_is_read_as_it_was_added_with_its_sequence(store: Store) -> None:
    full = change("t1", ALICE1, sealed_old_password=b"old", occurred_at=AT - timedelta(microseconds=1), reason="r")
    first, second = _intake(store, full, change("t2"))
    assert 0 < first < second
    with store.read() as tx:
        assert tx.changes.get("t1") == replace(full, sequence=first)
        assert tx.changes.get("t2") == replace(change("t2"), sequence=second)
        assert tx.changes.get("t3") is None


def test_many_are_added_at_once_in_their_order(store: Store) -> None:
    full = change("t1", ALICE1, sealed_old_password=b"old", occurred_at=AT - timedelta(microseconds=1))
    added = [full, change("t2"), change("t3", ALICE1), change("t4", BOB)]
    with store.write() as tx:
        assert tx.changes.add_free(added) == added
        assert tx.changes.add_free([]) == []
    with store.read() as tx:
        found = list(reversed(tx.changes.find(ChangeQuery())))
    assert [replace(one, sequence=0) for one in found] == added
    assert [one.sequence for one in found] == sorted({one.sequence for one in found})


def test_of_many_none_is_added_when_one_cannot_be(store: Store) -> None:
    _intake(store, change("t1"))

    def add() -> None:
        with store.write() as tx:
            tx.changes.add_free([change("t2"), change("t1")])

    with pytest.raises(InvalidInput):
        add()
    with store.read() as tx:
        assert tx.changes.get("t2") is None


def test_a_tracking_id_is_taken_once(store: Store) -> None:
    _intake(store, change("t1"))
    with pytest.raises(InvalidInput):
        _intake(store, change("t1", BOB))


def test_a_newer_change_of_the_account_is_one_received_later_that_did_not_happen_earlier(store: Store) -> None:
    minute = timedelta(minutes=1)
    later, late = change("t1", received_at=AT + minute), change("t2", BOB, received_at=AT + minute, occurred_at=AT)
    _intake(store, later, late, change("t3", ALICE1, received_at=AT + minute))
    with store.read() as tx:
        assert tx.changes.has_newer(change("new", received_at=AT))
        assert not tx.changes.has_newer(change("new", received_at=AT + minute))
        assert tx.changes.has_newer(change("new", BOB, received_at=AT))
        assert not tx.changes.has_newer(change("new", BOB, received_at=AT + timedelta(seconds=1)))
        assert tx.changes.has_newer(change("new", BOB, received_at=AT + timedelta(seconds=1), occurred_at=AT))
        assert not tx.changes.has_newer(change("new", ExternalAccount("other", "bob"), received_at=AT))


def test_sequences_are_never_given_twice_even_when_the_newest_was_rolled_back(store: Store) -> None:
    (first,) = _intake(store, change("t1"))

    def fail() -> None:
        with store.write() as tx:
            tx.changes.add(change("t2"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    (third,) = _intake(store, change("t3"))
    assert third > first


def test_unrouted_changes_are_claimed_oldest_first_and_one_per_account(store: Store) -> None:
    _intake(store, change("a1"), change("b1", BOB), change("a2"), change("x1", ALICE1))
    with store.write() as tx:
        assert [c.tracking_id for c in tx.changes.claim_unrouted(10)] == ["a1", "b1", "x1"]
        assert [c.tracking_id for c in tx.changes.claim_unrouted(2)] == ["a1", "b1"]
        tx.changes.mark_routed("a1")
        assert [c.tracking_id for c in tx.changes.claim_unrouted(10)] == ["b1", "a2", "x1"]
        routed = tx.changes.get("a1")
        assert routed is not None
        assert routed.routed


def test_what_was_passed_over_is_not_claimed_nor_is_a_newer_one_of_its_account(store: Store) -> None:
    first, second, *_ = _intake(store, change("a1"), change("b1", BOB), change("a2"), change("x1", ALICE1))
    with store.write() as tx:
        assert [c.tracking_id for c in tx.changes.claim_unrouted(10, after=first)] == ["b1", "x1"]
        assert [c.tracking_id for c in tx.changes.claim_unrouted(10, after=second)] == ["x1"]


def test_a_change_that_is_set_aside_keeps_its_passwords_and_holds_up_nobody(store: Store) -> None:
    first, _ = _intake(store, change("t1", sealed_old_password=b"old"), change("t2"))
    with store.write() as tx:
        assert tx.changes.set_aside("t1", "sealBroken", "no key")
        assert not tx.changes.set_aside("t1", "sealBroken", "no key")
        assert [c.tracking_id for c in tx.changes.claim_unrouted(10)] == ["t2"]
        (aside,) = tx.changes.those_set_aside(0, 10)
        assert tx.changes.those_set_aside(first, 10) == []
        kept = (aside.state.value, aside.reason, aside.message, aside.routed, aside.finished_at)
        assert kept == ("failed", "sealBroken", "no key", False, tx.now)
        assert (aside.sealed_password, aside.sealed_old_password) == (change("t1").sealed_password, b"old")


def test_a_change_that_was_set_aside_is_brought_back_as_it_was_accepted(store: Store) -> None:
    accepted = change("t1")
    (sequence,) = _intake(store, accepted)
    with store.write() as tx:
        assert not tx.changes.bring_back("t1")
        tx.changes.set_aside("t1", "sealBroken", "no key")
        assert tx.changes.bring_back("t1")
        assert tx.changes.claim_unrouted(10) == [replace(accepted, sequence=sequence)]


def test_what_is_finished_is_neither_set_aside_nor_brought_back(store: Store) -> None:
    _intake(store, change("routed"), change("finished", BOB))
    with store.write() as tx:
        tx.changes.mark_routed("routed")
        tx.changes.finish("routed", "failed", "deliveryParked", "", keeps_password=True)
        tx.changes.finish("finished", "failed", "mappingConflict", "")
        for tracking_id in ("routed", "finished"):
            assert not tx.changes.set_aside(tracking_id, "sealBroken", "no key")
            assert not tx.changes.bring_back(tracking_id)
        assert tx.changes.those_set_aside(0, 10) == []


def test_changes_of_accounts_that_share_a_name_do_not_wait_for_each_other(store: Store) -> None:
    _intake(store, change("r", ExternalAccount("racf", "SAME")), change("l", ExternalAccount("ldap", "SAME")))
    with store.write() as tx:
        assert [c.tracking_id for c in tx.changes.claim_unrouted(10)] == ["r", "l"]


def test_finished_changes_are_not_claimed_and_let_the_next_one_of_their_account_go(store: Store) -> None:
    _intake(store, change("a1"), change("a2"))
    with store.write() as tx:
        tx.changes.finish("a1", ChangeState.DISCARDED, "damped", "")
        assert [c.tracking_id for c in tx.changes.claim_unrouted(10)] == ["a2"]


def test_a_change_that_is_accepted_again_is_claimed_only_when_it_was_not_routed(store: Store) -> None:
    _intake(store, change("a1"), change("b1", BOB))
    with store.write() as tx:
        tx.changes.mark_routed("a1")
        for tracking_id in ("a1", "b1"):
            tx.changes.finish(tracking_id, ChangeState.ACCEPTED, "", "")
        assert [c.tracking_id for c in tx.changes.claim_unrouted(10)] == ["b1"]


def test_a_finished_change_forgets_its_passwords(store: Store, clock: SettableClock) -> None:
    _intake(store, change("t1", sealed_old_password=b"old"))
    clock.advance(seconds=5)
    with store.write() as tx:
        tx.changes.finish("t1", ChangeState.FAILED, "deliveryParked", "the words\x00 \udcff")
    with store.read() as tx:
        finished = tx.changes.get("t1")
    assert finished is not None
    assert (finished.sealed_password, finished.sealed_old_password) == (None, None)
    assert (finished.state, finished.reason) == (ChangeState.FAILED, "deliveryParked")
    assert finished.message.startswith("the words")
    assert finished.finished_at == clock.now


def test_a_change_that_stays_accepted_keeps_its_passwords(store: Store) -> None:
    _intake(store, change("t1", sealed_old_password=b"old"))
    with store.write() as tx:
        tx.changes.finish("t1", ChangeState.ACCEPTED, "", "waits")
        kept = tx.changes.get("t1")
    assert kept is not None
    assert (kept.sealed_password, kept.sealed_old_password) == (b"sealed t1", b"old")
    assert kept.finished_at is None


def test_changes_are_found_newest_first(store: Store) -> None:
    _intake(store, change("a1"), change("x1", ALICE1), change("a2"))
    with store.write() as tx:
        tx.changes.finish("a1", ChangeState.COMPLETED, "", "")

    def found(**query: object) -> list[str]:
        with store.read() as tx:
            return [c.tracking_id for c in tx.changes.find(ChangeQuery(**query))]  # type: ignore[arg-type]  # of this file

    assert found() == ["a2", "x1", "a1"]
    assert found(limit=1) == ["a2"]
    assert found(account="corp\\Alice") == ["a2", "a1"]
    assert found(account="alice") == ["a2", "a1"]
    assert found(account="racf:ALICE1") == ["x1"]
    assert found(account="ldap:ALICE1") == []
    assert found(state="completed") == ["a1"]
    assert found(state="accepted", account="ALICE1") == ["x1"]
    with store.read() as tx:
        newest = tx.changes.find(ChangeQuery(limit=1))[0]
    assert found(before=newest.sequence) == ["x1", "a1"]
    assert found(before=newest.sequence, limit=1) == ["x1"]
    assert found(lane="adapter/racf") == ["x1"]
    assert found(lane="domain/CORP", state="completed") == ["a1"]


def test_changes_are_found_by_tracking_id_and_since_when(store: Store) -> None:
    _intake(store, change("old"), change("new", received_at=AT + timedelta(hours=1)))
    with store.read() as tx:
        assert [c.tracking_id for c in tx.changes.find(ChangeQuery(tracking_id="old"))] == ["old"]
        assert [c.tracking_id for c in tx.changes.find(ChangeQuery(since=AT))] == ["new", "old"]
        later = ChangeQuery(since=AT + timedelta(microseconds=1))
        assert [c.tracking_id for c in tx.changes.find(later)] == ["new"]


def test_changes_are_counted_by_state(store: Store) -> None:
    _intake(store, change("a1"), change("a2"), change("a3"))
    with store.write() as tx:
        tx.changes.finish("a1", ChangeState.COMPLETED, "", "")
        assert tx.changes.count_by_state() == {"accepted": 2, "completed": 1}


@pytest.mark.parametrize("name", ["a\x00b", "a\udcffb"])
def test_a_name_that_cannot_be_stored_is_refused_alike_on_every_engine(store: Store, name: str) -> None:
    with store.read() as tx, pytest.raises(InvalidInput, match="characters"):
        tx.changes.get(name)


def test_a_change_whose_row_was_damaged_is_named(store: Store, store_url: str) -> None:
    _intake(store, change("t1"))
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE changes SET state = 'unheard-of'"))
    engine.dispose()
    with store.read() as tx, pytest.raises(StoreUnusable, match="t1"):
        tx.changes.get("t1")
