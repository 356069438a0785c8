"""Takes accepted changes in their order and routes each in a transaction of its own."""

from typing import assert_never

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import ChangeState, PasswordChange, Reason
from controller.model.errors import SealBroken
from controller.pipeline.external_change import route_external_change
from controller.pipeline.queueing import Queue, expiry_of, finish_change
from controller.pipeline.routing import Routing, change_place
from controller.pipeline.topology import Topology, TopologyReader
from controller.pipeline.windows_change import route_windows_change
from controller.ports import NewId, Sealer, Store, Transaction


class Router:
    """Routes what intake accepted. Several routers may run side by side: the store hands out each change once."""

    def __init__(self, store: Store, sealer: Sealer, new_id: NewId) -> None:
        self._store = store
        self._sealer = sealer
        self._queue = Queue(sealer, new_id)
        self._topology = TopologyReader()

    def route_next(self) -> bool:
        """Route the oldest accepted change; tell whether there was one.

        Raises:
            StoreUnavailable: Nothing was changed; try again.
            StoreUnusable: The stored topology cannot be read; changes stay accepted until it can.
        """
        claimed: list[PasswordChange] = []
        try:
            with self._store.write() as tx:
                claimed = tx.changes.claim_unrouted(1)
                for change in claimed:
                    self._route(tx, self._topology.read(tx), change)
        except SealBroken as error:
            for change in claimed:
                self._fail(change, error)
        return bool(claimed)

    def _fail(self, change: PasswordChange, error: SealBroken) -> None:
        """Finish a change that no key opens, in a transaction of its own: routing it was rolled back."""
        with self._store.write() as tx:
            tx.changes.mark_routed(change.tracking_id)
            finish_change(tx, change, ChangeState.FAILED, error.code, str(error))

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
