"""Notifications of remote adapters: handed to the holder of the session, and settled when it confirms them (Q2-Q4)."""

from dataclasses import dataclass, replace
from datetime import timedelta

from controller.model import events
from controller.model.completion import Completion
from controller.model.delivery import Delivery, DeliveryState, words_of
from controller.model.errors import (
    ChannelRefused,
    ConnectorError,
    InvalidInput,
    TrackingIdUnknown,
    Unavailable,
    WrongSession,
)
from controller.model.notification import Notification, PasswordNotification, StatusRequest
from controller.model.secret import Secret
from controller.model.session import AdapterSession, Presence
from controller.model.topology import Adapter, Mapping
from controller.pipeline.attempt import Attempt, Ending, Superseded
from controller.pipeline.circuit import Circuit
from controller.pipeline.claiming import LaneDeliveries
from controller.pipeline.following import CredentialDatabase
from controller.pipeline.gate import AdapterCall, Gate
from controller.pipeline.handing import MOST, HandedOut, returned
from controller.pipeline.lanes import is_offline, note_offline, note_online
from controller.pipeline.late_write import LateWrites
from controller.pipeline.membership import tell_group
from controller.pipeline.queueing import Queue, delivery_place, event_of
from controller.pipeline.topology import Topology
from controller.ports.clock import Jitter, NewId
from controller.ports.deliveries import DeliveryQuery
from controller.ports.sealing import Sealer
from controller.ports.store import Transaction

SHORTEST_LEASE = timedelta(seconds=1)
"""An adapter has at least so long to confirm, whatever the declared retry delay."""
LATE_STATES = frozenset({DeliveryState.PENDING, DeliveryState.RETRYING, DeliveryState.PARKED})
"""States of a delivery that the adapter did not confirm in time, and may still confirm."""


@dataclass(frozen=True, slots=True)
class _Lane:
    """What one call works on."""

    call: AdapterCall
    tx: Transaction
    topology: Topology
    session: AdapterSession
    deliveries: LaneDeliveries
    circuit: Circuit

    @property
    def adapter(self) -> Adapter:
        return self.topology.adapters[self.call.adapter]

    @property
    def lease_for(self) -> timedelta:
        """How long the adapter has to confirm."""
        return max(self.adapter.notifications.retry_delay, SHORTEST_LEASE)


