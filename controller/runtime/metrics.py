"""What this process has seen, as Prometheus metrics. Labels are few: no account, caller or tracking ID is ever one."""

import platform
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from controller.model import errors, events
from controller.model.change import Reason
from controller.model.delivery import PARKED_AT_ROUTING
from controller.model.events import CATALOGUE, Event
from controller.reconcile.reconciler import Outcome, ReconcileResult
from controller.runtime.metered import UNFORESEEN

OTHER = "other"
"""Stands for a name that did not come from this program: a target's own words must not become labels."""
ROUND_TRIP = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
JOURNEY = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
_OUTCOMES = {
    events.DELIVERY_CONFIRMED.name: "confirmed",
    events.DELIVERY_RETRYING.name: "retrying",
    events.DELIVERY_PARKED.name: "parked",
}
_SETTLED = frozenset({Outcome.IN_SYNC, Outcome.APPLIED})
Monotonic = Callable[[], float]


def _codes(root: type[errors.PwsyncError]) -> Iterator[str]:
    yield root.code
    for below in root.__subclasses__():
        yield from _codes(below)


def known_code(code: str) -> str:
    """*code*, if it is one that this program gives (or none); else ``other``."""
    return code if not code or code in {UNFORESEEN, *_codes(errors.PwsyncError), *Reason} else OTHER


