"""What an operator does to the queue: retry, discard, disable and empty adapters, reset the damping (behaviour Q9)."""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.model import events
from controller.model.accounts import ExternalAccount
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.change import Reason
from controller.model.delivery import UNSETTLED_STATES, Delivery, DeliveryState
from controller.model.errors import InvalidInput, NotFound, PwsyncError
from controller.model.events import Event
from controller.model.topology import Adapter, Key, Kind
from controller.pipeline.queueing import Queue, locked
from controller.ports.clock import NewId
from controller.ports.deliveries import DeliveryQuery
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction

MOST = 100_000
"""Parked deliveries that one call works on."""
_SEE_DELIVERIES = "see 'pwsync deliveries list'"


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of the deliveries that were to be retried.

    Attributes:
        queued: Ids of those that were queued again.
        superseded: Ids of those that a newer change has made pointless.
        refused: Why each of the others was not.
    """

    queued: tuple[str, ...]
    superseded: tuple[str, ...]
    refused: tuple[PwsyncError, ...]


@dataclass(frozen=True, slots=True)
class Discarded:
    """What became of the deliveries that were to be discarded.

    Attributes:
        ended: Ids of those that were discarded.
        refused: Why each of the others was not.
    """

    ended: tuple[str, ...]
    refused: tuple[PwsyncError, ...]


class Operations:
    """Deliveries are retried and discarded in a transaction each, so that the pipeline goes on meanwhile."""

    def __init__(self, store: Store, sealer: Sealer, new_id: NewId) -> None:
        self._store = store
        self._queue = Queue(sealer, new_id)

    def named(self, names: Iterable[str]) -> list[Delivery]:
        """The deliveries that *names* mean: each name is a delivery's id, or a change's tracking ID for all of its.

        Raises:
            NotFound: A name means neither.
        """
        with self._store.read() as tx:
            return [delivery for name in names for delivery in _named(tx, name)]

    def parked(self, adapter: str = "") -> list[Delivery]:
        """All parked deliveries, or those of one adapter, oldest first.

        Raises:
            NotFound: No such adapter.
        """
        with self._store.read() as tx:
            lane = _lane_of(tx, adapter) if adapter else ""
            found = tx.deliveries.find(DeliveryQuery(lane=lane, state=DeliveryState.PARKED, limit=MOST))
        return sorted(found, key=lambda delivery: delivery.sequence)

    def retry(self, deliveries: Iterable[Delivery], *, by: Actor) -> Retried:
        """Queue parked deliveries again."""
        queued: list[str] = []
        superseded: list[str] = []
        refused: list[PwsyncError] = []
        for delivery in deliveries:
            try:
                (queued if self._retry(delivery, by) else superseded).append(delivery.id)
            except InvalidInput as error:
                refused.append(error)
        return Retried(tuple(queued), tuple(superseded), tuple(refused))

    def discard(self, deliveries: Iterable[Delivery], *, by: Actor) -> Discarded:
        """End deliveries that wait, are under way or parked."""
        ended: list[str] = []
        refused: list[PwsyncError] = []
        for delivery in deliveries:
            if self._discard(delivery, Reason.DISCARDED, by):
                ended.append(delivery.id)
            else:
                refused.append(InvalidInput(f"delivery {delivery.id} has ended already", hint=_SEE_DELIVERIES))
        return Discarded(tuple(ended), tuple(refused))

    def disable(self, adapter: str, *, by: Actor) -> bool:
        """Let an adapter take no part until it is enabled again; tell whether it took part.

        Raises:
            NotFound: No such adapter.
        """
        with self._store.write() as tx:
            tx.audit.add(by, AuditAction.ADAPTER_DISABLE, _named_in_audit(adapter))
            if not _adapter(tx, adapter).enabled or adapter in tx.suspensions.read():
                return False
            tx.suspensions.put(adapter, by.principal)
            tx.events.add(Event(events.ADAPTER_DISABLED, adapter=adapter, fields={"by": by.principal}))
            return True

    def enable(self, adapter: str, *, by: Actor) -> bool:
        """Take an operator's ``disable`` back; tell whether there was one.

        Raises:
            NotFound: No such adapter.
            InvalidInput: Its manifest disables it, which only its manifest can change.
        """
        with self._store.write() as tx:
            tx.audit.add(by, AuditAction.ADAPTER_ENABLE, _named_in_audit(adapter))
            if not _adapter(tx, adapter).enabled:
                raise InvalidInput(
                    f"adapter {adapter} is disabled by its manifest", hint="set enabled: true there, and apply"
                )
            if not tx.suspensions.remove(adapter):
                return False
            tx.events.add(Event(events.ADAPTER_ENABLED, adapter=adapter, fields={"by": by.principal}))
            return True

    def reset(self, adapter: str, *, by: Actor) -> int:
        """Empty the queue of an adapter (Q9), parked deliveries too, in one transaction; tell how many there were.

        Raises:
            NotFound: No such adapter.
        """
        with self._store.write() as tx:
            tx.audit.add(by, AuditAction.ADAPTER_RESET, _named_in_audit(adapter))
            lane = _lane_of(tx, adapter)
            parked = DeliveryQuery(lane=lane, state=DeliveryState.PARKED, limit=MOST)
            found = [*tx.deliveries.open_of_lane(lane), *tx.deliveries.find(parked)]
            found.sort(key=lambda d: (d.account.name, d.sequence))  # in which all transactions lock
            count = sum(self._discard_within(tx, delivery, Reason.ADAPTER_RESET, by) for delivery in found)
            fields = {"by": by.principal, "deliveries": count}
            tx.events.add(Event(events.ADAPTER_RESET, adapter=adapter, fields=fields))
            return count

    def reset_damping(self, *, by: Actor) -> int:
        """Forget which passwords are in force; tell of how many accounts. The next echo of each looks like a change."""
        with self._store.write() as tx:
            tx.audit.add(by, AuditAction.RESET_DAMPING, "")
            count = tx.fingerprints.clear()
            tx.events.add(Event(events.DAMPING_RESET, fields={"by": by.principal, "accounts": count}))
            return count

    def _retry(self, delivery: Delivery, by: Actor) -> bool:
        with self._store.write() as tx:
            current = locked(tx, delivery)
            tx.audit.add(by, AuditAction.DELIVERIES_RETRY, delivery.id, str(delivery.account))
            return self._queue.retry(tx, current, by.principal)

    def _discard(self, delivery: Delivery, reason: Reason, by: Actor) -> bool:
        with self._store.write() as tx:
            return self._discard_within(tx, delivery, reason, by)

    def _discard_within(self, tx: Transaction, delivery: Delivery, reason: Reason, by: Actor) -> bool:
        current = locked(tx, delivery)
        if current.state not in UNSETTLED_STATES:
            return False
        detail = f"{delivery.account}: {reason.value}"
        tx.audit.add(by, AuditAction.DELIVERIES_DISCARD, delivery.id, detail)
        self._queue.discard(tx, current, reason, by.principal)
        return True


def _named(tx: Transaction, name: str) -> list[Delivery]:
    delivery = tx.deliveries.get(name)
    found = [delivery] if delivery is not None else tx.deliveries.of_change(name)
    if not found:
        raise NotFound(f"there is no delivery or change {name}", hint=_SEE_DELIVERIES)
    return found


def _adapter(tx: Transaction, name: str) -> Adapter:
    resource = tx.resources.read().get(Key(Kind.ADAPTER, name))
    if resource is None or not isinstance(resource.spec, Adapter):
        raise NotFound(f"there is no adapter {name}", hint="see 'pwsync get adapters'")
    return resource.spec


def _lane_of(tx: Transaction, adapter: str) -> str:
    _adapter(tx, adapter)
    return ExternalAccount(adapter, "").lane


def _named_in_audit(adapter: str) -> str:
    return str(Key(Kind.ADAPTER, adapter))
