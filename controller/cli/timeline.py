"""One change from its report to its end: events and deliveries, oldest first."""

from typing import TYPE_CHECKING, Any

from controller.cli.output import short_instant, show
from controller.cli.queue_rows import fields_text
from controller.views.records import change_view, event_view

if TYPE_CHECKING:
    from controller.model.change import PasswordChange
    from controller.pipeline.timeline import Timeline


def timeline_view(timeline: "Timeline") -> dict[str, Any]:
    """The change, its deliveries, and events."""
    view = change_view(timeline.change, timeline.deliveries)
    return view | {"events": [event_view(event) for event in timeline.events]}


def show_timeline(timeline: "Timeline") -> None:
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
