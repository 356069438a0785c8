"""What was handed to a remote adapter and not confirmed: it goes back into the queue."""

from dataclasses import dataclass, replace

from controller.model import events
from controller.model.delivery import Delivery, DeliveryState, abandon
from controller.model.errors import Indeterminate
from controller.model.secret import Secret
from controller.pipeline.attempt import Attempt, Ending
from controller.pipeline.claiming import LaneDeliveries
from controller.pipeline.queueing import event_of, locked
from controller.pipeline.topology import Topology
from controller.ports.deliveries import DeliveryQuery
from controller.ports.store import Transaction

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
        """Give back all, for when their leases have ended: until then whoever had them may still carry them out.

        Nothing newer goes to their accounts before.
        """
        return sum(self._abandon(delivery, Indeterminate(message)) for delivery in self._locked_outstanding())

    def _abandon(self, delivery: Delivery, error: Indeterminate) -> bool:
        abandoned = abandon(delivery, error, self.tx.now)
        if not self.tx.deliveries.save(abandoned, lease=delivery.lease):
            return False
        fields = {"id": delivery.id, "code": error.code, "directoryCode": "", "message": abandoned.message}
        self.tx.events.add(event_of(events.DELIVERY_RETRYING, delivery, **fields, attempts=delivery.attempts))
        return True

    def return_overdue(self) -> int:
        """Give back, for at once, those that the adapter has not confirmed within the retry delay."""
        now = self.tx.now
        error = Indeterminate("the adapter has not confirmed it within the retry delay")
        overdue = [d for d in self._locked_outstanding() if d.leased_until is not None and d.leased_until <= now]
        for delivery in overdue:
            self.deliveries.settle(self.tx, self.topology, returned(self.topology, delivery), Ending(error))
            self._note_lease(delivery)
        return len(overdue)

    def _note_lease(self, given: Delivery) -> None:
        """Its retry delay is over. When it was handed out decides what a late confirmation means."""
        delivery = locked(self.tx, given)
        self.tx.deliveries.save(replace(delivery, due_at=self.tx.now, leased_until=given.leased_until))

    def _locked_outstanding(self) -> list[Delivery]:
        """All, with their accounts locked: all of these before anything else, in the order in which everybody locks."""
        query = DeliveryQuery(lane=self.lane, state=DeliveryState.IN_FLIGHT, limit=MOST)
        for account in sorted({d.account for d in self.tx.deliveries.find(query)}, key=lambda a: (a.lane, a.name)):
            self.tx.fingerprints.get(account)
        return self.tx.deliveries.find(query)


def returned(topology: Topology, delivery: Delivery) -> Attempt:
    """The attempt of a delivery of which nobody will say that it succeeded, so that its password stays sealed."""
    return Attempt(topology, delivery, Secret(""), None, None)
