"""Dispatch: hands due deliveries of one lane to its connector, one after another, and settles what came of each."""

from dataclasses import replace
from datetime import timedelta
from typing import Protocol, assert_never

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.delivery import Delivery, RetryPolicy
from controller.model.errors import (
    ChannelRefused,
    FilterUnusable,
    Indeterminate,
    NotFound,
    PwsyncError,
    SealBroken,
    SettingsError,
)
from controller.model.secret import Secret
from controller.model.topology import NotificationPolicy
from controller.pipeline.attempt import Attempt, Superseded, probe, write
from controller.pipeline.circuit import Circuit
from controller.pipeline.filtering import password_for
from controller.pipeline.following import CredentialDatabase
from controller.pipeline.queueing import Queue, delivery_place
from controller.pipeline.routing import change_place
from controller.pipeline.settlement import Settlement
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports import Connector, Jitter, NewId, Sealer, Store, Transaction

LEASE = timedelta(seconds=15)
"""How long a delivery stays with a worker that no longer renews it: after this time another one probes and goes on."""


class Connections(Protocol):
    """Gives one worker its connector, kept between calls."""

    def connect(self, topology: Topology, lane: str) -> Connector:
        """Return the connector of a lane.

        Raises:
            NotFound: The lane is not declared any more, or its connector type is not installed.
            SettingsError: A secret that it needs is not there.
        """

    def close(self) -> None:
        """Give back the connection."""


class LaneWorker:
    """Works on one lane; each worker belongs to one thread and has one connector."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        new_id: NewId,
        jitter: Jitter,
        circuit: Circuit,
        lane: str,
        connections: Connections,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._queue = Queue(sealer, new_id)
        self._new_id = new_id
        self._jitter = jitter
        self._circuit = circuit
        self._lane = lane
        self._connections = connections
        self._topology = TopologyReader()
        self._unsettled: tuple[Attempt, PwsyncError | None] | None = None
        self._at_work: Delivery | None = None

    def step(self) -> bool:
        """Settle the previous attempt and make the next one, if one is due; tell whether one was made.

        Raises:
            StoreUnavailable: Nothing was changed; what is not settled yet will be by the next call.
        """
        attempt = self._turn(claims=True)
        if attempt is None:
            return False
        self._at_work = attempt.delivery
        self._unsettled = (attempt, self._carry_out(attempt))
        self._at_work = None
        return True

    def finish(self) -> None:
        """Settle the previous attempt and take no other.

        Raises:
            StoreUnavailable: As for ``step``.
        """
        if self._unsettled is not None:
            self._turn(claims=False)

    def close(self) -> None:
        """Give back the connection. What is not settled yet is found by its lease."""
        self._connections.close()

    def renew(self) -> None:
        """Keep the delivery under way for a while longer; called by another thread while the connector works."""
        delivery = self._at_work
        if delivery is not None:
            with self._store.write() as tx:
                tx.deliveries.save(replace(delivery, leased_until=tx.now + LEASE), lease=delivery.lease)

    def _turn(self, *, claims: bool) -> Attempt | None:
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            if self._unsettled is not None:
                self._settle(tx, topology, *self._unsettled)
            attempt = self._claim(tx, topology) if claims else None
        self._unsettled = None
        return attempt

    def _settle(self, tx: Transaction, topology: Topology, attempt: Attempt, error: PwsyncError | None) -> None:
        if isinstance(error, Superseded):
            self._circuit.leave()  # perhaps it was not asked
        else:
            self._circuit.record(error, tx.now)
        settlement = Settlement(tx, topology, self._sealer, self._queue)
        if error is None:
            settlement.confirm(attempt.delivery, attempt.password)
        else:
            policy = _retry_policy(topology, attempt.delivery)
            settlement.fail(attempt.delivery, error, policy, self._jitter(), used_old=attempt.old_sealed)

    def _claim(self, tx: Transaction, topology: Topology) -> Attempt | None:
        if self._lane not in topology.lanes() or not self._circuit.try_enter(tx.now):
            return None
        while True:
            delivery = self._claim_one(tx, topology)
            if delivery is None:
                self._circuit.leave()
                return None
            is_superseded = tx.deliveries.newest_sequence(delivery.account) > delivery.sequence
            is_expired = delivery.expires_at <= tx.now
            if is_superseded and (is_expired or not delivery.must_probe):
                self._queue.take_out(tx, delivery)
            elif is_expired:
                self._queue.give_up(tx, delivery)
            else:
                return self._prepare(tx, topology, delivery, is_superseded=is_superseded)

    def _claim_one(self, tx: Transaction, topology: Topology) -> Delivery | None:
        outstanding = _notifications(topology, self._lane).max_pending
        claimed = tx.deliveries.claim(
            self._lane, limit=1, lease=self._new_id(), lease_for=LEASE, outstanding=outstanding
        )
        return claimed[0] if claimed else None

    def _prepare(self, tx: Transaction, topology: Topology, delivery: Delivery, *, is_superseded: bool) -> Attempt:
        """Open what is needed, and remember what will be written before it is (decision 7)."""
        credentials = CredentialDatabase(tx, self._sealer, topology)
        try:
            password = self._password_of(tx, topology, delivery)
            old, old_sealed = _old_password(credentials, delivery)
        except (SealBroken, FilterUnusable) as error:
            problem = Superseded(error.message) if is_superseded else error
            return Attempt(topology, delivery, Secret(""), None, None, problem)
        known = tx.fingerprints.get(delivery.account)
        writing = self._sealer.fingerprint(password, delivery.account)
        tx.fingerprints.put(delivery.account, replace(known, writing=writing, writing_sequence=delivery.sequence))
        return Attempt(topology, delivery, password, old, old_sealed, is_superseded=is_superseded)

    def _password_of(self, tx: Transaction, topology: Topology, delivery: Delivery) -> Secret:
        """Open the delivery's password, or make it from that of its change, with the filter as it is now."""
        if delivery.sealed_password is not None:
            return self._sealer.open(delivery.sealed_password, delivery_place(delivery.id, delivery.account))
        change = tx.changes.get(delivery.tracking_id)
        if change is None or change.sealed_password is None:
            raise SealBroken(f"the password of delivery {delivery.id} is no longer there", hint="set the password anew")
        password = self._sealer.open(change.sealed_password, change_place(change.tracking_id, change.account))
        return password_for(topology, delivery.account, change, password)

    def _carry_out(self, attempt: Attempt) -> PwsyncError | None:
        """Make the attempt; None means that the target has the password."""
        if attempt.problem is not None:
            return attempt.problem
        try:
            carry_out = probe if attempt.is_superseded else write
            carry_out(self._connections.connect(attempt.topology, self._lane), attempt)
        except (SettingsError, NotFound) as error:
            return ChannelRefused(error.message, hint=error.hint)
        except PwsyncError as error:
            return error
        except Exception as error:  # noqa: BLE001  # a defect of a connector must not end its lane; its text may hold secrets
            return Indeterminate(f"the connector failed unexpectedly ({type(error).__name__})")
        return None


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
