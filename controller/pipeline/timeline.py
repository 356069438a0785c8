"""One change from its report to its end: events and deliveries, oldest first."""

from dataclasses import dataclass

from controller.model.change import PasswordChange
from controller.model.delivery import Delivery
from controller.model.errors import NotFound
from controller.model.events import RecordedEvent
from controller.ports.events import EventQuery
from controller.ports.store import Transaction

MOST_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """A change and everything that happened to it, oldest first."""

    change: PasswordChange
    deliveries: tuple[Delivery, ...]
    events: tuple[RecordedEvent, ...]


def find_timeline(tx: Transaction, tracking_id: str) -> Timeline:
    """Collect what is known of a change.

    Raises:
        NotFound: There is no such change.
    """
    change = tx.changes.get(tracking_id)
    if change is None:
        raise NotFound(f"there is no change {tracking_id}", hint="see 'pwsync get changes'")
    events = tx.events.find(EventQuery(tracking_id=tracking_id, limit=MOST_EVENTS))
    return Timeline(change, tuple(tx.deliveries.of_change(tracking_id)), tuple(reversed(events)))
