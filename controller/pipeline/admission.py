"""Lets callers read and operate, as far as their roles go; each refusal is recorded."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from controller.model import events
from controller.model.errors import Refused, StoreUnavailable
from controller.model.events import Event
from controller.pipeline.refusals import RecordedRefusals
from controller.pipeline.roles import Action, Standing, standing_of
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.clock import Clock
from controller.ports.store import Store, Transaction

T = TypeVar("T")


class Admission:
    """Lets calls in that read, or that operate once it was read whether they may, each in a transaction of its own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """*clock* tells the time where the store need not be asked."""
        self._store = store
        self._clock = clock
        self._topology = TopologyReader()
        self._refusals = RecordedRefusals()

    def admit(self, principal: str, action: Action, read: Callable[[Transaction, Topology, Standing], T]) -> T:
        """Carry out *read* for a caller that has a role for it.

        Raises:
            Refused: No role of the caller allows it, or none reaches as far as *read* asks; recorded as an event, of
                one caller, action and reason once a minute.
            StoreUnavailable: It cannot be read now.
        """
        with self._store.read() as tx:
            topology = self._topology.read(tx)
            standing = standing_of(topology, principal)
            try:
                standing.check(action)
                return read(tx, topology, standing)
            except Refused as error:
                refusal = error
        kind, now = (principal, action, refusal.reason), self._clock()
        if self._refusals.is_due(kind, now):
            fields = {"caller": principal, "action": action.value, "reason": refusal.reason}
            with suppress(StoreUnavailable):  # refused it is, whether or not that can be written down
                self._record(Event(events.CALL_REFUSED, fields=fields))
                self._refusals.note(kind, now)
        raise refusal

    def note_unproven(self, address: str, problem: str) -> None:
        """Record that a caller at *address* did not prove who it is: of one *problem* once a minute, whoever had it."""
        now = self._clock()
        if self._refusals.is_due((problem,), now):
            with suppress(StoreUnavailable):  # as above
                self._record(Event(events.CALLER_UNPROVEN, fields={"address": address, "problem": problem}))
                self._refusals.note((problem,), now)

    def note_limited(self, principal: str, address: str) -> None:
        """Record that a caller was told to wait: one principal once a minute, those without one all together."""
        kind, now = ("limited", principal), self._clock()
        if self._refusals.is_due(kind, now):
            with suppress(StoreUnavailable):  # as above
                self._record(Event(events.CALLS_LIMITED, fields={"caller": principal, "address": address}))
                self._refusals.note(kind, now)

    def _record(self, event: Event) -> None:
        with self._store.write() as tx:
            tx.events.add(event)
