"""One change from its report to its end: events and deliveries, oldest first."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.cli.output import show
from controller.cli.queue_rows import fields_text
from controller.cli.views import change_view, event_view, short_instant
from controller.model.errors import NotFound

if TYPE_CHECKING:
    from controller.model.change import PasswordChange
    from controller.model.delivery import Delivery
    from controller.model.events import RecordedEvent
    from controller.ports import Transaction

MOST_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """A change and everything that happened to it, oldest first."""

    change: "PasswordChange"
    deliveries: "tuple[Delivery, ...]"
    events: "tuple[RecordedEvent, ...]"


def find_timeline(tx: "Transaction", tracking_id: str) -> Timeline:
    """Collect what is known of a change.

    Raises:
        NotFound: There is no such change.
    """
    from controller.ports import EventQuery

    change = tx.changes.get(tracking_id)
    if change is None:
        raise NotFound(f"there is no change {tracking_id}", hint="see 'pwsync get changes'")
    events = tx.events.find(EventQuery(tracking_id=tracking_id, limit=MOST_EVENTS))
    return Timeline(change, tuple(tx.deliveries.of_change(tracking_id)), tuple(reversed(events)))


def timeline_view(timeline: Timeline) -> dict[str, Any]:
    """The change, its deliveries, and events."""
    view = change_view(timeline.change, timeline.deliveries)
    return view | {"events": [event_view(event) for event in timeline.events]}


def show_timeline(timeline: Timeline) -> None:
    """Write it for a person."""
    change = timeline.change
    show(f"Change {change.tracking_id} of {change.account}")
    show(f"  State:      {_state(change)}")
    show(f"  Reported:   {short_instant(change.received_at)} by {change.caller}")
    if change.finished_at is not None:
        show(f"  Finished:   {short_instant(change.finished_at)}")
    show(f"\nDeliveries:{'' if timeline.deliveries else ' none'}")
    for delivery in timeline.deliveries:
        words = delivery.message or delivery.code
        attempts = f"{delivery.attempts} attempt{'s' if delivery.attempts != 1 else ''}"
        show(f"  {delivery.account}  {delivery.state.value}, {attempts}{': ' + words if words else ''}")
    show("\nEvents:")
    for event in timeline.events:
        subject = ":".join(part for part in (event.adapter, event.account) if part)
        show(f"  {short_instant(event.at)}  {event.name}  {subject}  {fields_text(event)}".rstrip())


def _state(change: "PasswordChange") -> str:
    reason = f" ({change.reason})" if change.reason else ""
    return f"{change.state.value}{reason}{': ' + change.message if change.message else ''}"
