"""What would happen to a change: the pipeline itself at work, on a store and on connectors that nobody else sees."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from controller.model.accounts import Account
from controller.model.change import PasswordChange
from controller.model.constraints import Capabilities
from controller.model.delivery import OPEN_STATES, Delivery
from controller.model.errors import NotFound, Refused
from controller.model.events import RecordedEvent
from controller.model.secret import Secret
from controller.pipeline.circuit import Circuit
from controller.pipeline.dispatch import LaneWorker
from controller.pipeline.fates import Fate, fates_of
from controller.pipeline.intake import Caller, Intake, Report
from controller.pipeline.router import Router
from controller.pipeline.surroundings import mappings_around
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports import Connector, EventQuery, NewId, Sealer, Store

CapabilitiesOf = Callable[[Topology, str], Capabilities]
"""What the connector of a lane can do. Raises NotFound when its type is not installed."""
_MOST_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Simulated:
    """What would happen.

    Attributes:
        refusal: Why intake would not accept the report; then there is nothing else.
        change: At its end, if every target takes what it is given.
        fates: What becomes of each mapping and each Windows account concerned, and why.
        deliveries: In order of creation.
        events: Oldest first; also those about older deliveries that the change would supersede.
    """

    refusal: NotFound | Refused | None = None
    change: PasswordChange | None = None
    fates: tuple[Fate, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    events: tuple[RecordedEvent, ...] = ()


class Simulation:
    """Plays one report through intake, routing, dispatch and settlement.

    Targets take every password that their connector's declared limits allow; nothing is known of their own policies.

    Args:
        store: A scratch store that holds what the real one does around the account; it is written to.
        sealer: Opens what was sealed in the real store.
        new_id: Makes identifiers.
        capabilities: Of the connectors that the lanes really have.
    """

    def __init__(self, store: Store, sealer: Sealer, new_id: NewId, capabilities: CapabilitiesOf) -> None:
        self._store = store
        self._sealer = sealer
        self._new_id = new_id
        self._capabilities = capabilities
        self._workers: dict[str, LaneWorker] = {}

    def play(self, report: Report, caller: Caller) -> Simulated:
        """Tell what would happen to *report*.

        Raises:
            InvalidInput: Its password is none that any account could have.
        """
        try:
            tracking_id = Intake(self._store, self._sealer, self._new_id).accept(report, caller)
        except (NotFound, Refused) as refusal:
            return Simulated(refusal, events=tuple(self._events()))
        Router(self._store, self._sealer, self._new_id).route_next()
        while sum(self._deliver(lane) for lane in self._open_lanes(tracking_id)):
            continue
        return self._result(report.account, tracking_id)

    def _open_lanes(self, tracking_id: str) -> list[str]:
        with self._store.read() as tx:
            made = tx.deliveries.of_change(tracking_id)
        return sorted({delivery.account.lane for delivery in made if delivery.state in OPEN_STATES})

    def _deliver(self, lane: str) -> int:
        worker = self._worker(lane)
        made = 0
        while worker.step():
            made += 1
        worker.finish()
        return made

    def _worker(self, lane: str) -> LaneWorker:
        """The one worker of a lane: its circuit remembers that a connector cannot be had."""
        if lane not in self._workers:
            self._workers[lane] = LaneWorker(
                self._store,
                self._sealer,
                new_id=self._new_id,
                jitter=_no_jitter,
                circuit=Circuit(_no_jitter),
                lane=lane,
                connections=_Rehearsed(self._capabilities),
            )
        return self._workers[lane]

    def _result(self, account: Account, tracking_id: str) -> Simulated:
        recorded = tuple(self._events())
        with self._store.read() as tx:
            topology = TopologyReader().read(tx)
            deliveries = tuple(tx.deliveries.of_change(tracking_id))
            mappings = mappings_around(tx, topology, account)
            change = tx.changes.get(tracking_id)
            fates = tuple(fates_of(topology, account, mappings, deliveries, recorded))
        return Simulated(change=change, fates=fates, deliveries=deliveries, events=recorded)

    def _events(self) -> Iterator[RecordedEvent]:
        with self._store.read() as tx:
            return reversed(tx.events.find(EventQuery(limit=_MOST_EVENTS)))


def _no_jitter() -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    capabilities: CapabilitiesOf

    def connect(self, topology: Topology, lane: str) -> Connector:
        return _TakesEverything(self.capabilities(topology, lane))

    def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class _TakesEverything:
    """Stands for a target that is there and has no policy of its own. It keeps nothing."""

    capabilities: Capabilities

    def set_password(self, account: str, new: Secret) -> None:
        """Taken."""

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Taken."""

    def verify_password(self, account: str, password: Secret) -> bool:
        """A made-up password is in force nowhere."""
        del account, password
        return False

    def check(self) -> None:
        """It is there."""

    def close(self) -> None:
        """Nothing is open."""