class RemoteNotifications:
    """The calls of remote adapters about notifications. The circuits are this process's own."""

    def __init__(self, sealer: Sealer, gate: Gate, *, new_id: NewId, jitter: Jitter) -> None:
        self._sealer = sealer
        self._gate = gate
        self._new_id = new_id
        self._jitter = jitter
        self._circuits: dict[str, Circuit] = {}

    def receive(self, call: AdapterCall) -> Notification | None:
        """Hand out the next notification; None when there is none now.

        Raises:
            PwsyncError: As ``Gate.admit_holder``.
        """

        def work(tx: Transaction, topology: Topology, session: AdapterSession) -> Notification | None:
            lane = self._lane(call, tx, topology, session)
            HandedOut(tx, topology, lane.deliveries, call.lane).return_overdue()
            found = self._next(lane) if session.presence is Presence.ONLINE else None
            if found is not None:
                return found
            if not session.wants_status(tx.now):
                return None
            tx.sessions.put(replace(session, asked_at=tx.now))
            return StatusRequest()

        return self._gate.admit_holder(call, work)

    def complete(self, call: AdapterCall, completion: Completion) -> Delivery:
        """Settle a notification as the adapter says; a second time changes nothing. Returns the delivery as it is then.

        Raises:
            InvalidInput: The change has several accounts on this adapter, and the completion names none of them.
            TrackingIdUnknown: The adapter was handed no such notification.
            PwsyncError: As ``Gate.admit_holder``.
        """

        def work(tx: Transaction, topology: Topology, session: AdapterSession) -> Delivery:
            lane = self._lane(call, tx, topology, session)
            delivery = _locked(tx, _handed_out(tx, call, completion))
            if _is_held(delivery, session):
                self._settle(lane, delivery, completion)
            elif completion.is_success and _may_be_late(tx, delivery) and not self._is_overridden(lane, delivery):
                late = replace(delivery, state=DeliveryState.IN_FLIGHT, lease=session.id, settled_at=None)
                tx.deliveries.save(late)
                self._settle(lane, late, completion)
            elif completion.is_success:
                self._late_writes(call, tx, topology).note(delivery)
            return tx.deliveries.get(delivery.id) or delivery

        try:
            return self._gate.admit_holder(call, work)
        except WrongSession:
            if completion.is_success:
                self._gate.admit(call, lambda tx, topology: self._note_late(call, tx, topology, completion))
            raise

    def _note_late(self, call: AdapterCall, tx: Transaction, topology: Topology, completion: Completion) -> None:
        """A replaced session tells of a success: it settles nothing, but what it wrote stands in the system."""
        for delivery in _matching(tx, call, completion)[:1]:
            self._late_writes(call, tx, topology).note(_locked(tx, delivery))

    def _late_writes(self, call: AdapterCall, tx: Transaction, topology: Topology) -> LateWrites:
        queue = Queue(self._sealer, self._new_id)
        deliveries = LaneDeliveries(self._sealer, new_id=self._new_id, jitter=self._jitter, lane=call.lane)
        return LateWrites(tx, topology, self._sealer, queue, deliveries, call.adapter)

    def _lane(self, call: AdapterCall, tx: Transaction, topology: Topology, session: AdapterSession) -> _Lane:
        deliveries = LaneDeliveries(self._sealer, new_id=self._new_id, jitter=self._jitter, lane=call.lane)
        circuit = self._circuits.setdefault(call.adapter, Circuit(self._jitter))
        return _Lane(call, tx, topology, session, deliveries, circuit)

    def _next(self, lane: _Lane) -> Notification | None:
        """What waits for the adapter: a group adapter is told of its group, and never handed a password (A1)."""
        if lane.call.adapter in lane.topology.groups:
            return tell_group(lane.tx, lane.topology, lane.call, lane.session)
        attempt = self._claim(lane)
        return None if attempt is None else self._hand_out(lane, attempt)

    def _claim(self, lane: _Lane) -> Attempt | None:
        """Take the next delivery that can be handed out; those that cannot are settled on the way."""
        if not is_offline(lane.tx, lane.call.lane):  # a new session, or its word that it is online, ends the waiting
            lane.circuit.record(None, lane.tx.now)
        if not lane.circuit.try_enter(lane.tx.now):
            return None
        while True:
            attempt = lane.deliveries.claim(lane.tx, lane.topology, lease=lane.session.id, lease_for=lane.lease_for)
            if attempt is None:
                lane.circuit.leave()
                return None
            problem = Superseded("a newer change follows") if attempt.is_superseded else attempt.problem
            if problem is None:
                return attempt
            lane.deliveries.settle(lane.tx, lane.topology, attempt, Ending(problem))

    def _hand_out(self, lane: _Lane, attempt: Attempt) -> PasswordNotification:
        tx, delivery = lane.tx, attempt.delivery
        if delivery.sealed_password is None:  # what is confirmed is then what was handed out, whatever the filter is
            sealed = self._sealer.seal(attempt.password, delivery_place(delivery.id, delivery.account))
            tx.deliveries.save(replace(delivery, sealed_password=sealed), lease=delivery.lease)
        fields = {"attempts": delivery.attempts, "redelivered": delivery.must_probe, "caller": lane.call.principal}
        tx.events.add(event_of(events.DELIVERY_HANDED_OUT, delivery, id=delivery.id, **fields))
        change = tx.changes.get(delivery.tracking_id)
        occurred_at = None if change is None else change.occurred_at or change.received_at
        return PasswordNotification(
            tracking_id=delivery.tracking_id,
            account=delivery.account.name,
            password=attempt.password,
            old_password=attempt.old_password if lane.adapter.send_old_password else None,
            occurred_at=occurred_at or delivery.created_at,
            attempt=delivery.attempts,
            is_redelivered=delivery.must_probe,
        )

    def _settle(self, lane: _Lane, delivery: Delivery, completion: Completion) -> None:
        tx, topology = lane.tx, lane.topology
        password = lane.deliveries.password_of(tx, topology, delivery)
        error = None if completion.is_success else completion.error(password, *self._stored(lane, delivery))
        attempt = replace(returned(topology, delivery), password=password)
        self._note(lane, error)
        lane.deliveries.settle(tx, topology, attempt, Ending(error))

    def _stored(self, lane: _Lane, delivery: Delivery) -> list[Secret]:
        """The stored password of the account, where the adapter was told it as the old one."""
        if not lane.adapter.send_old_password:
            return []
        database, mappings = self._credentials(lane, delivery)
        passwords = [database.external_password(mapping) for mapping in mappings]
        return [password for password in passwords if password is not None][:1]

    def _is_overridden(self, lane: _Lane, delivery: Delivery) -> bool:
        """Whether an administrator has said since it was handed out which password is in force."""
        held_until = delivery.leased_until
        handed_out_at = delivery.created_at if held_until is None else held_until - lane.lease_for
        database, mappings = self._credentials(lane, delivery)
        stored = [database.stored_external(mapping) for mapping in mappings]
        return any(s is not None and not s.tracking_id and s.updated_at >= handed_out_at for s in stored)

    def _credentials(self, lane: _Lane, delivery: Delivery) -> tuple[CredentialDatabase, list[Mapping]]:
        database = CredentialDatabase(lane.tx, self._sealer, lane.topology)
        applications = lane.topology.applications_of(lane.call.adapter)
        return database, lane.tx.mappings.of_external(applications, delivery.account.name)

    def _note(self, lane: _Lane, error: ConnectorError | None) -> None:
        """An adapter whose system is away gets a trial now and then, as any other lane."""
        lane.circuit.record(error, lane.tx.now)
        if isinstance(error, Unavailable | ChannelRefused):
            note_offline(lane.tx, lane.call.lane, error.code, words_of(error))
        elif lane.session.presence is Presence.ONLINE:
            note_online(lane.tx, lane.call.lane)


