"""What was handed to a remote adapter and not confirmed: it goes back into the queue."""

from dataclasses import dataclass, replace

from controller.model.delivery import Delivery, DeliveryState
from controller.model.errors import Indeterminate
from controller.model.secret import Secret
from controller.pipeline.attempt import Attempt
from controller.pipeline.claiming import LaneDeliveries
from controller.pipeline.topology import Topology
from controller.ports import DeliveryQuery, Transaction

MOST = 1000
"""More than any adapter may have outstanding."""


@dataclass(frozen=True, slots=True)
class HandedOut:
    """The outstanding notifications of one adapter, inside a transaction that keeps others out of them."""

    tx: Transaction
    topology: Topology
    deliveries: LaneDeliveries
    lane: str

    def return_all(self, message: str) -> int:
        """Give back all, for after the retry delay: whoever had them is gone, and nobody knows what became of them."""
        return self._return(self._outstanding(), message)

    def return_overdue(self) -> int:
        """Give back, for at once, those that the adapter has not confirmed within the retry delay."""
        now = self.tx.now
        overdue = [d for d in self._outstanding() if d.leased_until is not None and d.leased_until <= now]
        count = self._return(overdue, "the adapter has not confirmed it within the retry delay")
        for delivery in overdue:
            self._make_due(delivery.id)  # the retry delay is over
        return count

    def _make_due(self, delivery_id: str) -> None:
        delivery = self.tx.deliveries.get(delivery_id)
        if delivery is not None and delivery.state is DeliveryState.RETRYING:
            self.tx.deliveries.save(replace(delivery, due_at=self.tx.now))

    def _outstanding(self) -> list[Delivery]:
        found = self.tx.deliveries.find(DeliveryQuery(lane=self.lane, state=DeliveryState.IN_FLIGHT, limit=MOST))
        return sorted(found, key=lambda delivery: delivery.account.name)  # in the order in which all lock accounts

    def _return(self, deliveries: list[Delivery], message: str) -> int:
        error = Indeterminate(message)
        for delivery in deliveries:
            self.deliveries.settle(self.tx, self.topology, returned(self.topology, delivery), error)
        return len(deliveries)


def returned(topology: Topology, delivery: Delivery) -> Attempt:
    """The attempt of a delivery of which nobody will say that it succeeded, so that its password stays sealed."""
    return Attempt(topology, delivery, Secret(""), None, None)
