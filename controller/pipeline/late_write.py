"""A remote adapter tells of a write that came late, when a newer password had been handed out: which is in force?"""

from dataclasses import dataclass, replace

from controller.model import events
from controller.model.delivery import UNSETTLED_STATES, Delivery, DeliveryState
from controller.model.secret import Secret
from controller.pipeline.claiming import LaneDeliveries
from controller.pipeline.following import CredentialDatabase
from controller.pipeline.queueing import Queue, event_of, refresh_change
from controller.pipeline.topology import Topology
from controller.ports.sealing import Sealer
from controller.ports.store import Transaction


@dataclass(frozen=True, slots=True)
class LateWrites:
    """Inside a transaction that has locked the account."""

    tx: Transaction
    topology: Topology
    sealer: Sealer
    queue: Queue
    deliveries: LaneDeliveries
    adapter: str

    def note(self, late: Delivery) -> None:
        """Note that *late*, of which nobody knew whether it arrived, has arrived after it was replaced by a newer one.

        It may have overwritten the newer one. So nobody knows what is in force, and the newest goes out once more.
        Once is enough: a second report of the same write changes nothing.
        """
        known = self.tx.fingerprints.get(late.account)
        newest = max(known.sequence, self.tx.deliveries.newest_sequence(late.account))
        if not late.must_probe or late.state in UNSETTLED_STATES or newest <= late.sequence:
            return
        self.tx.deliveries.save(replace(late, must_probe=False))
        self.tx.fingerprints.put(late.account, replace(known, in_force=None, set_by=""))
        self.tx.events.add(event_of(events.LATE_WRITE, late, id=late.id))
        self._repeat_newest(late)

    def _repeat_newest(self, late: Delivery) -> None:
        newer = [d for d in self.tx.deliveries.open_for(late.account) if d.sequence > late.sequence]
        if not newer:
            self._repeat_stored(late)
        elif newer[-1].state is DeliveryState.IN_FLIGHT:  # else it is handed out later than this
            password = self.deliveries.password_of(self.tx, self.topology, newer[-1])
            self._repeat(late, newer[-1].tracking_id, newer[-1].sequence, password)

    def _repeat_stored(self, late: Delivery) -> None:
        """The password of a confirmed delivery, or of a report, is kept in the credential database alone."""
        database = CredentialDatabase(self.tx, self.sealer, self.topology)
        found = [
            (stored, password)
            for mapping in self.tx.mappings.of_external(self.topology.applications_of(self.adapter), late.account.name)
            if (stored := database.stored_external(mapping)) is not None
            and (password := database.external_password(mapping)) is not None
            and stored.sequence > late.sequence
        ]
        if found:
            newest, password = max(found, key=lambda pair: pair[0].sequence)
            self._repeat(late, newest.tracking_id, newest.sequence, password)

    def _repeat(self, late: Delivery, tracking_id: str, sequence: int, password: Secret) -> None:
        self.queue.enqueue(
            self.tx,
            tracking_id=tracking_id,
            sequence=sequence,
            account=late.account,
            password=password,
            expires_at=self.tx.now + self.topology.system.max_sync_age,
            must_probe=True,
        )
        refresh_change(self.tx, tracking_id)
