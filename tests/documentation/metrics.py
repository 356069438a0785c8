"""The page of metrics, made from what a controller tells."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.model import events
from controller.model.accounts import ExternalAccount
from controller.model.events import Event
from controller.model.verification import Verification
from controller.ports.lanes import LaneStatus
from controller.reconcile.reconciler import Outcome, ReconcileResult
from controller.runtime.metrics import Metrics
from controller.runtime.queue_metrics import QueueMetrics
from controller.store.opening import open_store
from tests.contracts.store.examples import LANE, delivery

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

INTRODUCTION = """\
# Metrics

{note}

`/metrics` answers in Prometheus' text format, in two places:

- on the address of the API, to administrators (`spec.administrators` of the System), with their token;
- with `pwsync run --metrics-listen HOST:PORT` on an address of its own, to whoever reaches it. There is nothing else
  there, so that a scraper needs no right to anything else. Beyond this machine it speaks TLS, with the certificate of
  the API; without one it is refused, unless `--allow-clear-text` is given. Keep others out with the network.

The second also answers while the database is away. No password, account, caller or tracking ID is ever told; names of
adapters, domains and routes are. Codes are those of [events](events.md); a target's own ones are told as `other`.

Numbers of the queue come from the database, read at most every 15 seconds, and all controllers on one database tell
the same: take their maximum. All others are what one process has seen since it was started: add them up.

Ready rules and a dashboard: [monitoring](../../examples/monitoring/README.md). `process_*` and `python_gc_*` are those
of every Python program.

| metric | type | labels | what |
|---|---|---|---|
"""


def metrics_page(note: str) -> str:
    """Every metric of our own with its type, labels and meaning."""
    rows = [f"| `{name}` | {kind} | {labels} | {words} |" for name, kind, labels, words in sorted(_told())]
    return INTRODUCTION.format(note=note) + "\n".join(rows) + "\n"


def names() -> set[str]:
    """Names of all series of our own, as a query would write them."""
    suffixes = {"histogram": ("_bucket", "_sum", "_count")}
    return {f"{name}{suffix}" for name, kind, _, _ in _told() for suffix in suffixes.get(kind, ("",))}


def labels() -> dict[str, set[str]]:
    """Labels of every metric of our own, by its name."""
    return {name: set(re.findall(r"`(\w+)`", told)) for name, _, told, _ in _told()}


def _told() -> Iterator[tuple[str, str, str, str]]:
    """Name, type, labels and meaning of every metric of our own."""
    with tempfile.TemporaryDirectory() as folder:
        told = list(_busy(Path(folder)).registry.collect())
    for family in told:
        if family.name.startswith("pwsync_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = dict.fromkeys(label for s in family.samples for label in s.labels if label != "le")
            yield name, family.type, ", ".join(f"`{label}`" for label in labels), family.documentation


def _busy(folder: Path) -> Metrics:
    """Metrics that have seen one of everything."""
    metrics = Metrics()
    times = {"occurredAt": AT.isoformat(), "receivedAt": AT.isoformat()}
    metrics.note_event(Event(events.DELIVERY_CONFIRMED, "t-1", "racf", "ALICE1", {"id": "", **times}), AT)
    metrics.note_call(LANE, "setPassword", "", 0.1)
    metrics.note_report("windows", "accepted")
    metrics.note_request("GET", "/healthz", 200, 0.1)
    metrics.note_lead(timedelta(minutes=7))
    metrics.note_interval(timedelta(minutes=5))
    metrics.note_round(ReconcileResult(Outcome.IN_SYNC), 0.1)
    metrics.note_certificate(AT)
    with closing(open_store(f"sqlite:///{folder / 'pwsync.db'}")) as store:
        with store.write() as tx:
            tx.deliveries.add(delivery("d-1"))
            tx.verifications.put(ExternalAccount("racf", "ALICE1"), Verification(AT, AT))
            tx.lanes.put(LaneStatus(LANE, is_online=False, since=AT, code="unavailable"))
        queue = QueueMetrics(store, folder / "replay")
        queue.refresh()
    metrics.register(queue)
    return metrics
