"""Putting deliveries into the queue, taking pointless ones out, and keeping a change's state in step with them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from controller.model import events
from controller.model.accounts import Account, ExternalAccount
from controller.model.change import ChangeState, PasswordChange, Reason
from controller.model.credential import SealPlace
from controller.model.delivery import (
    UNSETTLED_STATES,
    Delivery,
    DeliveryState,
    expire,
    follow,
    hasten,
    retry,
    supersede,
)
from controller.model.events import Event, EventType
from controller.model.secret import Secret
from controller.pipeline.echoes import end_writes
from controller.ports.clock import NewId
from controller.ports.deliveries import DeliveryQuery
from controller.ports.sealing import Sealer
from controller.ports.store import Transaction


def delivery_place(delivery_id: str, account: Account) -> SealPlace:
    """Where a delivery's sealed password stands: it cannot be sent to another account."""
    return SealPlace("deliveries", f"{delivery_id}\x00{account.lane}\x00{account.name}", "password")


def event_of(type_: EventType, delivery: Delivery, **fields: object) -> Event:
    """An event about a delivery."""
    account = delivery.account
    adapter = account.adapter if isinstance(account, ExternalAccount) else ""
    name = account.name if isinstance(account, ExternalAccount) else str(account)
    return Event(type_, tracking_id=delivery.tracking_id, adapter=adapter, account=name, fields=fields)


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue's write side, inside a transaction of the caller."""

    sealer: Sealer
    new_id: NewId

    def enqueue(
        self,
        tx: Transaction,
        *,
        tracking_id: str,
        sequence: int,
        account: Account,
        password: Secret,
        expires_at: datetime,
        must_probe: bool = False,
    ) -> Delivery:
        """Queue *password* for *account*; older open or parked deliveries of that account are superseded (Q10)."""
        self.supersede_older(tx, account, sequence)
        delivery_id = self.new_id()
        delivery = Delivery(
            id=delivery_id,
            tracking_id=tracking_id,
            sequence=sequence,
            account=account,
            sealed_password=self.sealer.seal(password, delivery_place(delivery_id, account)),
            created_at=tx.now,
            due_at=tx.now,
            expires_at=expires_at,
            must_probe=must_probe,
        )
        tx.deliveries.add(delivery)
        tx.events.add(event_of(events.DELIVERY_CREATED, delivery, id=delivery_id))
        return delivery

    def park(
        self, tx: Transaction, change: PasswordChange, account: Account, expires_at: datetime, problem: tuple[str, str]
    ) -> None:
        """Let a change wait for a person before its first attempt at *account*; *problem* is a code, and words for it.

        Its password is made from the change's own once it is released.
        """
        self.supersede_older(tx, account, change.sequence)
        code, message = problem
        settled = self._settled(tx, change, account, expires_at)
        parked = replace(settled, state=DeliveryState.PARKED, code=code, message=message)
        tx.deliveries.add(parked)
        fields = {"id": parked.id, "code": code, "directoryCode": "", "message": message, "attempts": 0}
        tx.events.add(event_of(events.DELIVERY_PARKED, parked, **fields))

    def drop(self, tx: Transaction, change: PasswordChange, account: Account, expires_at: datetime) -> None:
        """Note a delivery that ends at once: *account* is behind an adapter that is offline and keeps no queue (Q5)."""
        self.supersede_older(tx, account, change.sequence)
        settled = self._settled(tx, change, account, expires_at)
        dropped = replace(settled, state=DeliveryState.EXPIRED, code=Reason.ADAPTER_OFFLINE.value)
        tx.deliveries.add(dropped)
        tx.events.add(event_of(events.DELIVERY_EXPIRED, dropped, id=dropped.id, code=dropped.code))

    def _settled(self, tx: Transaction, change: PasswordChange, account: Account, expires_at: datetime) -> Delivery:
        """A delivery that never moved; its state remains to be said."""
        return Delivery(
            id=self.new_id(),
            tracking_id=change.tracking_id,
            sequence=change.sequence,
            account=account,
            sealed_password=None,
            created_at=tx.now,
            due_at=tx.now,
            expires_at=expires_at,
            settled_at=tx.now,
        )

    def supersede_older(self, tx: Transaction, account: Account, sequence: int) -> bool:
        """Take older deliveries of *account* out; tell whether one may still arrive, or has arrived unseen."""
        may_one_arrive = False
        parked = tx.deliveries.find(
            DeliveryQuery(lane=account.lane, account=account.name, state=DeliveryState.PARKED, limit=1000)
        )
        for delivery in [*tx.deliveries.open_for(account), *parked]:
            if delivery.sequence >= sequence:
                continue
            if delivery.state is DeliveryState.IN_FLIGHT:
                may_one_arrive = True
            else:
                may_one_arrive |= delivery.must_probe
                self.supersede(tx, delivery)
        return may_one_arrive

    def supersede(self, tx: Transaction, delivery: Delivery) -> None:
        """Take out one delivery, at once or, when it may have arrived, as soon as its target was asked."""
        if delivery.must_probe:
            tx.deliveries.save(hasten(delivery, tx.now))
            refresh_change(tx, delivery.tracking_id)
        else:
            self.take_out(tx, delivery)

    def take_out(self, tx: Transaction, delivery: Delivery) -> None:
        """Supersede one delivery (Q10)."""
        tx.deliveries.save(supersede(delivery, tx.now))
        tx.events.add(event_of(events.DELIVERY_SUPERSEDED, delivery, id=delivery.id))
        end_write(tx, delivery)
        refresh_change(tx, delivery.tracking_id)

    def give_up(self, tx: Transaction, delivery: Delivery, reason: Reason = Reason.EXPIRED) -> None:
        """End a delivery: older than the maximum sync age (T3), unless another *reason* is given."""
        tx.deliveries.save(expire(delivery, tx.now, reason))
        tx.events.add(event_of(events.DELIVERY_EXPIRED, delivery, id=delivery.id, code=reason.value))
        end_write(tx, delivery)
        refresh_change(tx, delivery.tracking_id)

    def discard(self, tx: Transaction, delivery: Delivery, reason: Reason, by: str) -> None:
        """End a delivery because a person says so. Whether one in flight still arrives, nobody knows."""
        tx.deliveries.save(expire(delivery, tx.now, reason))
        tx.events.add(event_of(events.DELIVERY_DISCARDED, delivery, id=delivery.id, reason=reason.value, by=by))
        end_write(tx, delivery)
        refresh_change(tx, delivery.tracking_id)

    def retry(self, tx: Transaction, delivery: Delivery, by: str) -> bool:
        """Queue a delivery again; tell whether it was. One of an account that has a newer change is superseded.

        Raises:
            InvalidInput: Its state or its age does not allow it.
        """
        again = retry(delivery, tx.now)
        known = tx.fingerprints.get(delivery.account)
        if max(known.sequence, tx.deliveries.newest_sequence(delivery.account)) > delivery.sequence:
            self.supersede(tx, delivery)
            return False
        tx.deliveries.save(again)
        tx.events.add(event_of(events.DELIVERY_RETRIED, delivery, id=delivery.id, by=by))
        refresh_change(tx, delivery.tracking_id)
        return True