class Metrics:
    """Counts and measures. No method raises, so that measuring never gets in the way of what is measured.

    Several controllers each tell what they have seen themselves: add those numbers up.
    """

    def __init__(self, monotonic: Monotonic = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self._monotonic = monotonic
        self._leads_until: float = 0
        ProcessCollector(registry=self.registry)
        GCCollector(self.registry)
        self._make_build_info()
        self._make_intake()
        self._make_delivery()
        self._make_reconcile()

    def expose(self) -> bytes:
        """All of it in Prometheus' text format 0.0.4."""
        return generate_latest(self.registry)

    def register(self, collector: Collector) -> None:
        """Expose what *collector* finds as well."""
        self.registry.register(collector)

    def note_event(self, event: Event, at: datetime) -> None:
        """Count an event that was committed at the store's time *at*, and what it tells of an attempt."""
        self._events.labels(event.type.name, event.type.level.value).inc()
        outcome = _OUTCOMES.get(event.type.name)
        code = known_code(str(event.fields.get("code", "")))
        if outcome is None or code in PARKED_AT_ROUTING:
            return
        self._attempts.labels(lane_of(event), outcome, code).inc()
        if outcome == "confirmed":
            self._note_journey(event, at)

    def note_call(self, lane: str, operation: str, code: str, elapsed: float) -> None:
        """Note one call of a lane's connector; *code* is empty when it succeeded."""
        self._call_duration.labels(lane, operation).observe(elapsed)
        self._calls.labels(lane, operation, known_code(code)).inc()

    def note_report(self, direction: str, answer: str) -> None:
        """Note how a report was answered."""
        self._reports.labels(direction, answer).inc()

    def note_request(self, method: str, route: str, status: int, elapsed: float) -> None:
        """Note one request; *route* is the path's template, never the path."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_duration.labels(method, route).observe(elapsed)

    def note_failed_handshake(self, reason: str) -> None:
        """Note that a caller got no connection: its certificate was refused, or it speaks no TLS that we do."""
        self._failed_handshakes.labels(reason).inc()

    def note_lead(self, lead: timedelta | None) -> None:
        """Note that this process leads for so long from now; None: another one does, and tells of its rounds itself."""
        self._leads_until = 0 if lead is None else self._monotonic() + lead.total_seconds()
        if lead is None:
            self._plan_held.set(0)
            self._drifted.set(0)

    def note_interval(self, interval: timedelta) -> None:
        """Note how often the System wants a round."""
        self._interval.set(interval.total_seconds())

    def note_round(self, result: ReconcileResult, elapsed: float) -> None:
        """Note how a round of the reconcile loop ended."""
        self._rounds.labels(result.outcome.value).inc()
        self._round_duration.observe(elapsed)
        if result.outcome in _SETTLED:
            self._settled_at.set_to_current_time()
        self._plan_held.set(result.outcome is Outcome.HELD)
        if result.plan is not None:
            self._drifted.set(len(result.plan.drifted))

    def note_certificate(self, expires_at: datetime) -> None:
        """Note when the certificate that this process serves with expires."""
        expiry = self._gauge("pwsync_tls_certificate_expiry_timestamp_seconds", "When the API's certificate expires.")
        expiry.set(expires_at.timestamp())

    def _note_journey(self, event: Event, at: datetime) -> None:
        for field, histogram in (("occurredAt", self._since_capture), ("receivedAt", self._since_acceptance)):
            text = str(event.fields.get(field, ""))
            if text:
                elapsed = (at - datetime.fromisoformat(text)).total_seconds()
                histogram.labels(lane_of(event)).observe(max(elapsed, 0.0))

    def _make_build_info(self) -> None:
        build = self._gauge("pwsync_build_info", "Version of pwsync and of Python; always 1.", "version", "python")
        build.labels(version("pwsync"), platform.python_version()).set(1)

    def _make_intake(self) -> None:
        self._events = self._counter("pwsync_events", "Events, by name and level.", "name", "level")
        for name, event in CATALOGUE.items():
            self._events.labels(name, event.level.value)  # so that a first error is an increase, not a new series
        self._reports = self._counter(
            "pwsync_reports",
            "Reports of password changes over the API, by how they were answered.",
            "direction",
            "answer",
        )
        self._failed_handshakes = self._counter(
            "pwsync_tls_failed_handshakes",
            "TLS handshakes that failed: the caller's certificate was refused, or something other.",
            "reason",
        )
        for reason in ("certificate", OTHER):
            self._failed_handshakes.labels(reason)
        self._requests = self._counter("pwsync_http_requests", "HTTP requests.", "method", "route", "status")
        self._request_duration = self._histogram(
            "pwsync_http_request_duration_seconds", "How long requests took.", ROUND_TRIP, "method", "route"
        )

    def _make_delivery(self) -> None:
        self._attempts = self._counter(
            "pwsync_delivery_attempts", "Settled attempts, by outcome and code.", "lane", "outcome", "code"
        )
        self._calls = self._counter(
            "pwsync_connector_calls", "Calls of connectors; the code is empty on success.", "lane", "operation", "code"
        )
        self._call_duration = self._histogram(
            "pwsync_connector_call_duration_seconds", "How long connectors took.", ROUND_TRIP, "lane", "operation"
        )
        self._since_capture = self._histogram(
            "pwsync_capture_to_confirmed_seconds",
            "From the change in its own system (occurredAt, where told) to its confirmation by a target.",
            JOURNEY,
            "lane",
        )
        self._since_acceptance = self._histogram(
            "pwsync_acceptance_to_confirmed_seconds",
            "From the acceptance of a change to its confirmation by a target.",
            JOURNEY,
            "lane",
        )

    def _make_reconcile(self) -> None:
        self._rounds = self._counter("pwsync_reconcile_rounds", "Rounds of the reconcile loop.", "outcome")
        for outcome in Outcome:
            self._rounds.labels(outcome.value)
        self._round_duration = Histogram(
            "pwsync_reconcile_duration_seconds",
            "How long rounds of the reconcile loop took.",
            buckets=ROUND_TRIP,
            registry=self.registry,
        )
        self._interval = self._gauge("pwsync_reconcile_interval_seconds", "How often a round is wanted.")
        self._settled_at = self._gauge(
            "pwsync_reconcile_last_success_timestamp_seconds",
            "When a round of this process last ended in sync or applied; 0: never.",
        )
        self._plan_held = self._gauge("pwsync_plan_held", "1 while the leader's plan is held back for a person.")
        self._drifted = self._gauge("pwsync_drifted_objects", "Objects and mappings altered outside of apply.")
        leader = self._gauge("pwsync_leader", "1 while this process holds the lease of the reconcile loop.")
        leader.set_function(lambda: float(self._monotonic() < self._leads_until))

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(name, words, labels, registry=self.registry)

    def _histogram(self, name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, words, labels, buckets=buckets, registry=self.registry)


def lane_of(event: Event) -> str:
    """The lane of the delivery that an event is about: of its adapter, else of its Windows account's domain."""
    return f"adapter/{event.adapter}" if event.adapter else f"domain/{event.account.partition(chr(92))[0]}"
