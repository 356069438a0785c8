"""Tells of flags of adapters without effect: when the controller starts, and when an apply brings new ones (A12)."""

from collections.abc import Iterator
from collections.abc import Mapping as ReadOnlyMapping

from controller.model import events
from controller.model.events import Event
from controller.model.topology import Adapter, Key, Kind, Resource, System
from controller.planning.switches import ineffective_flags
from controller.ports.store import Store

_SYSTEM = Key(Kind.SYSTEM, "default")


class FlagWatch:
    """Records an event of each adapter whose flags do not agree with the System's switches, once until that changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: dict[str, Event] = {}

    def look(self) -> None:
        """Look at what is in force now.

        Raises:
            StoreUnavailable: The store cannot be reached.
            StoreUnusable: A row of it cannot be read.
        """
        with self._store.read() as tx:
            found = {event.adapter: event for event in _events(tx.resources.read())}
        news = [event for event in found.values() if self._told.get(event.adapter) != event]
        if news:
            with self._store.write() as tx:
                for event in news:
                    tx.events.add(event)
        self._told = found


def _events(resources: ReadOnlyMapping[Key, Resource]) -> Iterator[Event]:
    match resources.get(_SYSTEM):
        case Resource(spec=System() as system):
            for key, resource in sorted(resources.items()):
                if isinstance(resource.spec, Adapter) and (flags := dict(ineffective_flags(resource.spec, system))):
                    fields = {"flags": list(flags), "switches": list(flags.values())}
                    yield Event(events.FLAGS_WITHOUT_EFFECT, adapter=key.name, fields=fields)
        case _:
            return
