"""Changes, deliveries and events as rows of pages: names and times, nothing sealed, nothing keyed."""

from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.model.change import PasswordChange
from controller.model.delivery import OPEN_STATES, RETRIABLE_STATES, Delivery
from controller.model.events import RecordedEvent
from controller.pipeline.timeline import Timeline


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change."""

    sequence: int
    tracking_id: str
    account: str
    caller: str
    state: str
    reason: str
    message: str
    received_at: datetime
    occurred_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery.

    Attributes:
        words: What its target said last, or the stable code where it said nothing.
        can_retry: Whether it is in a state to be tried again, and not too old.
    """

    id: str
    tracking_id: str
    target: str
    account: str
    state: str
    attempts: int
    code: str
    directory_code: str
    words: str
    created_at: datetime
    due_at: datetime | None
    expires_at: datetime
    settled_at: datetime | None
    can_retry: bool


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event."""

    sequence: int
    at: datetime
    name: str
    level: str
    message: str
    tracking_id: str
    adapter: str
    account: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TimelineRows:
    """A change with all that happened to it, oldest first."""

    change: ChangeRow
    deliveries: tuple[DeliveryRow, ...]
    events: tuple[EventRow, ...]


def change_row(change: PasswordChange) -> ChangeRow:
    """A change as a row."""
    return ChangeRow(
        change.sequence,
        change.tracking_id,
        str(change.account),
        change.caller,
        change.state.value,
        change.reason,
        change.message,
        change.received_at,
        change.occurred_at,
        change.finished_at,
    )


def delivery_row(delivery: Delivery, now: datetime) -> DeliveryRow:
    """A delivery as a row."""
    return DeliveryRow(
        delivery.id,
        delivery.tracking_id,
        delivery.account.lane,
        delivery.account.name,
        delivery.state.value,
        delivery.attempts,
        delivery.code,
        delivery.directory_code,
        delivery.message or delivery.code,
        delivery.created_at,
        delivery.due_at if delivery.state in OPEN_STATES else None,
        delivery.expires_at,
        delivery.settled_at,
        delivery.state in RETRIABLE_STATES and delivery.expires_at > now,
    )


def event_row(event: RecordedEvent) -> EventRow:
    """An event as a row."""
    return EventRow(
        event.sequence,
        event.at,
        event.name,
        event.level,
        event.message,
        event.tracking_id,
        event.adapter,
        event.account,
        tuple(_fields(event.fields)),
    )


def timeline_rows(timeline: Timeline, now: datetime) -> TimelineRows:
    """A timeline as rows."""
    return TimelineRows(
        change_row(timeline.change),
        tuple(delivery_row(d, now) for d in timeline.deliveries),
        tuple(event_row(e) for e in timeline.events),
    )


def _fields(fields: ReadOnlyMapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _text(value)) for name, value in fields.items() if value not in ("", [], None)]


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
