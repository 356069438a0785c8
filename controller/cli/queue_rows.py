"""Changes, deliveries and events as ``get`` shows them: columns, rows, JSON and YAML."""

from typing import TYPE_CHECKING

from controller.cli.listing import Filters, Found
from controller.cli.output import short_instant
from controller.model.errors import InvalidInput, NotFound
from controller.views.kinds import Word, singular
from controller.views.records import change_view, delivery_view, event_view

if TYPE_CHECKING:
    from controller.model.accounts import Account
    from controller.model.change import PasswordChange
    from controller.model.delivery import Delivery
    from controller.model.events import RecordedEvent
    from controller.ports.store import Transaction


def queue(tx: "Transaction", word: Word, filters: Filters, limit: int) -> Found:
    """Changes, deliveries or events, newest first; a name means a tracking ID.

    Raises:
        NotFound: There is no such change.
    """
    tracking_id = filters.tracking_id or filters.name
    match word:
        case Word.CHANGES:
            return _changes(_find_changes(tx, filters, tracking_id, limit), limit)
        case Word.DELIVERIES:
            return _deliveries(_find_deliveries(tx, filters, tracking_id, limit), limit)
        case Word.EVENTS:
            return _events(_find_events(tx, filters, tracking_id, limit), limit)
        case _:
            raise InvalidInput(f"{singular(word)} is no part of the queue")


def _find_changes(tx: "Transaction", filters: Filters, tracking_id: str, limit: int) -> "list[PasswordChange]":
    from controller.ports.changes import ChangeQuery

    if not tracking_id:
        return tx.changes.find(ChangeQuery(filters.account, filters.state, limit))
    change = tx.changes.get(tracking_id)
    if change is None:
        raise NotFound(f"there is no change {tracking_id}", hint="see 'pwsync get changes'")
    return [change]


def _find_deliveries(tx: "Transaction", filters: Filters, tracking_id: str, limit: int) -> "list[Delivery]":
    from controller.ports.deliveries import DeliveryQuery

    lane = f"adapter/{filters.adapter}" if filters.adapter else ""
    return tx.deliveries.find(DeliveryQuery(tracking_id, lane, filters.account, filters.state, limit))


def _find_events(tx: "Transaction", filters: Filters, tracking_id: str, limit: int) -> "list[RecordedEvent]":
    from controller.ports.events import EventQuery

    return tx.events.find(
        EventQuery(tracking_id, filters.adapter, filters.account, filters.event, limit, filters.level)
    )


def _changes(found: "list[PasswordChange]", limit: int) -> Found:
    return Found(
        columns=("TRACKING ID", "ACCOUNT", "STATE", "REASON", "RECEIVED", "CALLER"),
        rows=lambda: (
            (c.tracking_id, str(c.account), c.state.value, c.reason, short_instant(c.received_at), c.caller)
            for c in found
        ),
        items=lambda: (change_view(c) for c in found),
        documents=lambda: (change_view(c) for c in found),
        limit=limit,
    )


def _deliveries(found: "list[Delivery]", limit: int) -> Found:
    return Found(
        columns=("ID", "TRACKING ID", "TARGET", "ACCOUNT", "STATE", "ATTEMPTS", "DUE", "MESSAGE"),
        rows=lambda: (
            (
                d.id,
                d.tracking_id,
                _owner(d.account),
                d.account.name,
                d.state.value,
                str(d.attempts),
                short_instant(d.due_at) if d.settled_at is None else "",
                d.message or d.code,
            )
            for d in found
        ),
        items=lambda: (delivery_view(d) for d in found),
        documents=lambda: (delivery_view(d) for d in found),
        limit=limit,
    )


def _owner(account: "Account") -> str:
    return account.lane.partition("/")[2]


def _events(found: "list[RecordedEvent]", limit: int) -> Found:
    return Found(
        columns=("TIME", "LEVEL", "EVENT", "TRACKING ID", "ADAPTER", "ACCOUNT", "FIELDS"),
        rows=lambda: (
            (short_instant(e.at), e.level, e.name, e.tracking_id, e.adapter, e.account, fields_text(e)) for e in found
        ),
        items=lambda: (event_view(e) for e in found),
        documents=lambda: (event_view(e) for e in found),
        limit=limit,
    )


def fields_text(event: "RecordedEvent") -> str:
    """The fields of an event in a row."""
    return " ".join(f"{name}={value}" for name, value in event.fields.items() if value not in ("", [], None))
