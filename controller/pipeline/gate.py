"""Calls of remote adapters: who may make them, in which session, and what is recorded when one is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from controller.model import events
from controller.model.accounts import ExternalAccount
from controller.model.errors import NotFound, PwsyncError, Refused, TrackingIdUnknown, WrongSession, WrongState
from controller.model.events import Event
from controller.model.session import AdapterSession, Presence
from controller.pipeline.lanes import note_online
from controller.pipeline.refusals import RecordedRefusals
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.store import Store, Transaction

T = TypeVar("T")
CallName = Literal["initialize", "shutDown", "receive", "complete", "reportStatus", "reportExpired"]


@dataclass(frozen=True, slots=True)
class AdapterCall:
    """One call.

    Attributes:
        principal: Who the caller has proved to be.
        session: Id of the session that it says it has; empty when it says none.
    """

    name: CallName
    adapter: str
    principal: str
    session: str = ""

    @property
    def lane(self) -> str:
        """Where the adapter's deliveries wait."""
        return ExternalAccount(self.adapter, "").lane


class Gate:
    """Lets calls in, each in a transaction of its own, and the calls of one adapter one after another."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._topology = TopologyReader()
        self._refusals = RecordedRefusals()

    def admit(self, call: AdapterCall, work: Callable[[Transaction, Topology], T], *, is_for_remote: bool = True) -> T:
        """Carry out *work* for a caller that may act for the adapter, which must be a remote one if *is_for_remote*.

        What *work* refuses it must refuse before it writes.

        Raises:
            NotFound: No such adapter.
            Refused: Not one of its receivers (of its users, when it need not be remote), or it is disabled (D5), or no
                remote one; recorded as an event.
            WrongState, WrongSession, TrackingIdUnknown: As *work* says; recorded as an event.
            StoreUnavailable: Nothing was changed.

        A refusal that is repeated within a minute is not recorded again.
        """
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            try:
                _check(topology, call, is_for_remote=is_for_remote)
                tx.exclusive(call.lane)
                return work(tx, topology)
            except (Refused, WrongState, WrongSession, TrackingIdUnknown) as error:
                refusal: PwsyncError = error
                reason = error.reason if isinstance(error, Refused) else error.code
                kind, now = (call.principal, call.adapter, call.name, reason), tx.now
                if is_due := self._refusals.is_due(kind, now):
                    fields = {"caller": call.principal, "call": call.name, "reason": reason}
                    tx.events.add(Event(events.ADAPTER_CALL_REFUSED, adapter=call.adapter, fields=fields))
        if is_due:
            self._refusals.note(kind, now)  # now that it is committed
        raise refusal

    def admit_holder(self, call: AdapterCall, work: Callable[[Transaction, Topology, AdapterSession], T]) -> T:
        """Carry out *work* for the holder of the adapter's session, which has now been heard of.

        Raises:
            WrongState: The adapter has no session, or the call names none.
            WrongSession: It has another one by now.
            PwsyncError: As ``admit``.
        """

        def work_in_session(tx: Transaction, topology: Topology) -> T:
            session = _current(tx.sessions.get(call.adapter), call)
            heard = session.hear(tx.now)
            tx.sessions.put(heard)
            if session.presence is Presence.SILENT:
                note_online(tx, call.lane)
            return work(tx, topology, heard)

        return self.admit(call, work_in_session)


def _check(topology: Topology, call: AdapterCall, *, is_for_remote: bool) -> None:
    adapter = topology.adapters.get(call.adapter)
    if adapter is None:
        raise NotFound(f"there is no adapter {call.adapter}", hint="apply a manifest that declares the adapter")
    receives = is_for_remote and adapter.is_remote
    field, role = ("receivers", "receiver") if receives else ("users", "user")
    if call.principal not in (adapter.access.receivers if receives else adapter.access.users):
        raise Refused(
            f"{call.principal} is not a {role} of adapter {call.adapter}",
            reason="callerNotAllowed",
            hint=f"name it in the adapter's spec.access.{field}",
        )
    if not adapter.enabled:
        raise Refused(f"adapter {call.adapter} is disabled", reason="adapterDisabled")
    if is_for_remote and not adapter.is_remote:
        raise Refused(
            f"adapter {call.adapter} pulls no notifications",
            reason="notRemote",
            hint="its connector runs inside the controller; remote adapters have the connector type remote",
        )


def _current(session: AdapterSession | None, call: AdapterCall) -> AdapterSession:
    if session is None or not call.session:
        raise WrongState("the adapter has not been initialized", hint="POST to its session first, and name that one")
    if session.id != call.session:
        raise WrongSession(
            "the adapter has another session by now", hint="another process of it was started; end this one"
        )
    return session
