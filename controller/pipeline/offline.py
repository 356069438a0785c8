"""Adapters that keep no queue while they are offline (Q5): of what is for them only one delivery stays, as the trial.

Without it nobody would find out that the target is back.
"""

from collections.abc import Sequence

from controller.model.delivery import OPEN_STATES, Delivery, DeliveryState
from controller.pipeline.lanes import is_offline
from controller.pipeline.topology import Topology
from controller.ports.deliveries import DeliveryQuery
from controller.ports.store import Transaction


def keeps_no_queue(tx: Transaction, topology: Topology, lane: str) -> bool:
    """Whether *lane* is offline, and belongs to an adapter that drops what comes for it then."""
    kind, _, name = lane.partition("/")
    adapter = topology.adapters.get(name) if kind == "adapter" else None
    return adapter is not None and not adapter.notifications.store_when_offline and is_offline(tx, lane)


def is_tried(tx: Transaction, lane: str) -> bool:
    """Whether a delivery of *lane* will find out when its target is back."""
    return any(open_of(tx, lane, 1))


def open_of(tx: Transaction, lane: str, limit: int) -> list[Delivery]:
    """Deliveries of *lane* that still move, the newest *limit* of each state."""
    queries = (DeliveryQuery(lane=lane, state=state, limit=limit) for state in sorted(OPEN_STATES))
    return [delivery for query in queries for delivery in tx.deliveries.find(query)]


def droppable(waiting: Sequence[Delivery]) -> list[Delivery]:
    """Choose what an adapter that keeps no queue drops of the open deliveries of its lane.

    What is in flight, or may have arrived, stays: it has to be found out. If there is no such one, the oldest stays.
    """
    settled_by_asking = [d for d in waiting if d.state is DeliveryState.IN_FLIGHT or d.must_probe]
    rest = sorted((d for d in waiting if d not in settled_by_asking), key=lambda d: (d.sequence, d.id))
    return rest if settled_by_asking else rest[1:]
