"""Dispatch: hands due deliveries of one lane to its connector, one after another, and settles what came of each."""

from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from controller.model.delivery import Delivery
from controller.model.errors import ChannelRefused, Indeterminate, NotFound, PwsyncError, SettingsError
from controller.pipeline.attempt import Attempt, Ending, make
from controller.pipeline.circuit import Circuit
from controller.pipeline.claiming import LaneDeliveries
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.clock import Jitter, NewId
from controller.ports.connectors import Connector
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction

LEASE = timedelta(seconds=15)
"""How long a delivery stays with a worker that no longer renews it: after this time another one probes and goes on."""


class Connections(Protocol):
    """Gives one worker its connector, kept between calls."""

    def connect(self, topology: Topology, lane: str) -> Connector:
        """Return the connector of a lane.

        Raises:
            NotFound: The lane is not declared any more, or its connector type is not installed.
            SettingsError: A secret that it needs is not there.
        """

    def close(self) -> None:
        """Give back the connection."""


class LaneWorker:
    """Works on one lane; each worker belongs to one thread and has one connector."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        new_id: NewId,
        jitter: Jitter,
        circuit: Circuit,
        lane: str,
        connections: Connections,
    ) -> None:
        self._store = store
        self._deliveries = LaneDeliveries(sealer, new_id=new_id, jitter=jitter, lane=lane)
        self._new_id = new_id
        self._circuit = circuit
        self._lane = lane
        self._connections = connections
        self._topology = TopologyReader()
        self._unsettled: tuple[Attempt, Ending] | None = None
        self._at_work: Delivery | None = None

    @property
    def has_unsettled(self) -> bool:
        """Whether an attempt was made that is not settled yet."""
        return self._unsettled is not None

    def step(self) -> bool:
        """Settle the previous attempt and make the next one, if one is due; tell whether one was made.

        Raises:
            StoreUnavailable: Nothing was changed; what is not settled yet will be by the next call.
        """
        attempt = self._turn(claims=True)
        if attempt is None:
            return False
        self._at_work = attempt.delivery
        self._unsettled = (attempt, self._carry_out(attempt))
        self._at_work = None
        return True

    def finish(self) -> None:
        """Settle the previous attempt and take no other.

        Raises:
            StoreUnavailable: As for ``step``.
        """
        if self._unsettled is not None:
            self._turn(claims=False)

    def close(self) -> None:
        """Give back the connection. What is not settled yet is found by its lease."""
        self._connections.close()

    def renew(self) -> None:
        """Keep the delivery under way for a while longer; called by another thread while the connector works."""
        delivery = self._at_work
        if delivery is not None:
            with self._store.write() as tx:
                tx.deliveries.save(replace(delivery, leased_until=tx.now + LEASE), lease=delivery.lease)

    def _turn(self, *, claims: bool) -> Attempt | None:
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            if self._unsettled is not None:
                self._settle(tx, topology, *self._unsettled)
            attempt = self._claim(tx, topology) if claims else None
        if self._unsettled is not None:
            self._circuit.note_told()
        self._unsettled = None
        return attempt

    def _settle(self, tx: Transaction, topology: Topology, attempt: Attempt, ending: Ending) -> None:
        if ending.was_asked:
            self._circuit.record(ending.error, tx.now)
            if self._lane in topology.lanes():
                self._circuit.tell(tx, self._lane)
        else:
            self._circuit.leave()
        self._deliveries.settle(tx, topology, attempt, ending)

    def _claim(self, tx: Transaction, topology: Topology) -> Attempt | None:
        if self._lane not in topology.lanes() or not self._circuit.try_enter(tx.now):
            return None
        attempt = self._deliveries.claim(tx, topology, lease=self._new_id(), lease_for=LEASE)
        if attempt is None:
            self._circuit.leave()
        return attempt

    def _carry_out(self, attempt: Attempt) -> Ending:
        if attempt.problem is not None:
            return Ending(attempt.problem, was_asked=False)
        try:
            return make(self._connections.connect(attempt.topology, self._lane), attempt)
        except (SettingsError, NotFound) as error:
            return Ending(ChannelRefused(error.message, hint=error.hint))
        except PwsyncError as error:
            return Ending(error)
        except Exception as error:  # noqa: BLE001  # a defect of a connector must not end its lane; its text may hold secrets
            return Ending(Indeterminate(f"the connector failed unexpectedly ({type(error).__name__})"))
