"""Replay: changes accepted while the store is away are kept in files and taken over when it is back (R1-R6)."""

import threading
from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta

from controller.model import events
from controller.model.change import ChangeState, PasswordChange, Reason
from controller.model.errors import InvalidInput, NotFound, PwsyncError, Refused, StoreUnavailable
from controller.model.events import Event
from controller.model.wording import rfc3339
from controller.pipeline.acceptance import acceptance_event
from controller.pipeline.queueing import change_event, expiry_of, finish_change
from controller.pipeline.reporting import check_reporter
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.clock import Clock
from controller.ports.replay import ReplayBatch, ReplayEnd, ReplayLog, ReplayRecord
from controller.ports.store import Store, Transaction

BATCH = 100
"""Records that are taken over in one transaction."""
MOST_NOTED = 1000
"""Events of an outage that are kept in memory until they can be recorded."""
PAUSE = timedelta(seconds=1)
"""How long an answer is held back while kept changes are being taken over, so that they cannot outgrow that."""
_FILE_EVENTS = {ReplayEnd.DAMAGED: events.REPLAY_FILE_DAMAGED, ReplayEnd.UNTRUSTED: events.REPLAY_FILE_UNTRUSTED}


class Replay:
    """Keeps changes while the store is away, and takes them over afterwards, in their order.

    Many threads may keep; one replays.
    """

    def __init__(self, store: Store, log: ReplayLog, steady: Clock) -> None:
        """*steady* runs evenly, whatever is done to the system's clock."""
        self._store = store
        self._log = log
        self._steady = steady
        self._topology = TopologyReader()
        self._known: tuple[Topology, datetime, datetime] | None = None
        self._noted: deque[Event] = deque(maxlen=MOST_NOTED)
        self._replayed = 0
        self._is_caught_up = threading.Event()
        self._is_caught_up.set()

    @property
    def has_backlog(self) -> bool:
        """Whether kept changes wait, so that newer ones must queue behind them."""
        return not self._log.is_empty()

    def learn(self, topology: Topology, now: datetime) -> None:
        """Remember what the store told, for the time when it is away; *now* is the store's time."""
        self._known = (topology, now, self._steady())

    def known(self) -> tuple[Topology, datetime]:
        """The topology last seen, and what the store's clock must show now (T5).

        Raises:
            StoreUnavailable: The store has not been seen yet.
        """
        if self._known is None:
            raise StoreUnavailable("the store is away, and what it declares is not known yet", hint="report it again")
        topology, then, steady = self._known
        return topology, then + (self._steady() - steady)

    def keep(self, change: PasswordChange, *, is_local: bool) -> None:
        """Make a change durable without the store.

        Raises:
            StoreUnavailable: That is not possible either.
        """
        self._log.append(ReplayRecord(change, is_local=is_local))

    def hold_back(self) -> None:
        """Wait before the answers to what was kept, while kept changes are being taken over."""
        self._is_caught_up.wait(PAUSE.total_seconds())

    def note(self, event: Event) -> None:
        """Record an event when the store is back."""
        self._noted.append(event)

    def step(self) -> bool:
        """Take over the next kept changes; tell whether there were any.

        Raises:
            StoreUnavailable: The store is away still, or again; nothing is lost.
            SettingsError: The replay files cannot be used.
        """
        try:
            is_more = self._step()
        except PwsyncError:
            self._is_caught_up.set()  # nothing is taken over now, so nobody need wait for it
            raise
        if is_more and self.has_backlog:
            self._is_caught_up.clear()
        else:
            self._is_caught_up.set()
        return is_more

    def _step(self) -> bool:
        batch = self._log.read(BATCH)
        if batch is None:
            self._record_noted([])
            return False
        try:
            self._take_over_together(batch)
        except InvalidInput:
            self._take_over_singly(batch)
        self._log.advance(batch)
        self._replayed += len(batch.records)
        if self._log.is_empty():
            self._record_noted([Event(events.REPLAY_FINISHED, fields={"changes": self._replayed})])
            self._replayed = 0
        return True

    def _record_noted(self, more: list[Event]) -> None:
        noted = [*self._noted, *more]
        if not noted:
            return
        with self._store.write() as tx:
            for event in noted:
                tx.events.add(event)
        for _ in range(len(noted) - len(more)):
            self._noted.popleft()

    def _take_over_together(self, batch: ReplayBatch) -> None:
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            accounts = {record.change.account for record in batch.records}
            for account in sorted(accounts, key=lambda a: (a.lane, a.name)):  # locked in the order of routing
                tx.fingerprints.get(account)
            for record in batch.records:
                self._take_over(tx, topology, record)
            self._tell_of_file(tx, topology, batch)

    def _take_over_singly(self, batch: ReplayBatch) -> None:
        """Take over all but the records that the store does not take at all."""
        for record in batch.records:
            try:
                with self._store.write() as tx:
                    self._take_over(tx, self._topology.read(tx), record)
            except InvalidInput as error:
                self._give_up(record, error)
        with self._store.write() as tx:
            self._tell_of_file(tx, self._topology.read(tx), batch)

    def _give_up(self, record: ReplayRecord, error: InvalidInput) -> None:
        """Record that the store refuses a change, unless that is because it has it already."""
        with self._store.write() as tx:
            if tx.changes.get(record.change.tracking_id) is None:
                tx.events.add(_refusal(record.change, error))

    def _take_over(self, tx: Transaction, topology: Topology, record: ReplayRecord) -> None:
        """Put one change into the store, once: a crash may let it come again."""
        change = replace(record.change, received_at=min(record.change.received_at, tx.now))
        if tx.changes.get(change.tracking_id) is not None:
            return
        is_overtaken = tx.changes.has_newer(change)  # another controller reached the store during the outage (T4)
        tx.changes.add(change)
        tx.events.add(acceptance_event(change))
        tx.events.add(change_event(events.CHANGE_REPLAYED, change, receivedAt=rfc3339(change.received_at)))
        try:
            check_reporter(topology, change.account, change.caller, is_local=record.is_local)
        except (Refused, NotFound) as error:
            tx.events.add(_refusal(change, error))
            _finish(tx, change, ChangeState.FAILED, _reason(error), error.message)
        else:
            if is_overtaken:
                _finish(tx, change, ChangeState.DISCARDED, Reason.STALE)

    def _tell_of_file(self, tx: Transaction, topology: Topology, batch: ReplayBatch) -> None:
        replayed = batch.first + len(batch.records)
        fields = {"file": batch.file, "replayed": replayed}
        if batch.end in _FILE_EVENTS:
            tx.events.add(Event(_FILE_EVENTS[batch.end], fields={**fields, "problem": batch.problem}))
        elif batch.end is ReplayEnd.FINISHED and _is_expired(tx, topology, batch):
            tx.events.add(Event(events.REPLAY_FILE_EXPIRED, fields=fields))


def _is_expired(tx: Transaction, topology: Topology, batch: ReplayBatch) -> bool:
    """Whether the newest record of a file is too old (R4, T3); routing discards its changes, each with its event."""
    newest = batch.records[-1:]
    return any(expiry_of(record.change, topology.system.max_sync_age) <= tx.now for record in newest)


def _finish(tx: Transaction, change: PasswordChange, state: ChangeState, reason: str, message: str = "") -> None:
    tx.changes.mark_routed(change.tracking_id)
    finish_change(tx, change, state, reason, message)


def _refusal(change: PasswordChange, error: PwsyncError) -> Event:
    return change_event(events.REPLAY_REFUSED, change, caller=change.caller, reason=_reason(error))


def _reason(error: PwsyncError) -> str:
    return error.reason if isinstance(error, Refused) else error.code
