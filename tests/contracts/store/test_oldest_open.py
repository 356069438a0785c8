"""How long the oldest delivery of each lane waits."""

from datetime import timedelta

from controller.model.delivery import DeliveryState
from controller.ports.store import Store
from tests.contracts.store.examples import ALICE, ALICE1, AT, BOB1, LANE, delivery


def test_without_open_deliveries_nothing_waits(store: Store) -> None:
    with store.write() as tx:
        tx.deliveries.add(delivery("done", state=DeliveryState.CONFIRMED))
        tx.deliveries.add(delivery("parked", state=DeliveryState.PARKED))
        assert tx.deliveries.oldest_open() == {}


def test_of_each_lane_the_open_delivery_with_the_lowest_sequence_tells(store: Store) -> None:
    later = AT + timedelta(minutes=5)
    with store.write() as tx:
        tx.deliveries.add(delivery("done", state=DeliveryState.CONFIRMED, created_at=AT - timedelta(days=1)))
        tx.deliveries.add(delivery("first", ALICE1, state=DeliveryState.RETRYING))
        tx.deliveries.add(delivery("second", BOB1, created_at=later))
        tx.deliveries.add(delivery("windows", ALICE, created_at=later))
    with store.read() as tx:
        assert tx.deliveries.oldest_open() == {LANE: AT, "domain/CORP": later}
