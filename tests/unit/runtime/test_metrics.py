"""What a controller counts and measures."""

import platform
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.model import events
from controller.model.accounts import WindowsAccount
from controller.model.errors import Busy, StoreUnavailable, Unavailable
from controller.model.events import Event
from controller.model.secret import Secret
from controller.pipeline.intake import Caller, Report
from controller.ports.lanes import LaneStatus
from controller.reconcile.reconciler import Outcome, ReconcileResult
from controller.runtime.drain import Drain
from controller.runtime.event_log import LoggingStore
from controller.runtime.metered import MeteredConnector
from controller.runtime.metrics import Metrics, known_code, lane_of
from controller.runtime.queue_metrics import KEPT_FOR, OUTDATED, QueueMetrics
from controller.runtime.wiring import Installation
from tests.doubles.memory import MemoryConnector, MemoryDirectory
from tests.doubles.scraping import Scrape

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RACF = {"lane": "adapter/racf"}
MEMORY = {"lane": "adapter/memory"}
ATTEMPT = {"id": "d-1", "code": "busy", "directoryCode": "", "message": "not now", "attempts": 1}


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(clock)


@pytest.fixture
def measured(installation: Installation, metrics: Metrics) -> Installation:
    """The installation, measured."""
    return replace(installation, store=LoggingStore(installation.store, metrics.note_event), metrics=metrics)


def scrape(metrics: Metrics) -> Scrape:
    return Scrape(metrics.expose().decode())


def report(installation: Installation, user: str) -> str:
    account = WindowsAccount("CORP", user)
    return installation.intake.accept(Report(account, Secret("New-1")), Caller("test", is_local=True))


def work_off(installation: Installation) -> None:
    drain = Drain(installation)
    drain.work_off()
    drain.close()


def test_every_kind_of_event_is_there_from_the_beginning(metrics: Metrics) -> None:
    page = scrape(metrics)
    told = {name: page.value("pwsync_events_total", name=name, level=e.level) for name, e in events.CATALOGUE.items()}
    assert told == dict.fromkeys(events.CATALOGUE, 0.0)
    assert page.value("pwsync_build_info", version="0.1.0", python=platform.python_version()) == 1
    assert "process_resident_memory_bytes" in page.names()


def test_a_delivery_is_counted_and_its_journey_measured(measured: Installation, metrics: Metrics) -> None:
    report(measured, "user0")
    work_off(measured)
    page = scrape(metrics)
    assert page.value("pwsync_delivery_attempts_total", outcome="confirmed", code="", **MEMORY) == 1
    assert page.value("pwsync_acceptance_to_confirmed_seconds_count", **MEMORY) == 1
    assert page.value("pwsync_capture_to_confirmed_seconds_count", **MEMORY) is None, "the source told no time"
    assert page.value("pwsync_connector_calls_total", operation="setPassword", code="", **MEMORY) == 1
    assert page.value("pwsync_connector_call_duration_seconds_count", operation="setPassword", **MEMORY) == 1
    assert page.value("pwsync_events_total", name="deliveryConfirmed", level="info") == 1


def test_a_refusal_is_counted_by_its_code(measured: Installation, metrics: Metrics, directory: MemoryDirectory) -> None:
    report(measured, "user0")
    directory.fail_next(Busy("not now"))
    work_off(measured)
    page = scrape(metrics)
    assert page.value("pwsync_delivery_attempts_total", outcome="retrying", code="busy", **MEMORY) == 1
    assert page.value("pwsync_connector_calls_total", operation="setPassword", code="busy", **MEMORY) == 1


def test_time_counts_from_the_source_s_own_time_where_it_tells_one(metrics: Metrics) -> None:
    times = {"occurredAt": (AT - timedelta(seconds=40)).isoformat(), "receivedAt": AT.isoformat()}
    fields = {"id": "d-1", "attempts": 1, **times}
    metrics.note_event(Event(events.DELIVERY_CONFIRMED, "t-1", "racf", "ALICE1", fields), AT + timedelta(seconds=2))
    page = scrape(metrics)
    assert page.value("pwsync_capture_to_confirmed_seconds_sum", **RACF) == 42
    assert page.value("pwsync_acceptance_to_confirmed_seconds_sum", **RACF) == 2


def test_a_clock_that_was_set_back_measures_nothing_negative(metrics: Metrics) -> None:
    fields = {"id": "d-1", "attempts": 1, "occurredAt": "", "receivedAt": AT.isoformat()}
    metrics.note_event(Event(events.DELIVERY_CONFIRMED, "t-1", "racf", "ALICE1", fields), AT - timedelta(hours=1))
    assert scrape(metrics).value("pwsync_acceptance_to_confirmed_seconds_sum", **RACF) == 0


