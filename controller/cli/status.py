"""``pwsync status``: whether the actual state is as declared, and whether every object does its work."""

from collections.abc import Mapping as ReadOnlyMapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.installation import DEFAULT_MANIFESTS, Paths, chosen_manifests, chosen_settings, reading_of
from controller.cli.output import Report, short_instant, show, show_json, show_table
from controller.runtime.actors import local_actor
from controller.views.status import Picture, differing_mappings, picture_view, read_picture

if TYPE_CHECKING:
    from controller.planning.plan import Plan
    from controller.ports.store import Store
    from controller.runtime.settings import Settings


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
    unnamedTokens (valid tokens whose principal no object names: id, principal), reconcile (suspended: principal, since,
    reason; lastRound: at, outcome, message, manifests, attemptedRevision, appliedRevision, appliedAt, refusedRevision,
    problem, problemSince).
    """
    from controller.runtime.reading import name_store, open_for_reading

    settings = chosen_settings(context)
    with open_for_reading(settings) as store:
        picture = read_picture(store, _plan(store, paths, settings), settings.replay_dir)
    if output is Report.JSON:
        show_json(picture_view(picture))
        return
    if picture.objects:
        _show(picture)
    if all(o.generation is None for o in picture.objects):
        show(f"Nothing has been applied yet to {name_store(settings)}.")


def _plan(store: "Store", paths: list[str] | None, settings: "Settings") -> "Plan | None":
    from controller.runtime.reading import make_reconciler

    if not paths and not Path(DEFAULT_MANIFESTS).exists():
        return None
    return make_reconciler(store, reading_of(chosen_manifests(paths), settings), by=local_actor()).plan()


def _show(picture: Picture) -> None:
    is_compared = picture.plan is not None
    show_table(
        ("OBJECT", "SYNC", "HEALTH", "MESSAGE"),
        ((str(o.key), o.sync.value if is_compared else "?", o.health.value, o.message) for o in picture.objects),
    )
    show("")
    for line in _lines(picture):
        show(line)


def _lines(picture: Picture) -> list[str]:
    lines = [*_reconcile_lines(picture), _mappings_line(picture), f"Changes: {_counted(picture.changes)}"]
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


def _reconcile_lines(picture: Picture) -> list[str]:
    last, lines = picture.reconciliation, []
    if last is not None and last.applied_at is not None:
        manifests = f" of {last.manifests}" if last.manifests else ""
        lines.append(f"In force: {last.applied}{manifests}, applied {short_instant(last.applied_at)}")
    if last is not None and last.problem and last.problem_since is not None:
        refused = f"{last.refused} " if last.refused else ""
        lines.append(f"Newest manifests not used: {refused}since {short_instant(last.problem_since)}: {last.problem}")
    if last is not None and last.message and last.message != last.problem:
        lines.append(f"Last round: {last.outcome} at {short_instant(last.at)}: {last.message}")
    if picture.pause is not None:
        because = f": {picture.pause.reason}" if picture.pause.reason else ""
        since = short_instant(picture.pause.since)
        lines.append(f"Suspended by {picture.pause.principal} since {since}{because} ('pwsync reconcile resume')")
    return lines


def _mappings_line(picture: Picture) -> str:
    differing = 0 if picture.plan is None else differing_mappings(picture.plan)
    return f"Mappings: {picture.mappings:,}" + (
        f", {differing:,} of the declared or actual ones differ" if differing else ""
    )


def _counted(counts: ReadOnlyMapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()) if count) or "none"
