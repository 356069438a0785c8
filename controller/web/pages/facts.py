"""What the pages show, read in one transaction: plain values without anything sealed."""

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.model import events
from controller.model.delivery import DeliveryState
from controller.model.topology import Mapping
from controller.planning.plan import Plan
from controller.ports.lanes import LaneStatus
from controller.ports.manifests import Pause, Reconciliation
from controller.ports.store import Transaction
from controller.reconcile.picture import object_statuses
from controller.reconcile.status import Health, ObjectStatus, Sync

HOUR = timedelta(hours=1)
STATES_SHOWN = (DeliveryState.PENDING, DeliveryState.IN_FLIGHT, DeliveryState.RETRYING, DeliveryState.PARKED)
_RATES = (
    ("Changes accepted", (events.WINDOWS_CHANGE_ACCEPTED, events.EXTERNAL_CHANGE_ACCEPTED)),
    ("Changes completed", (events.CHANGE_COMPLETED,)),
    ("Changes failed", (events.CHANGE_FAILED,)),
    ("Echoes and repeats damped", (events.CHANGE_DAMPED,)),
    ("Deliveries confirmed", (events.DELIVERY_CONFIRMED,)),
    ("Attempts that failed", (events.DELIVERY_RETRYING,)),
    ("Deliveries parked", (events.DELIVERY_PARKED,)),
    ("Reports refused", (events.CHANGE_REFUSED,)),
)


@dataclass(frozen=True, slots=True)
class LaneRow:
    """The queue of one lane.

    Attributes:
        lane: ``adapter/NAME`` or ``domain/NAME``.
        counts: How many deliveries are pending, in flight, retrying, parked.
        waiting_since: When the oldest open one was created; None when none is open.
        offline: What is the matter with the target; None when nothing bad was heard.
    """

    lane: str
    counts: tuple[int, int, int, int]
    waiting_since: datetime | None
    offline: LaneStatus | None

    @property
    def depth(self) -> int:
        """How many are open."""
        return sum(self.counts[:3])

    @property
    def parked(self) -> int:
        """How many wait for a person."""
        return self.counts[3]


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole installation at one moment.

    Attributes:
        is_compared: Whether there was a plan to tell sync by.
        mappings: How many there are.
        differing_mappings: How many of the declared or actual ones differ.
        changes: How many changes are in each state.
        objects: Those that need a person first, then in the order of plans.
        rates: What happened in the last hour.
        reconciliation: How the last round of the reconcile loop ended, in whichever process; None when there was none.
        pause: Whether the loop is suspended.
    """

    now: datetime
    is_compared: bool
    objects: tuple[ObjectStatus, ...]
    lanes: tuple[LaneRow, ...]
    mappings: int
    differing_mappings: int
    changes: ReadOnlyMapping[str, int]
    rates: tuple[tuple[str, int], ...]
    reconciliation: Reconciliation | None = None
    pause: Pause | None = None

    @property
    def out_of_sync(self) -> tuple[ObjectStatus, ...]:
        """Objects that are not as declared."""
        return tuple(o for o in self.objects if self.is_compared and o.sync is Sync.OUT_OF_SYNC)

    @property
    def degraded(self) -> tuple[ObjectStatus, ...]:
        """Objects that do not do their work."""
        return tuple(o for o in self.objects if o.health is Health.DEGRADED)

    @property
    def offline(self) -> tuple[LaneRow, ...]:
        """Lanes whose target is away."""
        return tuple(row for row in self.lanes if row.offline is not None)

    @property
    def depth(self) -> int:
        """How many deliveries are open."""
        return sum(row.depth for row in self.lanes)

    @property
    def parked(self) -> int:
        """How many deliveries wait for a person."""
        return sum(row.parked for row in self.lanes)

    @property
    def waiting_since(self) -> datetime | None:
        """When the oldest open delivery was created."""
        return min((row.waiting_since for row in self.lanes if row.waiting_since is not None), default=None)


def read_overview(tx: Transaction, plan: Plan | None) -> Overview:
    """Read all that the overview shows."""
    since = tx.now - HOUR
    counted = tx.events.count_since(since)
    return Overview(
        now=tx.now,
        is_compared=plan is not None,
        objects=tuple(
            sorted(object_statuses(tx, plan).values(), key=lambda o: _is_well(o, is_compared=plan is not None))
        ),
        lanes=tuple(read_lanes(tx)),
        mappings=tx.mappings.count(),
        differing_mappings=0 if plan is None else sum(isinstance(c.subject, Mapping) for c in plan.changes),
        changes=tx.changes.count_by_state(),
        rates=tuple((label, sum(counted.get(type_.name, 0) for type_ in types)) for label, types in _RATES),
        reconciliation=tx.reconciliations.read(),
        pause=tx.reconciliations.pause(),
    )


def read_lanes(tx: Transaction) -> Iterable[LaneRow]:
    """The queues: of every lane that has deliveries, or whose target is offline."""
    counts, oldest = tx.deliveries.count_by_state(), tx.deliveries.oldest_open()
    heard = {lane: status for lane, status in tx.lanes.read().items() if not status.is_online}
    for lane in sorted({lane for lane, _ in counts} | heard.keys()):
        pending, in_flight, retrying, parked = (counts.get((lane, state), 0) for state in STATES_SHOWN)
        yield LaneRow(lane, (pending, in_flight, retrying, parked), oldest.get(lane), heard.get(lane))


def headline(overview: Overview) -> str:
    """The state of everything in one sentence."""
    parts = [
        _some(len(overview.offline), "system offline", "systems offline"),
        _some(overview.parked, "delivery parked", "deliveries parked"),
        _some(len(overview.out_of_sync), "object out of sync", "objects out of sync"),
        _some(overview.differing_mappings, "mapping out of sync", "mappings out of sync"),
        _some(
            len([o for o in overview.degraded if o.conditions[1].reason == "disabledByOperator"]),
            "adapter disabled by an operator",
            "adapters disabled by an operator",
        ),
        "reconcile suspended" if overview.pause is not None else "",
        "newest manifests not used" if overview.reconciliation is not None and overview.reconciliation.problem else "",
    ]
    told = [part for part in parts if part]
    return (", ".join(told) + ".") if told else "All is well: nothing waits for a person."


def _is_well(status: ObjectStatus, *, is_compared: bool) -> bool:
    return status.health is not Health.DEGRADED and not (is_compared and status.sync is Sync.OUT_OF_SYNC)


def _some(count: int, one: str, many: str) -> str:
    return "" if not count else f"{count:,} {one if count == 1 else many}"