def test_neither_a_target_s_words_nor_accounts_nor_tracking_ids_become_labels(metrics: Metrics) -> None:
    for number in range(20):
        fields = {**ATTEMPT, "code": f"R{number:06}"}
        metrics.note_event(Event(events.DELIVERY_PARKED, f"t-{number}", "racf", f"ALICE{number}", fields), AT)
    page = scrape(metrics)
    assert page.value("pwsync_delivery_attempts_total", outcome="parked", code="other", **RACF) == 20
    assert not any(value.startswith(("t-", "ALICE", "R0")) for value in page.label_values())


def test_what_is_parked_at_routing_was_no_attempt(metrics: Metrics) -> None:
    fields = {**ATTEMPT, "code": "filterUnusable", "attempts": 0}
    metrics.note_event(Event(events.DELIVERY_PARKED, "t-1", "racf", "ALICE1", fields), AT)
    assert "pwsync_delivery_attempts_total" not in scrape(metrics).names()


def test_the_lane_of_a_windows_account_is_its_domain() -> None:
    assert lane_of(Event(events.DELIVERY_CONFIRMED, "t-1", "", "CORP\\alice")) == "domain/CORP"


@pytest.mark.parametrize(("code", "told"), [("", ""), ("busy", "busy"), ("noMapping", "noMapping"), ("0x80", "other")])
def test_only_codes_of_this_program_are_told(code: str, told: str) -> None:
    assert known_code(code) == told


def test_a_call_that_fails_unforeseen_is_counted_and_raises_as_before(metrics: Metrics) -> None:
    class Broken(MemoryConnector):
        def check(self) -> None:
            raise LookupError

    connector = MeteredConnector(Broken(MemoryDirectory()), "adapter/racf", metrics)
    with pytest.raises(LookupError):
        connector.check()
    page = scrape(metrics)
    assert page.value("pwsync_connector_calls_total", operation="check", code="internal", **RACF) == 1


def test_a_measured_connector_answers_as_the_one_behind_it(metrics: Metrics) -> None:
    directory = MemoryDirectory(accounts={"alice": "old"})
    behind = MemoryConnector(directory)
    connector = MeteredConnector(behind, "adapter/racf", metrics)
    assert connector.capabilities == behind.capabilities
    connector.change_password("alice", Secret("old"), Secret("new"))
    assert connector.verify_password("alice", Secret("new"))
    connector.check()
    assert connector.policy() is None
    with directory.down(), pytest.raises(Unavailable):
        connector.set_password("alice", Secret("newer"))
    connector.close()
    assert behind.closed == 1
    page = scrape(metrics)
    for operation in ("changePassword", "verifyPassword", "check", "policy"):
        assert page.value("pwsync_connector_calls_total", operation=operation, code="", **RACF) == 1
    assert page.value("pwsync_connector_calls_total", operation="setPassword", code="unavailable", **RACF) == 1


def test_a_lead_lasts_as_long_as_its_lease(metrics: Metrics, clock: Clock) -> None:
    assert scrape(metrics).value("pwsync_leader") == 0
    metrics.note_lead(timedelta(minutes=7))
    assert scrape(metrics).value("pwsync_leader") == 1
    clock.now += 7 * 60
    assert scrape(metrics).value("pwsync_leader") == 0


def test_rounds_are_counted_by_their_outcome_and_a_hold_ends_with_the_next_one(metrics: Metrics) -> None:
    metrics.note_interval(timedelta(minutes=5))
    metrics.note_round(ReconcileResult(Outcome.HELD), 0.5)
    held = scrape(metrics)
    metrics.note_round(ReconcileResult(Outcome.IN_SYNC), 0.25)
    settled = scrape(metrics)
    assert (held.value("pwsync_plan_held"), settled.value("pwsync_plan_held")) == (1, 0)
    assert held.value("pwsync_reconcile_last_success_timestamp_seconds") == 0
    assert (settled.value("pwsync_reconcile_last_success_timestamp_seconds") or 0) > 0
    assert settled.value("pwsync_reconcile_rounds_total", outcome="held") == 1
    assert settled.value("pwsync_reconcile_rounds_total", outcome="failed") == 0
    assert settled.value("pwsync_reconcile_duration_seconds_sum") == 0.75
    assert settled.value("pwsync_reconcile_interval_seconds") == 300


