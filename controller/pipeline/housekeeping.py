"""Housekeeping: what has become too old is given up, dropped or deleted, little by little, by one process at a time.

Each step is a transaction of its own, so that the pipeline goes on between them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from controller.model.change import PasswordChange, Reason
from controller.model.delivery import OPEN_STATES, UNSETTLED_STATES, Delivery, DeliveryState
from controller.model.errors import SealBroken
from controller.pipeline.offline import droppable, keeps_no_queue, open_of
from controller.pipeline.queueing import Queue, expiry_of, locked
from controller.pipeline.routing import change_place
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.clock import NewId
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction

LEASE_NAME = "housekeeping"
LEASE = timedelta(minutes=2)
"""So long after its last step another process may take over; many times longer than a step takes."""
BATCH = 500
"""Deliveries that are looked for at once, or changes that are deleted at once."""


class Housekeeping:
    """Gives up overdue deliveries (T3), drops queues that are not to be kept (Q5), deletes what is finished for long.

    Before that it brings back changes that no key opened, once their key is there.

    Args:
        holder: Names this process among all that work on the store.
    """

    def __init__(self, store: Store, sealer: Sealer, new_id: NewId, holder: str) -> None:
        self._store = store
        self._queue = Queue(sealer, new_id)
        self._holder = holder
        self._topology = TopologyReader()

    def steps(self) -> Iterator[None]:
        """Do all that is due now, one step with each item; ends at once when another process is at it.

        Raises:
            StoreUnavailable: The step was not made; the next call goes on.
            StoreUnusable: The stored topology cannot be read.
        """
        yield from self._bring_back()
        yield from self._give_up_overdue()
        yield from self._drop_queues()
        yield from self._purge()
        yield from self._trim_audit()

    def release(self) -> None:
        """Let another process take over at once."""
        with self._store.write() as tx:
            tx.leases.release(LEASE_NAME, self._holder)

    def _may_act(self, tx: Transaction) -> bool:
        return tx.leases.acquire(LEASE_NAME, self._holder, LEASE) is not None

    def _bring_back(self) -> Iterator[None]:
        """Let changes be routed whose key has come (back), or that are too old now; each process by its own keys."""
        after: int | None = 0
        while after is not None:
            with self._store.read() as tx:
                found = tx.changes.those_set_aside(after, BATCH)
                now, max_sync_age = tx.now, self._topology.read(tx).system.max_sync_age
            for change in found:
                if expiry_of(change, max_sync_age) <= now or self._opens(change):
                    with self._store.write() as tx:
                        tx.changes.bring_back(change.tracking_id)
                    yield
            after = found[-1].sequence if len(found) == BATCH else None

    def _opens(self, change: PasswordChange) -> bool:
        fields = {"password": change.sealed_password, "oldPassword": change.sealed_old_password}
        try:
            for field, sealed in fields.items():
                if sealed is not None:
                    self._queue.sealer.open(sealed, change_place(change.tracking_id, change.account, field))
        except SealBroken:
            return False
        return True

    def _give_up_overdue(self) -> Iterator[None]:
        is_more = True
        while is_more:
            with self._store.read() as tx:
                found = tx.deliveries.overdue(BATCH)
            for delivery in found:
                with self._store.write() as tx:
                    if not self._may_act(tx):
                        return
                    self._end_overdue(tx, locked(tx, delivery))
                yield
            is_more = len(found) == BATCH

    def _end_overdue(self, tx: Transaction, delivery: Delivery) -> None:
        if not is_overdue(delivery, tx.now):
            return
        is_in_flight = delivery.state is DeliveryState.IN_FLIGHT
        ended = replace(delivery, must_probe=delivery.must_probe or is_in_flight)  # nobody knows whether it has arrived
        if tx.deliveries.newest_sequence(delivery.account) > delivery.sequence:
            self._queue.take_out(tx, ended)
        else:
            self._queue.give_up(tx, ended)

    def _drop_queues(self) -> Iterator[None]:
        with self._store.read() as tx:
            topology = self._topology.read(tx)
            lanes = [lane for lane in tx.lanes.read() if keeps_no_queue(tx, topology, lane)]
        for lane in lanes:
            yield from self._drop_queue(topology, lane)

    def _drop_queue(self, topology: Topology, lane: str) -> Iterator[None]:
        while found := self._droppable(lane):
            for delivery in found:
                with self._store.write() as tx:
                    if not self._may_act(tx) or not keeps_no_queue(tx, topology, lane):
                        return
                    self._drop(tx, locked(tx, delivery))
                yield

    def _droppable(self, lane: str) -> list[Delivery]:
        with self._store.read() as tx:
            return droppable(open_of(tx, lane, BATCH))

    def _drop(self, tx: Transaction, delivery: Delivery) -> None:
        if delivery.state in OPEN_STATES - {DeliveryState.IN_FLIGHT} and not delivery.must_probe:
            self._queue.give_up(tx, delivery, Reason.ADAPTER_OFFLINE)

    def _purge(self) -> Iterator[None]:
        is_more = True
        while is_more:
            with self._store.write() as tx:
                if not self._may_act(tx):
                    return
                before = tx.now - self._topology.read(tx).system.keeps_finished_for
                is_more = tx.changes.purge(before, BATCH) == BATCH
                tx.tokens.purge(before)
            yield

    def _trim_audit(self) -> Iterator[None]:
        is_more = True
        while is_more:
            with self._store.write() as tx:
                if not self._may_act(tx):
                    return
                count = tx.audit.trim(BATCH)
            is_more = count == BATCH
            if count:
                yield


def is_overdue(delivery: Delivery, now: datetime) -> bool:
    """Whether a delivery that is not settled has become too old, and nobody may be at it."""
    if delivery.state not in UNSETTLED_STATES or delivery.expires_at > now:
        return False
    return delivery.leased_until is None or delivery.leased_until <= now
