"""What would happen to a change: the pipeline itself at work, on a store and on connectors that nobody else sees."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from controller.model.accounts import Account
from controller.model.change import PasswordChange
from controller.model.constraints import Capabilities
from controller.model.delivery import OPEN_STATES, Delivery
from controller.model.diagnosis import Finding
from controller.model.errors import NotFound, PasswordRejected, Refused
from controller.model.events import RecordedEvent
from controller.model.observation import Survey
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.pipeline.circuit import Circuit
from controller.pipeline.dispatch import LaneWorker
from controller.pipeline.fates import Fate, fates_of
from controller.pipeline.intake import Caller, Intake, Report
from controller.pipeline.router import Router
from controller.pipeline.surroundings import mappings_around
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.clock import NewId
from controller.ports.connectors import Connector
from controller.ports.events import EventQuery
from controller.ports.sealing import Sealer
from controller.ports.store import Store

RefusalBy = Callable[[str, str, Secret], str | None]
"""Why the policy of the target of a lane refuses a password of an account there, in words; None when it does not."""
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

    Targets take every password that their connector's declared limits and their policies, as far as known, allow.

    Args:
        store: A scratch store that holds what the real one does around the account; it is written to.
        sealer: Opens what was sealed in the real store.
        new_id: Makes identifiers.
        capabilities: Of the connectors that the lanes really have.
        refusal: What the policies of their targets say.
    """

    def __init__(
        self, store: Store, sealer: Sealer, new_id: NewId, capabilities: CapabilitiesOf, refusal: RefusalBy
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._new_id = new_id
        self._rehearsed = _Rehearsed(capabilities, refusal)
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
                connections=self._rehearsed,
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
    refusal: RefusalBy

    def connect(self, topology: Topology, lane: str) -> Connector:
        return _Stand(self.capabilities(topology, lane), lane, self.refusal)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class _Stand:
    """Stands for a target that is there. It keeps nothing."""

    capabilities: Capabilities
    lane: str
    refusal: RefusalBy

    def set_password(self, account: str, new: Secret) -> None:
        """Taken, unless the policy speaks against it."""
        refusal = self.refusal(self.lane, account, new)
        if refusal is not None:
            raise PasswordRejected(f"the policy of the target refuses the password: it is {refusal}")

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Taken likewise."""
        del old
        self.set_password(account, new)

    def verify_password(self, account: str, password: Secret) -> bool:
        """A made-up password is in force nowhere."""
        del account, password
        return False

    def check(self) -> None:
        """It is there."""

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """Nobody asks: what it refuses, it says when it is given a password."""

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Nobody asks: it has no accounts of its own."""
        del accounts
        return Survey()

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:
        """Nobody asks: there is no channel."""
        del accounts
        return iter(())

    def close(self) -> None:
        """Nothing is open."""
