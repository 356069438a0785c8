"""The status of an installation: whether it is as declared, whether every object does its work, what waits."""

from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.views.records import delivery_view, instant, lane_view

if TYPE_CHECKING:
    from pathlib import Path

    from controller.model.delivery import Delivery
    from controller.planning.plan import Plan
    from controller.ports.lanes import LaneStatus
    from controller.ports.manifests import Pause, Reconciliation
    from controller.ports.store import Store
    from controller.ports.tokens import Token
    from controller.reconcile.status import ObjectStatus

PARKED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Picture:
    """What a status shows.

    Attributes:
        plan: What differs from the manifests; None when none were given, so that nobody knows.
        deliveries: How many each (lane, state) has.
        offline: Lanes whose target is away, or does not accept us.
        kept: Changes accepted while the store was away that are not in it yet.
        set_aside: Replay files that a person must look at.
        unnamed: Tokens that open nothing: no object names their principal.
        reconciliation: How the last round of the reconcile loop ended; None when there never was one.
        pause: Whether the loop is suspended.
    """

    plan: "Plan | None"
    objects: "tuple[ObjectStatus, ...]"
    mappings: int
    changes: ReadOnlyMapping[str, int]
    deliveries: ReadOnlyMapping[tuple[str, str], int]
    parked: "tuple[Delivery, ...]"
    offline: "tuple[LaneStatus, ...]" = ()
    kept: int = 0
    set_aside: tuple[str, ...] = ()
    unnamed: "tuple[Token, ...]" = ()
    reconciliation: "Reconciliation | None" = None
    pause: "Pause | None" = None


def read_picture(store: "Store", plan: "Plan | None", replay_dir: "Path") -> Picture:
    """Look at everything in one transaction, and at the folder of replay files."""
    from controller.model.delivery import DeliveryState
    from controller.ports.deliveries import DeliveryQuery
    from controller.reconcile.picture import object_statuses
    from controller.reconcile.unnamed_tokens import unnamed_tokens
    from controller.replay.waiting import look

    waiting = look(replay_dir)
    with store.read() as tx:
        return Picture(
            plan=plan,
            objects=tuple(object_statuses(tx, plan).values()),
            mappings=tx.mappings.count(),
            changes=tx.changes.count_by_state(),
            deliveries=tx.deliveries.count_by_state(),
            parked=tuple(tx.deliveries.find(DeliveryQuery(state=DeliveryState.PARKED, limit=PARKED_SHOWN))),
            offline=tuple(lane for _, lane in sorted(tx.lanes.read().items()) if not lane.is_online),
            kept=waiting.changes,
            set_aside=waiting.set_aside,
            unnamed=tuple(unnamed_tokens([r.spec for r in tx.resources.read().values()], tx.tokens.all(), tx.now)),
            reconciliation=tx.reconciliations.read(),
            pause=tx.reconciliations.pause(),
        )


def differing_mappings(plan: "Plan") -> int:
    """How many of the declared or actual mappings differ."""
    from controller.model.topology import Mapping

    return sum(isinstance(change.subject, Mapping) for change in (*plan.changes, *plan.left_out))


def picture_view(picture: Picture) -> dict[str, Any]:
    """sync, objects, mappings, changes, deliveries, offline, parked, replay, unnamedTokens, reconcile."""
    plan = picture.plan
    differing = None if plan is None else differing_mappings(plan)
    is_synced = plan is not None and not (plan.changes or plan.left_out)
    return {
        "sync": None if plan is None else "Synced" if is_synced else "OutOfSync",
        "objects": [status_view(o, is_compared=plan is not None) for o in picture.objects],
        "mappings": {"count": picture.mappings, "differing": differing},
        "changes": dict(sorted(picture.changes.items())),
        "deliveries": [
            {"lane": lane, "state": str(state), "count": count}
            for (lane, state), count in sorted(picture.deliveries.items())
        ],
        "offline": [lane_view(lane) for lane in picture.offline],
        "parked": [delivery_view(delivery) for delivery in picture.parked],
        "replay": {"waiting": picture.kept, "setAside": list(picture.set_aside)},
        "unnamedTokens": [{"id": token.id, "principal": token.principal} for token in picture.unnamed],
        "reconcile": reconcile_view(picture.reconciliation, picture.pause),
    }


def reconcile_view(last: "Reconciliation | None", pause: "Pause | None") -> dict[str, Any]:
    """Suspended (null, or principal, since, reason), lastRound (null, or at, outcome, message, manifests, ...)."""
    return {
        "suspended": None
        if pause is None
        else {"principal": pause.principal, "since": instant(pause.since), "reason": pause.reason},
        "lastRound": None
        if last is None
        else {
            "at": instant(last.at),
            "outcome": last.outcome,
            "message": last.message,
            "manifests": last.manifests,
            "attemptedRevision": last.attempted,
            "appliedRevision": last.applied,
            "appliedAt": instant(last.applied_at),
            "refusedRevision": last.refused,
            "problem": last.problem,
            "problemSince": instant(last.problem_since),
        },
    }


def status_view(status: "ObjectStatus", *, is_compared: bool) -> dict[str, Any]:
    """kind, name, sync (null when there was nothing to compare with), health, conditions, ...

    observedGeneration and revision are of the object as it is in the store; null and empty when it is not there yet.
    """
    conditions = [c for c in status.conditions if is_compared or c.type != "Synced"]
    return {
        "kind": status.key.kind.value,
        "name": status.key.name,
        "sync": status.sync.value if is_compared else None,
        "health": status.health.value,
        "conditions": [
            {"type": c.type, "status": c.is_true, "reason": c.reason, "message": c.message} for c in conditions
        ],
        "observedGeneration": status.generation,
        "revision": status.revision,
    }
