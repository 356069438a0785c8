"""``pwsync status``: whether the actual state is as declared, and whether every object does its work."""

from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.installation import DEFAULT_MANIFESTS, Paths, chosen_manifests, chosen_settings, local_principal
from controller.cli.output import Report, show, show_json, show_table
from controller.cli.views import delivery_view, lane_view, short_instant

if TYPE_CHECKING:
    from controller.model.delivery import Delivery
    from controller.planning.plan import Plan
    from controller.ports.lanes import LaneStatus
    from controller.ports.store import Store
    from controller.ports.tokens import Token
    from controller.reconcile.status import ObjectStatus

PARKED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Picture:
    """What status shows.

    Attributes:
        plan: What differs from the manifests; None when none were given, so that nobody knows.
        deliveries: How many each (lane, state) has.
        offline: Lanes whose target is away, or does not accept us.
        kept: Changes accepted while the store was away that are not in it yet.
        set_aside: Replay files that a person must look at.
        unnamed: Tokens that open nothing: no object names their principal.
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


def status(
    context: typer.Context,
    paths: Paths = None,
    output: Annotated[Report, typer.Option("--output", "-o", help="The form of the result.")] = Report.TEXT,
) -> None:
    """Show sync, health and the queue.

    Each object is Synced or OutOfSync (with manifests), and Healthy, Progressing or Degraded.

    Without PATH and without a folder 'manifests' there is nothing to compare with: only health is shown.

    JSON: sync (Synced, OutOfSync or null), objects (kind, name, sync, health, conditions), mappings (count, differing),
    changes (count by state), deliveries (lane, state, count), offline (targets that are away or do not accept us:
    lane, since, code, message), parked (deliveries that wait for a person),
    replay (waiting: changes kept while the database was away; setAside: files that a person must look at),
    unnamedTokens (valid tokens whose principal no object names: id, principal).
    """
    from controller.runtime.reading import name_store, open_for_reading

    settings = chosen_settings(context)
    with open_for_reading(settings) as store:
        picture = _look(store, _plan(store, paths), settings.replay_dir)
    if output is Report.JSON:
        show_json(_view(picture))
    elif picture.objects:
        _show(picture)
    else:
        show(f"Nothing has been applied yet to {name_store(settings)}.")


def _plan(store: "Store", paths: list[str] | None) -> "Plan | None":
    from controller.runtime.reading import make_reconciler

    if not paths and not Path(DEFAULT_MANIFESTS).exists():
        return None
    manifests = chosen_manifests(paths)
    return make_reconciler(store, manifests.paths, stdin=manifests.stdin, principal=local_principal()).plan()


def _look(store: "Store", plan: "Plan | None", replay_dir: Path) -> Picture:
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
        )


def _differing_mappings(plan: "Plan") -> int:
    from controller.model.topology import Mapping

    return sum(isinstance(change.subject, Mapping) for change in (*plan.changes, *plan.left_out))


def _view(picture: Picture) -> dict[str, Any]:
    plan = picture.plan
    differing = None if plan is None else _differing_mappings(plan)
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
    }


def status_view(status: "ObjectStatus", *, is_compared: bool) -> dict[str, Any]:
    """kind, name, sync (null when there was nothing to compare with), health, conditions."""
    conditions = [c for c in status.conditions if is_compared or c.type != "Synced"]
    return {
        "kind": status.key.kind.value,
        "name": status.key.name,
        "sync": status.sync.value if is_compared else None,
        "health": status.health.value,
        "conditions": [
            {"type": c.type, "status": c.is_true, "reason": c.reason, "message": c.message} for c in conditions
        ],
    }


def _show(picture: Picture) -> None:
    is_compared = picture.plan is not None
    show_table(
        ("OBJECT", "SYNC", "HEALTH", "MESSAGE"),
        ((str(o.key), o.sync.value if is_compared else "?", o.health.value, _message(o)) for o in picture.objects),
    )
    show("")
    for line in _lines(picture):
        show(line)


def _message(status: "ObjectStatus") -> str:
    return "; ".join(c.message for c in status.conditions if c.message)


def _lines(picture: Picture) -> list[str]:
    lines = [_mappings_line(picture), f"Changes: {_counted(picture.changes)}"]
    by_lane: dict[str, dict[str, int]] = {}
    for (lane, state), count in sorted(picture.deliveries.items()):
        by_lane.setdefault(lane, {})[str(state)] = count
    lines += [f"Deliveries to {lane}: {_counted(counts)}" for lane, counts in by_lane.items()]
    if picture.plan is None:
        lines.append("Compared with nothing: name the manifests to see what is out of sync.")
    else:
        lines += [f"Held: {hold.message} ({hold.hint})" for hold in picture.plan.holds]
    lines += [f"Offline: {o.lane} since {short_instant(o.since)}: {o.code}: {o.message}" for o in picture.offline]
    if picture.kept:
        lines.append(f"Changes accepted while the database was away, not taken over yet: {picture.kept:,}")
    lines += [f"Replay file set aside: {name} (see 'pwsync get events')" for name in picture.set_aside]
    lines += [f"Token {t.id} opens nothing: no manifest names its principal {t.principal}" for t in picture.unnamed]
    lines += [f"Parked: {d.account} of change {d.tracking_id}: {d.message or d.code}" for d in picture.parked]
    return lines


def _mappings_line(picture: Picture) -> str:
    differing = 0 if picture.plan is None else _differing_mappings(picture.plan)
    return f"Mappings: {picture.mappings:,}" + (
        f", {differing:,} of the declared or actual ones differ" if differing else ""
    )


def _counted(counts: ReadOnlyMapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()) if count) or "none"
