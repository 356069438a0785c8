"""Deliveries that lost their target: the adapter or domain that they wait for is pruned."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from controller.model import events
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import ChangeState, PasswordChange, Reason
from controller.model.credential import Fingerprint
from controller.model.delivery import Delivery, DeliveryState, change_state_of, expire
from controller.model.events import Event
from controller.model.topology import Adapter, Domain
from controller.planning.change import Change, Prune
from controller.ports import DeliveryQuery, Transaction

BATCH = 1000

_EVENTS = {ChangeState.COMPLETED: events.CHANGE_COMPLETED, ChangeState.FAILED: events.CHANGE_FAILED}


def expire_stranded(tx: Transaction, changes: Iterable[Change]) -> int:
    """Give up every delivery to what *changes* prune, forget its password, and tell how many there were."""
    count = 0
    tracking_ids: dict[str, None] = {}
    for lane, reason in _pruned_lanes(changes):
        for delivery in _of_lane(tx, lane):
            _expire(tx, delivery, reason)
            tracking_ids[delivery.tracking_id] = None
            count += 1
    for tracking_id in tracking_ids:
        _refresh_change(tx, tracking_id)
    return count


def _pruned_lanes(changes: Iterable[Change]) -> Iterator[tuple[str, Reason]]:
    for change in changes:
        if not isinstance(change, Prune):
            continue
        name = change.key.name
        match change.before:
            case object(spec=Adapter()):
                yield ExternalAccount(name, "").lane, Reason.ADAPTER_REMOVED
            case object(spec=Domain()):
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
    adapter, account = _names(delivery.account)
    fields = {"id": delivery.id, "code": reason.value}
    tx.events.add(Event(events.DELIVERY_EXPIRED, delivery.tracking_id, adapter, account, fields))


def _refresh_change(tx: Transaction, tracking_id: str) -> None:
    change = tx.changes.get(tracking_id)
    state, reason = change_state_of(tx.deliveries.of_change(tracking_id))
    if change is None or state in {ChangeState.ACCEPTED, change.state}:
        return
    tx.changes.finish(tracking_id, state, reason, "its target is no longer declared")
    tx.events.add(_change_event(change, state, reason))


def _change_event(change: PasswordChange, state: ChangeState, reason: str) -> Event:
    adapter, account = _names(change.account)
    type_ = _EVENTS.get(state, events.CHANGE_DISCARDED)
    return Event(type_, change.tracking_id, adapter, account, {"reason": reason})


def _names(account: ExternalAccount | WindowsAccount) -> tuple[str, str]:
    match account:
        case ExternalAccount(adapter, name):
            return adapter, name
        case WindowsAccount():
            return "", str(account)
        case _:
            assert_never(account)
