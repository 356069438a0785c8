"""One lane's deliveries: taken one by one, made ready to be handed over, and settled. Whoever hands them over."""

from datetime import timedelta
from typing import assert_never

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.delivery import Delivery, RetryPolicy
from controller.model.errors import FilterUnusable, SealBroken
from controller.model.secret import Secret
from controller.model.topology import NotificationPolicy
from controller.pipeline.attempt import Attempt, Ending, Superseded
from controller.pipeline.echoes import end_writes, hand_out
from controller.pipeline.filtering import password_for
from controller.pipeline.following import CredentialDatabase
from controller.pipeline.queueing import Queue, delivery_place
from controller.pipeline.routing import change_place
from controller.pipeline.settlement import Settlement
from controller.pipeline.topology import Topology
from controller.ports.clock import Jitter, NewId
from controller.ports.sealing import Sealer
from controller.ports.store import Transaction


class LaneDeliveries:
    """The deliveries of one lane, inside transactions of the caller."""

    def __init__(self, sealer: Sealer, *, new_id: NewId, jitter: Jitter, lane: str) -> None:
        self._sealer = sealer
        self._queue = Queue(sealer, new_id)
        self._jitter = jitter
        self._lane = lane

    def claim(self, tx: Transaction, topology: Topology, *, lease: str, lease_for: timedelta) -> Attempt | None:
        """Take the next due delivery for the holder of *lease*; None when none is due, or enough are outstanding.

        What has become pointless or too old is taken out on the way.
        """
        while True:
            delivery = self._claim_one(tx, topology, lease, lease_for)
            if delivery is None:
                return None
            is_superseded = tx.deliveries.newest_sequence(delivery.account) > delivery.sequence
            is_expired = delivery.expires_at <= tx.now
            if is_superseded and (is_expired or not delivery.must_probe):
                self._queue.take_out(tx, delivery)
            elif is_expired:
                self._queue.give_up(tx, delivery)
            else:
                return self._prepare(tx, topology, delivery, is_superseded=is_superseded)

    def settle(self, tx: Transaction, topology: Topology, attempt: Attempt, ending: Ending) -> None:
        """Settle an attempt: without an error its target has the password."""
        settlement = Settlement(tx, topology, self._sealer, self._queue)
        error = ending.error
        if error is None:
            settlement.confirm(attempt.delivery, attempt.password, was_found=ending.was_found)
        else:
            policy = _retry_policy(topology, attempt.delivery)
            settlement.fail(attempt.delivery, error, policy, self._jitter(), used_old=attempt.old_sealed)

    def password_of(self, tx: Transaction, topology: Topology, delivery: Delivery) -> Secret:
        """Open the delivery's password, or make it from that of its change, with the filter as it is now.

        Raises:
            SealBroken: It is no longer there, or cannot be opened.
            FilterUnusable: The filter leaves none.
        """
        if delivery.sealed_password is not None:
            return self._sealer.open(delivery.sealed_password, delivery_place(delivery.id, delivery.account))
        change = tx.changes.get(delivery.tracking_id)
        if change is None or change.sealed_password is None:
            raise SealBroken(f"the password of delivery {delivery.id} is no longer there", hint="set the password anew")
        password = self._sealer.open(change.sealed_password, change_place(change.tracking_id, change.account))
        return password_for(topology, delivery.account, change, password)

    def _claim_one(self, tx: Transaction, topology: Topology, lease: str, lease_for: timedelta) -> Delivery | None:
        outstanding = _notifications(topology, self._lane).max_pending
        claimed = tx.deliveries.claim(self._lane, limit=1, lease=lease, lease_for=lease_for, outstanding=outstanding)
        return claimed[0] if claimed else None

    def _prepare(self, tx: Transaction, topology: Topology, delivery: Delivery, *, is_superseded: bool) -> Attempt:
        """Open what is needed, and remember what will be written before it is (decision 7)."""
        credentials = CredentialDatabase(tx, self._sealer, topology)
        known = end_writes(tx.fingerprints.get(delivery.account), tx.now)
        try:
            password = self.password_of(tx, topology, delivery)
            old, old_sealed = _old_password(credentials, delivery)
        except (SealBroken, FilterUnusable) as error:
            tx.fingerprints.put(delivery.account, known)
            problem = Superseded(error.message) if is_superseded else error
            return Attempt(topology, delivery, Secret(""), None, None, problem)
        if not is_superseded:  # else it is only asked for
            known = hand_out(known, self._sealer.fingerprint(password, delivery.account), delivery.sequence, tx.now)
        tx.fingerprints.put(delivery.account, known)
        return Attempt(topology, delivery, password, old, old_sealed, is_superseded=is_superseded)


def _old_password(credentials: CredentialDatabase, delivery: Delivery) -> tuple[Secret | None, bytes | None]:
    """The stored password that is in force before this delivery, and the sealed value it came from."""
    tx, topology = credentials.tx, credentials.topology
    match delivery.account:
        case WindowsAccount() as account:
            stored = tx.credentials.windows(account)
            return credentials.windows_password(account), stored.sealed if stored is not None else None
        case ExternalAccount(adapter=adapter, name=name):
            mappings = tx.mappings.of_external(topology.applications_of(adapter), name)
            passwords = (credentials.external_password(mapping) for mapping in mappings)
            return next((p for p in passwords if p is not None), None), None
        case _:
            assert_never(delivery.account)


def _notifications(topology: Topology, lane: str) -> NotificationPolicy:
    kind, _, name = lane.partition("/")
    return topology.adapters[name].notifications if kind == "adapter" else NotificationPolicy()


def _retry_policy(topology: Topology, delivery: Delivery) -> RetryPolicy:
    known = isinstance(delivery.account, WindowsAccount) or delivery.account.adapter in topology.adapters
    notifications = _notifications(topology, delivery.account.lane) if known else NotificationPolicy()
    return RetryPolicy(notifications.retry_count, notifications.retry_delay)
