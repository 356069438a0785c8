"""What is left of a target that is no longer declared: deliveries that wait for it, and word of whether it is there."""

from collections.abc import Iterable, Iterator

from controller.model import events
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import Reason
from controller.model.credential import Fingerprint
from controller.model.delivery import Delivery, DeliveryState, expire
from controller.model.events import Event
from controller.model.topology import Adapter, AdapterGroup, Domain, Resource
from controller.planning.change import Change, Create, Prune, Update
from controller.ports.deliveries import DeliveryQuery
from controller.ports.store import Transaction
from controller.reconcile.settled import names_of, refresh_change

BATCH = 1000


def expire_stranded(tx: Transaction, changes: Iterable[Change]) -> int:
    """Give up every delivery to what is no target after *changes*, forget its password, and tell how many there were.

    An adapter for whose name a group is created is its group adapter from then on, and handed no passwords (A1).
    """
    count = 0
    tracking_ids: dict[str, None] = {}
    for lane, reason in _lost_lanes(changes):
        for delivery in _of_lane(tx, lane):
            _expire(tx, delivery, reason)
            tracking_ids[delivery.tracking_id] = None
            count += 1
    for tracking_id in tracking_ids:
        refresh_change(tx, tracking_id, message="its target is no longer declared")
    return count


def forget_lanes(tx: Transaction, changes: Iterable[Change]) -> None:
    """Forget what was heard of targets that *changes* take away."""
    for change in changes:
        match change:
            case Prune(Resource(spec=Adapter())):
                tx.lanes.remove(ExternalAccount(change.key.name, "").lane)
            case Prune(Resource(spec=Domain())) | Update(after=Resource(spec=Domain(directory=None))):
                tx.lanes.remove(WindowsAccount(change.key.name, "").lane)
            case _:
                continue


def _lost_lanes(changes: Iterable[Change]) -> Iterator[tuple[str, Reason]]:
    for change in changes:
        name = change.key.name
        match change:
            case Prune(Resource(spec=Adapter())) | Create(Resource(spec=AdapterGroup())):
                yield ExternalAccount(name, "").lane, Reason.ADAPTER_REMOVED
            case Prune(Resource(spec=Domain())):
                yield WindowsAccount(name, "").lane, Reason.NO_DIRECTORY
            case _:
                continue


def _of_lane(tx: Transaction, lane: str) -> Iterator[Delivery]:
    """Those that still move, and those that wait for a person: no one can retry them any more."""
    yield from tx.deliveries.open_of_lane(lane)
    while parked := tx.deliveries.find(DeliveryQuery(lane=lane, state=DeliveryState.PARKED, limit=BATCH)):
        yield from parked


def _expire(tx: Transaction, delivery: Delivery, reason: Reason) -> None:
    tx.deliveries.save(expire(delivery, tx.now, reason))
    tx.fingerprints.put(delivery.account, Fingerprint())  # whether an attempt still arrives, no one will know
    adapter, account = names_of(delivery.account)
    fields = {"id": delivery.id, "code": reason.value}
    tx.events.add(Event(events.DELIVERY_EXPIRED, delivery.tracking_id, adapter, account, fields))