def locked(tx: Transaction, delivery: Delivery) -> Delivery:
    """The delivery as it is now, with its account locked. A settled one may be gone by now; it stays as it was."""
    tx.fingerprints.get(delivery.account)
    return tx.deliveries.get(delivery.id) or delivery


def end_write(tx: Transaction, delivery: Delivery) -> None:
    """Note that nobody is at a write any more. What an attempt may have left behind makes the rest unknown."""
    known = tx.fingerprints.get(delivery.account)
    tx.fingerprints.put(delivery.account, end_writes(known, tx.now, delivery.sequence))


def refresh_change(tx: Transaction, tracking_id: str) -> None:
    """Bring the state of a change in step with its deliveries, and forget its password when none needs it any more."""
    change = tx.changes.get(tracking_id)
    if change is None or not change.routed:
        return
    following = follow(change, tx.deliveries.of_change(tracking_id))
    if not following.differs_from(change):
        return
    keeps = following.keeps_password
    tx.changes.finish(tracking_id, following.state, following.reason, change.message, keeps_password=keeps)
    if following.state is not ChangeState.ACCEPTED and (following.state, following.reason) != (
        change.state,
        change.reason,
    ):
        tx.events.add(_end_of(change, following.state, following.reason))


def finish_change(tx: Transaction, change: PasswordChange, state: ChangeState, reason: str, message: str = "") -> None:
    """Set a change's final state at routing, with its event. Deliveries that are not settled may need its password."""
    keeps = any(d.state in UNSETTLED_STATES for d in tx.deliveries.of_change(change.tracking_id))
    tx.changes.finish(change.tracking_id, state, reason, message, keeps_password=keeps)
    tx.events.add(_end_of(change, state, reason))


def _end_of(change: PasswordChange, state: ChangeState, reason: str) -> Event:
    types = {ChangeState.COMPLETED: events.CHANGE_COMPLETED, ChangeState.FAILED: events.CHANGE_FAILED}
    return change_event(types.get(state, events.CHANGE_DISCARDED), change, reason=reason)


def change_event(type_: EventType, change: PasswordChange, **fields: object) -> Event:
    """An event about a change."""
    account = change.account
    adapter = account.adapter if isinstance(account, ExternalAccount) else ""
    name = account.name if isinstance(account, ExternalAccount) else str(account)
    return Event(type_, tracking_id=change.tracking_id, adapter=adapter, account=name, fields=fields)


def expiry_of(change: PasswordChange, max_sync_age: timedelta) -> datetime:
    """When a change has become too old to be delivered (T3)."""
    return (change.occurred_at or change.received_at) + max_sync_age
