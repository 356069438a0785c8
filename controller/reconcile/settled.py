"""Keeps changes in step with their deliveries, which an apply has given up or released."""

from typing import assert_never

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.change import ChangeState
from controller.model.delivery import follow
from controller.model.events import Event
from controller.ports.store import Transaction

_EVENTS = {ChangeState.COMPLETED: events.CHANGE_COMPLETED, ChangeState.FAILED: events.CHANGE_FAILED}


def refresh_change(tx: Transaction, tracking_id: str, *, message: str) -> None:
    """Bring the state of a change in step with its deliveries; *message* tells why it ended."""
    change = tx.changes.get(tracking_id)
    if change is None:
        return
    now = follow(change, tx.deliveries.of_change(tracking_id))
    if not now.differs_from(change):
        return
    is_open = now.state is ChangeState.ACCEPTED
    said = "" if is_open else message
    tx.changes.finish(tracking_id, now.state, now.reason, said, keeps_password=now.keeps_password)
    if not is_open:
        adapter, account = names_of(change.account)
        type_ = _EVENTS.get(now.state, events.CHANGE_DISCARDED)
        tx.events.add(Event(type_, tracking_id, adapter, account, {"reason": now.reason}))


def names_of(account: Account) -> tuple[str, str]:
    """Adapter and account as events name them."""
    match account:
        case ExternalAccount(adapter, name):
            return adapter, name
        case WindowsAccount():
            return "", str(account)
        case _:
            assert_never(account)
