"""Sessions of remote adapters: initialize, shut down, status reports, and who has fallen silent (behaviours Q7, Q8)."""

from dataclasses import dataclass, replace
from datetime import datetime

from controller.model import events
from controller.model.accounts import ExternalAccount
from controller.model.completion import ERRORS
from controller.model.events import Event
from controller.model.session import KEEP_ALIVE, AdapterSession, Presence
from controller.model.wording import rfc3339
from controller.pipeline.claiming import LaneDeliveries
from controller.pipeline.gate import AdapterCall, Gate
from controller.pipeline.handing import HandedOut
from controller.pipeline.lanes import is_offline, note_offline, note_online
from controller.pipeline.quoting import quoted_on
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.clock import Jitter, NewId
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What an adapter says of itself.

    Attributes:
        error_code: Why it is offline: as of a completion, or its own.
        message: The same in words.
    """

    is_online: bool
    error_code: int = 0
    message: str = ""

    @property
    def code(self) -> str:
        """Why it is offline, as a stable name."""
        known = ERRORS.get(self.error_code)
        return "reported" if known is None else known[0].code


class AdapterSessions:
    """The calls of remote adapters about their sessions, and the watch over them."""

    def __init__(self, store: Store, sealer: Sealer, gate: Gate, *, new_id: NewId, jitter: Jitter) -> None:
        self._store = store
        self._sealer = sealer
        self._gate = gate
        self._new_id = new_id
        self._jitter = jitter
        self._topology = TopologyReader()
        self._watching_since: datetime | None = None

    def initialize(self, call: AdapterCall) -> tuple[AdapterSession, bool]:
        """Begin a session; it replaces the one that there was. Tells whether there was one.

        Raises:
            PwsyncError: As ``Gate.admit``.
        """

        def work(tx: Transaction, topology: Topology) -> tuple[AdapterSession, bool]:
            is_reconnect = tx.sessions.get(call.adapter) is not None
            self._handed_out(tx, topology, call.lane).return_all("the adapter was started anew before it confirmed it")
            session = AdapterSession(call.adapter, self._new_id(), call.principal, tx.now, tx.now, tx.now)
            tx.sessions.put(session)
            fields = {"caller": call.principal, "reconnected": is_reconnect}
            tx.events.add(Event(events.ADAPTER_CONNECTED, adapter=call.adapter, fields=fields))
            note_online(tx, call.lane)
            return session, is_reconnect

        return self._gate.admit(call, work)

    def shut_down(self, call: AdapterCall) -> int:
        """End the session in good order; tells how many notifications went back into the queue.

        Raises:
            PwsyncError: As ``Gate.admit_holder``.
        """

        def work(tx: Transaction, topology: Topology, _: AdapterSession) -> int:
            count = self._handed_out(tx, topology, call.lane).return_all("the adapter shut down before it confirmed it")
            tx.sessions.remove(call.adapter)
            fields = {"caller": call.principal}
            tx.events.add(Event(events.ADAPTER_DISCONNECTED, adapter=call.adapter, fields=fields))
            note_offline(tx, call.lane, "shutDown", "the adapter has shut down")
            return count

        return self._gate.admit_holder(call, work)

    def report_status(self, call: AdapterCall, report: StatusReport) -> None:
        """Note whether the adapter can take notifications: while it is offline, it is handed none.

        Raises:
            PwsyncError: As ``Gate.admit_holder``.
        """

        def work(tx: Transaction, _: Topology, session: AdapterSession) -> None:
            tx.sessions.put(session.report(is_online=report.is_online, now=tx.now))
            if report.is_online:
                note_online(tx, call.lane)
            else:
                words = quoted_on(tx, self._sealer, call.lane, report.message)
                note_offline(tx, call.lane, report.code, words or "the adapter says that it is offline")

        self._gate.admit_holder(call, work)

    def watch(self) -> None:
        """Note which adapters are not there or have fallen silent, and put back what these had not confirmed.

        An adapter gets the whole keep-alive period to come back after the controller itself was away.

        Raises:
            StoreUnavailable: Nothing was changed.
        """
        with self._store.read() as tx:
            topology, now = self._topology.read(tx), tx.now
            sessions = tx.sessions.read()
            strangers = {name for name in topology.remote_adapters() if name not in sessions}
            unknown = {name for name in strangers if not is_offline(tx, _lane_of(name))}
        self._watching_since = self._watching_since or now
        silent = {name for name, session in sessions.items() if session.is_overdue(now)}
        if self._watching_since + KEEP_ALIVE > now:
            silent = set()
        for name in topology.remote_adapters():
            if name in unknown | silent:
                with self._store.write() as tx:
                    self._note_absent(tx, name)

    def _note_absent(self, tx: Transaction, name: str) -> None:
        lane = _lane_of(name)
        tx.exclusive(lane)
        topology, session = self._topology.read(tx), tx.sessions.get(name)
        if session is None:
            note_offline(tx, lane, "notInitialized", "the adapter has no session")
        elif session.is_overdue(tx.now):
            self._handed_out(tx, topology, lane).return_all("the adapter has fallen silent before it confirmed it")
            tx.sessions.put(replace(session, presence=Presence.SILENT))
            note_offline(tx, lane, "silent", f"the adapter has made no call since {rfc3339(session.heard_at)}")

    def _handed_out(self, tx: Transaction, topology: Topology, lane: str) -> HandedOut:
        deliveries = LaneDeliveries(self._sealer, new_id=self._new_id, jitter=self._jitter, lane=lane)
        return HandedOut(tx, topology, deliveries, lane)


def _lane_of(adapter: str) -> str:
    return ExternalAccount(adapter, "").lane
