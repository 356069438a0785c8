"""``pwsync describe``: everything about one object, or about one change."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.installation import DEFAULT_MANIFESTS, chosen_manifests, chosen_settings, reading_of
from controller.cli.listing import Filters
from controller.cli.object_rows import mapping_sets, resources
from controller.cli.output import Report, short_instant, show, show_json
from controller.cli.queue_rows import fields_text
from controller.cli.timeline import show_timeline, timeline_view
from controller.model.errors import InvalidInput
from controller.runtime.actors import local_actor
from controller.views.kinds import RESOURCE_KINDS, Word, word_of
from controller.views.objects import find_mapping, resource_status
from controller.views.records import event_view, instant
from controller.views.status import status_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.model.events import RecordedEvent
    from controller.model.topology import Mapping
    from controller.planning.plan import Plan
    from controller.ports.store import Store, Transaction
    from controller.runtime.settings import Settings

EVENTS_SHOWN = 20


def describe(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="The kind: system, domain, adapter, application, mapping, change, ...")],
    name: Annotated[
        str,
        typer.Argument(help=r"Its name; of a mapping APPLICATION/DOMAIN\user[/EXTERNAL], of a change its tracking ID."),
    ],
    manifests: Annotated[
        list[str] | None, typer.Option("--manifests", metavar="PATH", help="Compare with these [manifests].")
    ] = None,
    output: Annotated[Report, typer.Option("--output", "-o", help="The form of the result.")] = Report.TEXT,
) -> None:
    """Show all about one object.

    Its generation, drift, conditions and recent events; of a change what became of it.

    JSON of an object: manifest (as applied), status (generation, updatedAt, hasDrifted, revision, sync, health,
    conditions, observedGeneration), events. JSON of a change: the change with its deliveries, and events, oldest first.
    """
    from controller.runtime.reading import open_for_reading

    word = word_of(kind)
    settings = chosen_settings(context)
    with open_for_reading(settings) as store:
        if word in {Word.CHANGES, Word.DELIVERIES, Word.EVENTS}:
            _describe_change(store, name, output)
        else:
            plan = _plan(store, manifests, settings)
            _describe_object(store, word, name, plan, output)


def _describe_change(store: "Store", tracking_id: str, output: Report) -> None:
    from controller.pipeline.timeline import find_timeline

    with store.read() as tx:
        timeline = find_timeline(tx, tracking_id)
    if output is Report.JSON:
        show_json(timeline_view(timeline))
    else:
        show_timeline(timeline)


def _describe_object(store: "Store", word: Word, name: str, plan: "Plan | None", output: Report) -> None:
    with store.read() as tx:
        view = _object_view(tx, word, name, plan)
        events = _events(tx, word, name)
    if output is Report.JSON:
        show_json(view | {"events": [event_view(event) for event in events]})
    else:
        _show(word, name, view, events)


def _plan(store: "Store", paths: list[str] | None, settings: "Settings") -> "Plan | None":
    from controller.runtime.reading import make_reconciler

    if not paths and not Path(DEFAULT_MANIFESTS).exists():
        return None
    return make_reconciler(store, reading_of(chosen_manifests(paths), settings), by=local_actor()).plan()


def _object_view(tx: "Transaction", word: Word, name: str, plan: "Plan | None") -> dict[str, Any]:
    if word is Word.MAPPINGS:
        return _mapping_view(tx, find_mapping(tx, name), plan)
    if word is Word.MAPPING_SETS:
        return {"manifest": next(iter(mapping_sets(tx, Filters(name=name)).documents())), "status": {}}
    if word not in RESOURCE_KINDS:
        raise InvalidInput(f"{word.value} cannot be described", hint="name an object or a change")
    return {
        "manifest": next(iter(resources(tx, word, Filters(name=name)).documents())),
        "status": _resource_status(tx, word, name, plan),
    }


def _resource_status(tx: "Transaction", word: Word, name: str, plan: "Plan | None") -> dict[str, Any]:
    from controller.model.topology import Key, Kind
    from controller.reconcile.picture import object_statuses

    key = Key(Kind(RESOURCE_KINDS[word]), name)
    view = status_view(object_statuses(tx, plan)[key], is_compared=plan is not None)
    kept = {field: view[field] for field in ("sync", "health", "conditions", "observedGeneration")}
    return resource_status(tx, tx.resources.read()[key]) | kept


def _mapping_view(tx: "Transaction", mapping: "Mapping", plan: "Plan | None") -> dict[str, Any]:
    from controller.manifests.export import export_mapping
    from controller.pipeline.administration import expiry_of
    from controller.planning.change import Create

    sync = None
    if plan is not None:
        differences = (c for c in (*plan.changes, *plan.left_out) if not isinstance(c, Create))
        sync = "OutOfSync" if any(c.before == mapping for c in differences) else "Synced"
    expired_at = instant(expiry_of(tx.credentials.external(mapping.application, mapping.external)))
    return {"manifest": export_mapping(mapping), "status": {"sync": sync, "expiredAt": expired_at}}


def _events(tx: "Transaction", word: Word, name: str) -> "list[RecordedEvent]":
    from controller.ports.events import EventQuery

    match word:
        case Word.ADAPTERS:
            return tx.events.find(EventQuery(adapter=name, limit=EVENTS_SHOWN))
        case Word.MAPPINGS:
            mapping = find_mapping(tx, name)
            return _newest(tx, (str(mapping.windows), mapping.external))
        case _:
            return []


def _newest(tx: "Transaction", accounts: "Sequence[str]") -> "list[RecordedEvent]":
    from controller.ports.events import EventQuery

    found = {e.sequence: e for a in accounts for e in tx.events.find(EventQuery(account=a, limit=EVENTS_SHOWN))}
    return [found[sequence] for sequence in sorted(found, reverse=True)[:EVENTS_SHOWN]]


def _show(word: Word, name: str, view: dict[str, Any], events: "list[RecordedEvent]") -> None:
    from controller.manifests.export import dump_yaml

    show(f"{view['manifest']['kind']} {name}")
    for label, value in _status_lines(view["status"]):
        show(f"  {label + ':':13}{value}")
    show("\nAs applied:")
    show("".join(f"  {line}\n" for line in dump_yaml([view["manifest"]]).splitlines()[1:]), end="")
    if word in {Word.ADAPTERS, Word.MAPPINGS}:
        show(f"\nRecent events:{'' if events else ' none'}")
    for event in reversed(events):
        show(f"  {short_instant(event.at)}  {event.name}  {event.account}  {fields_text(event)}".rstrip())


def _status_lines(status: dict[str, Any]) -> list[tuple[str, str]]:
    lines = []
    if "generation" in status:
        drift = "yes: altered by something other than apply" if status["hasDrifted"] else "no"
        lines += [("Generation", str(status["generation"])), ("Updated", status["updatedAt"]), ("Drift", drift)]
        lines += [("Revision", status["revision"])] if status["revision"] else []
    if "sync" in status:
        lines.append(("Sync", status["sync"] or "unknown: name the manifests with --manifests"))
    if status.get("expiredAt") is not None:
        lines.append(("Expired", f"yes, as heard on {status['expiredAt']}"))
    if "health" in status:
        lines.append(("Health", status["health"]))
    for condition in status.get("conditions", ()):
        if condition["type"] == "Ready":
            lines.append(("Ready", "yes" if condition["status"] else f"no: {condition['reason']}"))
        elif condition["message"] and condition["type"] != "Drifted":
            lines.append((condition["type"], f"{condition['reason']}: {condition['message']}"))
    return lines
