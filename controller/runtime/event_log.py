"""Events go to the log, and to who else wants them, once the transaction that recorded them is committed."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

import structlog

from controller.model.events import Event, Level, RecordedEvent
from controller.ports.events import EventQuery, Events
from controller.ports.store import Store, Transaction

_LEVELS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.ERROR: logging.ERROR}

Listener = Callable[[Event, datetime], None]
"""Told of an event and the store's time at which it was recorded. It must not raise: the event has happened."""


class LoggingStore:
    """A store whose recorded events are logged: what was rolled back did not happen, and is not in the log.

    Listeners are told of them as well.
    """

    def __init__(self, store: Store, *listeners: Listener) -> None:
        self._store = store
        self._listeners = listeners

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """As the store; after the commit, its events are logged in their order."""
        with self._store.write() as tx:
            noting = _NotingEvents(tx.events)
            tx.events = noting
            yield tx
        for event in noting.added:
            log_event(event)
            for listen in self._listeners:
                listen(event, tx.now)

    def read(self) -> AbstractContextManager[Transaction]:
        """As the store."""
        return self._store.read()

    def close(self) -> None:
        """As the store."""
        self._store.close()


def log_event(event: Event) -> None:
    """Write one event to the log: its sentence, its name, whom it concerns, and its fields."""
    concerned = {"tracking_id": event.tracking_id, "adapter": event.adapter, "account": event.account}
    log = structlog.get_logger().bind(name=event.type.name, **{k: v for k, v in concerned.items() if v})
    log.log(_LEVELS[event.type.level], event.type.message, **event.fields)


class _NotingEvents:
    """Implements ``ports.Events`` and keeps what is added."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self.added: list[Event] = []

    def add(self, event: Event) -> None:
        self._events.add(event)
        self.added.append(event)

    def add_all(self, events: Sequence[Event]) -> None:
        self._events.add_all(events)
        self.added.extend(events)

    def find(self, query: EventQuery) -> list[RecordedEvent]:
        return self._events.find(query)

    def count_since(self, moment: datetime) -> dict[str, int]:
        return self._events.count_since(moment)
