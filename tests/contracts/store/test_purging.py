"""What has become too old: deliveries to be given up, finished changes and tokens to be deleted."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controller.model.accounts import Account
from controller.model.change import PasswordChange
from controller.model.delivery import DeliveryState, confirm
from controller.ports.deliveries import DeliveryQuery
from controller.ports.store import Store
from controller.ports.tokens import Token
from tests.contracts.store.conftest import SettableClock
from tests.contracts.store.examples import ALICE, ALICE1, AT, BOB1, LANE, change, delivery

HOUR = timedelta(hours=1)
LEASE = timedelta(seconds=30)


def _overdue(store: Store, limit: int = 10) -> list[str]:
    with store.read() as tx:
        return [d.id for d in tx.deliveries.overdue(limit)]


def _purge(store: Store, before: datetime, limit: int = 10) -> int:
    with store.write() as tx:
        return tx.changes.purge(before, limit)


def _finished(store: Store, tracking_id: str, account: Account = ALICE) -> int:
    """Add a change that is finished now, with a confirmed delivery; returns its sequence."""
    with store.write() as tx:
        sequence = tx.changes.add(change(tracking_id, account))
        done = confirm(delivery(f"d-{tracking_id}", tracking_id=tracking_id, sequence=sequence), tx.now)
        tx.deliveries.add(done)
        tx.changes.mark_routed(tracking_id)
        tx.changes.finish(tracking_id, "completed", "", "")
        return sequence


def _left(store: Store) -> tuple[list[str], list[str]]:
    """Tracking IDs of the changes, and of the deliveries, that are still there."""
    with store.read() as tx:
        found = [c for name in ("a", "b", "c", "d") if isinstance(c := tx.changes.get(name), PasswordChange)]
        return [c.tracking_id for c in found], sorted(d.tracking_id for d in tx.deliveries.find(DeliveryQuery()))


@pytest.mark.parametrize("state", list(DeliveryState))
def test_what_is_not_settled_is_overdue_once_its_age_is_reached(
    store: Store, clock: SettableClock, state: DeliveryState
) -> None:
    is_settled = state in {DeliveryState.CONFIRMED, DeliveryState.SUPERSEDED, DeliveryState.EXPIRED}
    with store.write() as tx:
        tx.deliveries.add(delivery("d", state=state, leased_until=AT, expires_at=AT + HOUR))
    clock.advance(seconds=3599)
    assert _overdue(store) == []
    clock.advance(seconds=1)
    assert _overdue(store) == ([] if is_settled else ["d"])


def test_the_longest_overdue_come_first_and_within_the_limit(store: Store) -> None:
    with store.write() as tx:
        for hours, name in enumerate(("newest", "middle", "oldest")):
            tx.deliveries.add(delivery(name, expires_at=AT - hours * HOUR))
    assert _overdue(store) == ["oldest", "middle", "newest"]
    assert _overdue(store, limit=2) == ["oldest", "middle"]


def test_an_attempt_under_way_is_not_overdue_until_its_lease_runs_out(store: Store, clock: SettableClock) -> None:
    with store.write() as tx:
        tx.deliveries.add(delivery("d", expires_at=AT + LEASE / 2))
        tx.deliveries.claim(LANE, limit=1, lease="w1", lease_for=LEASE, outstanding=1)
    clock.advance(seconds=29)
    assert _overdue(store) == []
    clock.advance(seconds=1)
    assert _overdue(store) == ["d"]


def test_finished_changes_are_deleted_with_their_deliveries_oldest_first(store: Store, clock: SettableClock) -> None:
    for name in ("a", "b", "c"):
        _finished(store, name)
        clock.advance(hours=1)
    assert _purge(store, AT) == 0
    assert _purge(store, AT + 2 * HOUR, limit=1) == 1
    assert _left(store) == (["b", "c"], ["b", "c"])
    assert _purge(store, AT + 2 * HOUR) == 1
    assert _left(store) == (["c"], ["c"])


def test_sequences_go_on_growing_after_everything_was_deleted(store: Store, clock: SettableClock) -> None:
    last = _finished(store, "a")
    clock.advance(hours=1)
    assert _purge(store, clock.now) == 1
    assert _finished(store, "b") > last


def test_what_is_newer_than_an_unrouted_change_stays(store: Store, clock: SettableClock) -> None:
    _finished(store, "a")
    with store.write() as tx:
        tx.changes.add(change("b", BOB1))
    _finished(store, "c")
    clock.advance(hours=1)
    assert _purge(store, clock.now) == 1
    assert _left(store)[0] == ["b", "c"]
    with store.write() as tx:
        tx.changes.mark_routed("b")
        tx.changes.finish("b", "discarded", "noMapping", "")
    clock.advance(hours=1)
    assert _purge(store, clock.now) == 2


@pytest.mark.parametrize("state", ["pending", "retrying", "inFlight", "parked"])
def test_what_is_as_new_as_an_unsettled_delivery_stays(store: Store, clock: SettableClock, state: str) -> None:
    _finished(store, "a")
    with store.write() as tx:
        sequence = tx.changes.add(change("b"))
        waiting = delivery("w", ALICE1, tracking_id="b", sequence=sequence, state=DeliveryState(state))
        tx.deliveries.add(waiting)
        tx.changes.mark_routed("b")
        tx.changes.finish("b", "failed", "deliveryParked", "")
    _finished(store, "c")
    clock.advance(hours=1)
    assert _purge(store, clock.now) == 1
    assert _left(store)[0] == ["b", "c"]
    with store.write() as tx:
        tx.deliveries.save(replace(waiting, state=DeliveryState.EXPIRED))
    assert _purge(store, clock.now) == 2
    assert _left(store) == ([], [])


def test_what_is_not_finished_stays_however_old(store: Store, clock: SettableClock) -> None:
    with store.write() as tx:
        tx.changes.add(change("a"))
    clock.advance(hours=1000)
    assert _purge(store, clock.now) == 0


def test_tokens_are_deleted_once_they_have_been_useless_for_long(store: Store) -> None:
    def token(name: str, expires: timedelta | None = None, revoked: timedelta | None = None) -> Token:
        ends = [None if of is None else AT + of for of in (expires, revoked)]
        return Token(name, "ops", AT - 100 * HOUR, ends[0], None, ends[1])

    made = [
        token("without end"),
        token("valid", HOUR),
        token("expired lately", -HOUR),
        token("expired long ago", -3 * HOUR),
        token("revoked long ago", HOUR, -3 * HOUR),
    ]
    with store.write() as tx:
        for number, one in enumerate(made):
            tx.tokens.add(one, b"%d" % number)
        assert tx.tokens.purge(AT - 2 * HOUR) == 2
        assert {t.id for t in tx.tokens.all()} == {"without end", "valid", "expired lately"}