def _handed_out(tx: Transaction, call: AdapterCall, completion: Completion) -> Delivery:
    """The delivery that a completion means."""
    found = _matching(tx, call, completion)
    if not found:
        raise TrackingIdUnknown(
            "the adapter was handed no notification of this tracking ID",
            hint="confirm with the trackingId of the notification, and with its account when you name one",
        )
    if len(found) > 1:
        raise InvalidInput(
            "account is missing: the change has several accounts on this adapter",
            hint="confirm each with the account of its notification",
        )
    return found[0]


def _matching(tx: Transaction, call: AdapterCall, completion: Completion) -> list[Delivery]:
    """The deliveries that a completion may mean, of each account the newest that was handed out."""
    query = DeliveryQuery(tracking_id=completion.tracking_id, lane=call.lane, limit=MOST)
    found = [delivery for delivery in tx.deliveries.find(query) if delivery.attempts > 0 and completion.means(delivery)]
    return list({delivery.account: delivery for delivery in reversed(found)}.values())


def _locked(tx: Transaction, delivery: Delivery) -> Delivery:
    """The delivery as it is once nobody else works on its account."""
    tx.fingerprints.get(delivery.account)
    return tx.deliveries.get(delivery.id) or delivery


def _is_held(delivery: Delivery, session: AdapterSession) -> bool:
    return delivery.state is DeliveryState.IN_FLIGHT and delivery.lease == session.id


def _may_be_late(tx: Transaction, delivery: Delivery) -> bool:
    """Whether it was in doubt what became of the delivery, so that a late confirmation ends the doubt."""
    is_newest = tx.deliveries.newest_sequence(delivery.account) <= delivery.sequence
    is_in_doubt = delivery.must_probe and delivery.state in LATE_STATES
    return is_in_doubt and is_newest and delivery.sealed_password is not None
