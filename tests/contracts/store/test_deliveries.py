"""The queue of deliveries."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controller.model.accounts import ExternalAccount
from controller.model.delivery import Delivery, DeliveryState, confirm
from controller.ports.deliveries import DeliveryQuery
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock
from tests.contracts.store.examples import ALICE, ALICE1, AT, BOB1, LANE, change, delivery

LEASE = timedelta(seconds=30)
FULL = delivery(
    "full",
    ALICE,
    state=DeliveryState.PARKED,
    attempts=5,
    counted_attempts=4,
    must_probe=True,
    code="passwordRejected",
    directory_code="0000052D",
    message="too short",
    settled_at=AT + timedelta(microseconds=1),
)


def _add(store: Store, *deliveries: Delivery) -> None:
    with store.write() as tx:
        for one in deliveries:
            tx.deliveries.add(one)


def _claim(store: Store, *, limit: int = 10, lease: str = "w1", outstanding: int = 10, lane: str = LANE) -> list[str]:
    with store.write() as tx:
        claimed = tx.deliveries.claim(lane, limit=limit, lease=lease, lease_for=LEASE, outstanding=outstanding)
        return [d.id for d in claimed]


def _get(store: Store, delivery_id: str) -> Delivery:
    with store.read() as tx:
        found = tx.deliveries.get(delivery_id)
    assert found is not None
    return found


def test_a_delivery_is_read_as_it_was_added(store: Store) -> None:
    _add(store, FULL, delivery("d1"))
    assert _get(store, "full") == FULL
    with store.read() as tx:
        assert tx.deliveries.get("unknown") is None


def test_a_claimed_delivery_is_in_flight_under_its_lease(store: Store, clock: SettableClock) -> None:
    added = delivery("d1")
    _add(store, added)
    with store.write() as tx:
        (claimed,) = tx.deliveries.claim(LANE, limit=10, lease="w1", lease_for=LEASE, outstanding=10)
    expected = replace(
        added, state=DeliveryState.IN_FLIGHT, attempts=1, lease="w1", leased_until=clock.now + LEASE, must_probe=False
    )
    assert claimed == expected == _get(store, "d1")


def test_deliveries_are_claimed_oldest_sequence_first_within_the_limit(store: Store) -> None:
    late, early = delivery("late", BOB1, sequence=1002), delivery("early", ALICE1, sequence=1001)
    _add(store, late, early)
    assert _claim(store, limit=1) == ["early"]
    assert _claim(store) == ["late"]
    assert _claim(store) == []


def test_only_what_is_due_in_its_lane_is_claimed(store: Store, clock: SettableClock) -> None:
    soon = AT + timedelta(seconds=1)
    _add(
        store,
        delivery("not yet", due_at=soon),
        delivery("retrying", BOB1, due_at=soon, state=DeliveryState.RETRYING),
        delivery("other lane", ExternalAccount("ldap", "alice")),
        delivery("parked", ExternalAccount("racf", "P"), state=DeliveryState.PARKED),
    )
    assert _claim(store) == []
    clock.advance(seconds=1)
    assert _claim(store) == ["not yet", "retrying"]


def test_an_account_has_one_delivery_in_flight_at_most(store: Store) -> None:
    _add(store, delivery("first"), delivery("second"), delivery("of another", BOB1))
    assert _claim(store) == ["first", "of another"]
    assert _claim(store) == []
    with store.write() as tx:
        assert tx.deliveries.save(confirm(_get(store, "first"), AT), lease="w1")
    assert _claim(store) == ["second"]


def test_a_newer_delivery_never_overtakes_an_older_one_that_waits_to_be_retried(store: Store) -> None:
    _add(store, delivery("waits", state=DeliveryState.RETRYING, due_at=AT + LEASE), delivery("newer"))
    assert _claim(store) == []


def test_no_more_are_in_flight_together_than_allowed(store: Store, clock: SettableClock) -> None:
    _add(store, *(delivery(f"d{n}", ExternalAccount("racf", f"U{n}")) for n in range(6)))
    assert _claim(store, outstanding=2) == ["d0", "d1"]
    assert _claim(store, outstanding=2) == []
    assert _claim(store, outstanding=3) == ["d2"]
    assert _claim(store, outstanding=1) == []
    clock.advance(seconds=31)
    assert _claim(store, outstanding=2, lease="w2") == ["d0", "d1"], "those whose lease ran out do not count"


def test_a_lease_that_ran_out_is_taken_over_and_must_be_probed(store: Store, clock: SettableClock) -> None:
    _add(store, delivery("d1"))
    _claim(store)
    clock.advance(seconds=29)
    assert _claim(store, lease="w2") == []
    clock.advance(seconds=1)
    assert _claim(store, lease="w2") == ["d1"]
    taken = _get(store, "d1")
    assert (taken.lease, taken.attempts, taken.must_probe) == ("w2", 2, True)
    assert taken.leased_until == clock.now + LEASE


def test_a_probe_stays_due_when_the_delivery_is_claimed_again(store: Store) -> None:
    _add(store, delivery("d1", state=DeliveryState.RETRYING, must_probe=True))
    _claim(store)
    assert _get(store, "d1").must_probe


def test_one_in_flight_goes_before_an_older_one_that_was_opened_again(store: Store, clock: SettableClock) -> None:
    older, newer = delivery("older", state=DeliveryState.PARKED), delivery("newer")
    _add(store, older, newer)
    assert _claim(store) == ["newer"]
    with store.write() as tx:
        tx.deliveries.save(replace(older, state=DeliveryState.PENDING))
    assert _claim(store) == []
    clock.advance(minutes=1)
    assert _claim(store, lease="w2") == ["newer"], "its attempt may still be under way"


def test_only_the_worker_that_holds_the_lease_settles(store: Store, clock: SettableClock) -> None:
    _add(store, delivery("d1"))
    _claim(store, lease="w1")
    late = confirm(_get(store, "d1"), AT)
    clock.advance(minutes=1)
    _claim(store, lease="w2")
    with store.write() as tx:
        assert not tx.deliveries.save(late, lease="w1")
        assert not tx.deliveries.save(late, lease="")
    assert _get(store, "d1").lease == "w2"
    with store.write() as tx:
        assert tx.deliveries.save(late, lease="w2")
        assert not tx.deliveries.save(late, lease="w2"), "settled: no one holds it any more"
    assert _get(store, "d1") == late


def test_a_lease_may_be_prolonged_by_its_holder(store: Store, clock: SettableClock) -> None:
    _add(store, delivery("d1"))
    _claim(store)
    held = _get(store, "d1")
    with store.write() as tx:
        assert tx.deliveries.save(replace(held, leased_until=AT + 2 * LEASE), lease="w1")
    clock.advance(seconds=59)
    assert _claim(store, lease="w2") == []


def test_all_of_a_delivery_is_saved(store: Store) -> None:
    _add(store, delivery("full"))
    with store.write() as tx:
        assert tx.deliveries.save(FULL)
        assert not tx.deliveries.save(delivery("unknown"))
    assert _get(store, "full") == FULL


def test_open_deliveries_of_an_account_come_oldest_first(store: Store) -> None:
    newer, older = delivery("newer", sequence=2002), delivery("older", sequence=2001, state=DeliveryState.RETRYING)
    settled = [delivery(s.value, state=s) for s in DeliveryState if s.value in {"confirmed", "parked", "expired"}]
    _add(
        store,
        newer,
        older,
        *settled,
        delivery("of another", BOB1),
        delivery("elsewhere", ExternalAccount("x", "ALICE1")),
    )
    with store.write() as tx:
        assert tx.deliveries.open_for(ALICE1) == [older, newer]
    with store.read() as tx:
        assert tx.deliveries.open_for(ALICE1) == [older, newer]
        assert tx.deliveries.open_for(ALICE) == []
        assert [d.id for d in tx.deliveries.open_of_lane(LANE)] == ["of another", "older", "newer"]


def test_the_newest_sequence_of_an_account_leaves_out_what_was_superseded(store: Store) -> None:
    with store.write() as tx:
        assert tx.deliveries.newest_sequence(ALICE1) == 0
        tx.deliveries.add(delivery("d1", sequence=11, state=DeliveryState.CONFIRMED))
        tx.deliveries.add(delivery("d2", sequence=12, state=DeliveryState.SUPERSEDED))
        tx.deliveries.add(delivery("d3", BOB1, sequence=13))
        assert tx.deliveries.newest_sequence(ALICE1) == 11


def test_deliveries_of_a_change_come_in_the_order_of_creation(store: Store) -> None:
    second, first = delivery("b", BOB1, tracking_id="t"), delivery("a", tracking_id="t")
    _add(store, second, first, delivery("other"))
    with store.read() as tx:
        assert tx.deliveries.of_change("t") == [second, first]
        assert tx.deliveries.of_change("u") == []


def test_deliveries_are_found_newest_first(store: Store) -> None:
    _add(
        store,
        delivery("d1", tracking_id="t"),
        delivery("d2", ALICE, tracking_id="t"),
        delivery("d3", state=DeliveryState.PARKED),
    )

    def found(**query: object) -> list[str]:
        with store.read() as tx:
            return [d.id for d in tx.deliveries.find(DeliveryQuery(**query))]  # type: ignore[arg-type]  # of this file

    assert found() == ["d3", "d2", "d1"]
    assert found(limit=2) == ["d3", "d2"]
    assert found(tracking_id="t") == ["d2", "d1"]
    assert found(lane=LANE) == ["d3", "d1"]
    assert found(account="CORP\\alice") == ["d2"]
    assert found(account="ALICE1", state="parked") == ["d3"]
    with store.read() as tx:
        numbers = [d.number for d in tx.deliveries.find(DeliveryQuery())]
    assert numbers == sorted(numbers, reverse=True)
    assert found(before=numbers[0]) == ["d2", "d1"]
    assert found(before=numbers[1], lane=LANE) == ["d1"]
    assert found(before=numbers[2]) == []


def test_deliveries_are_found_since_when_they_were_made(store: Store) -> None:
    _add(store, delivery("d1"), delivery("d2", created_at=AT + timedelta(seconds=1)))
    with store.read() as tx:
        assert [d.id for d in tx.deliveries.find(DeliveryQuery(since=AT))] == ["d2", "d1"]
        assert [d.id for d in tx.deliveries.find(DeliveryQuery(since=AT + timedelta(microseconds=1)))] == ["d2"]


def test_the_next_due_time_of_each_lane_is_known(store: Store, clock: SettableClock) -> None:
    def next_due() -> dict[str, datetime]:
        with store.read() as tx:
            return tx.deliveries.next_due()

    assert next_due() == {}
    later = AT + timedelta(minutes=5)
    _add(
        store,
        delivery("d1"),
        delivery("blocked by d1"),
        delivery("d2", BOB1, due_at=later),
        delivery("windows", ALICE, due_at=later, state=DeliveryState.RETRYING),
        delivery("settled", ExternalAccount("ldap", "a"), state=DeliveryState.CONFIRMED),
    )
    assert next_due() == {LANE: AT, ALICE.lane: later}
    _claim(store)
    assert next_due() == {LANE: clock.now + LEASE, ALICE.lane: later}


def test_deliveries_are_counted_by_lane_and_state(store: Store) -> None:
    _add(store, delivery("d1"), delivery("d2"), delivery("d3", ALICE, state=DeliveryState.PARKED))
    with store.read() as tx:
        assert tx.deliveries.count_by_state() == {(LANE, "pending"): 2, (ALICE.lane, "parked"): 1}


def test_nothing_is_claimed_for_no_worker(store: Store) -> None:
    _add(store, delivery("d1"))
    assert _claim(store, limit=0) == []
    assert _claim(store, lane="adapter/none") == []
    assert _get(store, "d1").state is DeliveryState.PENDING


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.RETRYING])
def test_what_waits_is_due_by_its_own_time_whatever_an_old_lease_said(store: Store, state: DeliveryState) -> None:
    _add(store, delivery("d1", state=state, leased_until=AT + LEASE))
    assert _claim(store) == ["d1"]


def test_an_account_whose_newer_change_is_not_routed_yet_is_left_for_later(store: Store) -> None:
    _add(store, delivery("waits"), delivery("of another", BOB1))
    with store.write() as tx:
        tx.changes.add(change("report", ALICE1))
    assert _claim(store) == ["of another"]
    with store.write() as tx:
        tx.changes.mark_routed("report")
    assert _claim(store) == ["waits"]