def test_who_does_not_lead_tells_of_no_held_plan(metrics: Metrics) -> None:
    metrics.note_lead(timedelta(minutes=7))
    metrics.note_round(ReconcileResult(Outcome.HELD), 0.5)
    metrics.note_lead(None)
    page = scrape(metrics)
    assert (page.value("pwsync_plan_held"), page.value("pwsync_leader")) == (0, 0)


@pytest.fixture
def queue(installation: Installation, metrics: Metrics, tmp_path: Path, clock: Clock) -> QueueMetrics:
    made = QueueMetrics(installation.store, tmp_path / "replay", clock)
    metrics.register(made)
    return made


def test_the_queue_is_told_by_lane_and_state(installation: Installation, metrics: Metrics, queue: QueueMetrics) -> None:
    for user in ("user0", "user1"):
        report(installation, user)
    while installation.router.route_next():
        pass
    queue.refresh()
    page = scrape(metrics)
    assert page.value("pwsync_deliveries", state="pending", **MEMORY) == 2
    assert (page.value("pwsync_oldest_waiting_delivery_age_seconds", **MEMORY) or 0) > 0
    assert page.value("pwsync_store_up") == 1


def test_a_lane_whose_queue_is_empty_has_nothing_that_waits(
    installation: Installation, metrics: Metrics, queue: QueueMetrics
) -> None:
    report(installation, "user0")
    work_off(installation)
    queue.refresh()
    page = scrape(metrics)
    assert page.value("pwsync_deliveries", state="confirmed", **MEMORY) == 1
    assert page.value("pwsync_oldest_waiting_delivery_age_seconds", **MEMORY) == 0


def test_offline_lanes_are_told_with_the_reason(
    installation: Installation, metrics: Metrics, queue: QueueMetrics
) -> None:
    with installation.store.write() as tx:
        tx.lanes.put(LaneStatus("adapter/memory", is_online=False, since=AT, code="channelRefused"))
        tx.lanes.put(LaneStatus("domain/CORP", is_online=True, since=AT))
        tx.lanes.put(LaneStatus("adapter/racf", is_online=False, since=AT, code="R004128 of the target"))
    queue.refresh()
    page = scrape(metrics)
    assert page.value("pwsync_lane_online", **MEMORY) == 0
    assert page.value("pwsync_lane_online", lane="domain/CORP") == 1
    assert page.value("pwsync_lane_problem", code="channelRefused", **MEMORY) == 1
    assert page.value("pwsync_lane_problem", code="other", **RACF) == 1


def test_the_store_is_asked_once_in_a_while(
    installation: Installation, metrics: Metrics, queue: QueueMetrics, clock: Clock
) -> None:
    queue.refresh()
    report(installation, "user0")
    while installation.router.route_next():
        pass
    queue.refresh()
    assert scrape(metrics).value("pwsync_deliveries", state="pending", **MEMORY) is None
    clock.now += KEPT_FOR.total_seconds()
    queue.refresh()
    assert scrape(metrics).value("pwsync_deliveries", state="pending", **MEMORY) == 1


def test_a_store_that_is_away_is_told_and_old_numbers_are_not(
    installation: Installation,
    metrics: Metrics,
    queue: QueueMetrics,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise StoreUnavailable("the store is away")

    report(installation, "user0")
    work_off(installation)
    queue.refresh()
    monkeypatch.setattr(type(installation.store), "read", lambda _: fail())
    clock.now += KEPT_FOR.total_seconds()
    queue.refresh()
    page = scrape(metrics)
    assert page.value("pwsync_store_up") == 0
    assert not {"pwsync_deliveries", "pwsync_lane_online"} & page.names()
    assert page.value("pwsync_replay_waiting_changes") == 0


def test_numbers_that_nobody_could_renew_are_not_told_for_ever(
    metrics: Metrics, queue: QueueMetrics, clock: Clock
) -> None:
    queue.refresh()
    assert scrape(metrics).value("pwsync_store_up") == 1
    clock.now += OUTDATED.total_seconds()
    assert scrape(metrics).value("pwsync_store_up") == 0


def test_replay_files_set_aside_are_counted(metrics: Metrics, queue: QueueMetrics, tmp_path: Path) -> None:
    (tmp_path / "replay").mkdir(mode=0o700)
    (tmp_path / "replay" / f"{1:012}-{0:016x}.replay.damaged").write_bytes(b"")
    queue.refresh()
    assert scrape(metrics).value("pwsync_replay_set_aside_files") == 1
