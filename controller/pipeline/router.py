"""Takes accepted changes in their order and routes each in a transaction of its own."""

from typing import assert_never

from controller.model import events
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import ChangeState, PasswordChange, Reason
from controller.model.errors import SealBroken
from controller.pipeline.external_change import route_external_change
from controller.pipeline.queueing import Queue, change_event, expiry_of, finish_change
from controller.pipeline.routing import Routing, change_place
from controller.pipeline.topology import Topology, TopologyReader
from controller.pipeline.users import UsersAwaited
from controller.pipeline.windows_change import route_windows_change
from controller.ports.clock import NewId
from controller.ports.events import EventQuery
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction


class Router:
    """Routes what intake accepted. Several routers may run side by side: the store hands out each change once."""

    def __init__(self, store: Store, sealer: Sealer, new_id: NewId) -> None:
        self._store = store
        self._sealer = sealer
        self._queue = Queue(sealer, new_id)
        self._topology = TopologyReader()
        self._passed = 0

    def route_next(self) -> bool:
        """Route the oldest accepted change; tell whether there was one.

        One that has to wait until it is known who the users of an application are holds up only its own account: it
        is passed over until there is no other one, then all that wait are looked at again.

        Raises:
            StoreUnavailable: Nothing was changed; try again.
            StoreUnusable: The stored topology cannot be read; changes stay accepted until it can.
        """
        claimed: list[PasswordChange] = []
        try:
            with self._store.write() as tx:
                claimed = tx.changes.claim_unrouted(1, after=self._passed)
                for change in claimed:
                    self._route(tx, self._topology.read(tx), change)
        except SealBroken as error:
            for change in claimed:
                self._fail(change, error)
        except UsersAwaited:  # what was done was rolled back
            self._passed = max(change.sequence for change in claimed)
        if not claimed:
            self._passed = 0
        return bool(claimed)

    def _fail(self, change: PasswordChange, error: SealBroken) -> None:
        """Set a change aside that no key opens, in a transaction of its own: routing it was rolled back.

        Housekeeping brings it back once its key is there. Should it fail again then, that is not told twice.
        """
        told = EventQuery(tracking_id=change.tracking_id, name=events.CHANGE_FAILED.name, limit=1)
        with self._store.write() as tx:
            if tx.changes.set_aside(change.tracking_id, error.code, str(error)) and not tx.events.find(told):
                tx.events.add(change_event(events.CHANGE_FAILED, change, reason=error.code))

    def _route(self, tx: Transaction, topology: Topology, change: PasswordChange) -> None:
        if expiry_of(change, topology.system.max_sync_age) <= tx.now:
            tx.changes.mark_routed(change.tracking_id)
            finish_change(tx, change, ChangeState.DISCARDED, Reason.EXPIRED)
            return
        password = self._sealer.open(change.sealed_password or b"", change_place(change.tracking_id, change.account))
        routing = Routing(tx, topology, change, password, self._sealer, self._queue)
        match change.account:
            case WindowsAccount() as account:
                route_windows_change(routing, account)
            case ExternalAccount() as account:
                route_external_change(routing, account)
            case _:
                assert_never(change.account)
