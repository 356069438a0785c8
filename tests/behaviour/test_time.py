"""Time, duplicates, order: rows T1 to T6."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.model.actor import Actor
from controller.model.errors import Refused
from controller.store.opening import open_store
from tests.doubles.pipeline import PipelineBench

HOUR = timedelta(hours=1)


def test_t1_a_repeat_is_discarded_on_receipt_however_late_it_comes(full: PipelineBench) -> None:
    full.windows("alice", "new")
    full.settle()
    full.wait(12 * HOUR)
    again = full.windows("corp\\ALICE", "new")
    full.settle()
    assert full.outcome(again) == ("discarded", "damped")
    (damped,) = full.events("changeDamped")
    assert (damped.tracking_id, damped.account) == (again, "CORP\\alice")


def test_t1_a_differing_password_is_never_damped_however_soon_it_comes(full: PipelineBench) -> None:
    for password in ("A-1", "B-2", "A-1"):
        change = full.windows("alice", password)
        full.settle()
        assert full.outcome(change) == ("completed", "")
        assert full.password("adapter/racf", "ALICE1") == password


def test_t2_a_change_never_returns_to_where_it_came_from(full: PipelineBench) -> None:
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert {str(d.account) for d in full.deliveries(change)} == {"CORP\\alice", "racf:ALICE1"}


def test_t2_what_we_wrote_is_damped_when_its_own_system_reports_it(full: PipelineBench) -> None:
    full.external("ldap", "alice", "new")
    full.settle()
    before = len(full.events("deliveryCreated"))
    echoes = [full.windows("alice", "new"), full.external("racf", "ALICE1", "new")]
    full.settle()
    assert [full.outcome(echo) for echo in echoes] == [("discarded", "damped")] * 2
    assert len(full.events("deliveryCreated")) == before


def test_t3_a_change_older_than_the_sync_age_is_refused_on_arrival(full: PipelineBench) -> None:
    with pytest.raises(Refused, match="older than the maximum sync age") as caught:
        full.windows("alice", "new", at=full.now - 25 * HOUR)
    assert caught.value.reason == "expired"
    (refused,) = full.events("changeRefused")
    assert refused.fields["reason"] == "expired"


def test_t3_a_change_that_has_become_too_old_is_discarded_before_routing_and_from_the_queue(
    full: PipelineBench,
) -> None:
    unrouted = full.windows("alice", "never-routed", at=full.now - 23 * HOUR)
    full.wait(2 * HOUR)
    full.route()
    assert full.outcome(unrouted) == ("discarded", "expired")
    queued = full.windows("alice", "never-sent")
    full.route()
    full.wait(25 * HOUR)
    full.settle()
    assert full.outcome(queued) == ("failed", "deliveryExpired")
    assert {e.fields["code"] for e in full.events("deliveryExpired")} == {"expired"}
    assert full.password("adapter/racf", "ALICE1") == "old"


def test_t3_what_waits_for_a_person_or_for_a_disabled_adapter_is_discarded_from_the_queue_too(
    full: PipelineBench,
) -> None:
    full.directories["adapter/racf"].policy = lambda _: "not by our policy"
    full.operations.disable("ldap", by=Actor("ops"))
    parked = full.windows("alice", "new")
    full.settle()
    full.operations.enable("ldap", by=Actor("ops"))
    waiting = full.windows("alice", "newer")
    full.route()
    full.operations.disable("ldap", by=Actor("ops"))
    full.settle()
    full.wait(25 * HOUR)
    full.keep_house()
    assert [full.outcome(change)[1] for change in (parked, waiting)] == ["superseded", "deliveryExpired"]
    ended = [d for d in full.deliveries(waiting) if d.state == "expired"]
    assert [(str(d.account), d.code, d.sealed_password) for d in ended] == [
        ("ldap:alice", "expired", None),
        ("racf:ALICE1", "expired", None),
    ]


def test_t4_a_change_older_than_what_is_in_force_is_ignored(full: PipelineBench) -> None:
    full.windows("alice", "newer", at=full.now)
    full.settle()
    older = full.windows("alice", "older", at=full.now - HOUR)
    full.settle()
    assert full.outcome(older) == ("discarded", "stale")
    assert full.password("adapter/racf", "ALICE1") == "newer"
    (stale,) = full.events("changeStale")
    assert stale.tracking_id == older


def test_t4_an_external_change_older_than_what_is_in_force_is_ignored(full: PipelineBench) -> None:
    full.external("ldap", "alice", "newer", at=full.now)
    full.settle()
    older = full.external("ldap", "alice", "older", at=full.now - HOUR)
    full.settle()
    assert full.outcome(older) == ("discarded", "stale")
    assert full.stored("LDAP", "alice") == "newer"
    assert full.password("domain/CORP", "alice") == "newer"


def test_t5_a_source_whose_clock_is_ahead_gains_nothing_by_it(full: PipelineBench) -> None:
    ahead = full.windows("alice", "first", at=full.now + HOUR)
    full.settle()
    assert full.change(ahead).occurred_at == full.now
    full.wait(timedelta(seconds=2))
    second = full.windows("alice", "second", at=full.now)
    full.settle()
    assert full.outcome(second) == ("completed", "")


def test_t5_all_times_are_those_of_the_store(tmp_path: Path) -> None:
    told = datetime(2031, 5, 6, 7, 8, tzinfo=UTC)
    store = open_store(f"sqlite:///{tmp_path / 'clock.db'}", clock=lambda: told)
    with store.write() as tx:
        assert tx.now == told
    store.close()


def test_t6_one_tracking_id_follows_a_change_through_every_delivery_and_event(full: PipelineBench) -> None:
    change = full.external("ldap", "alice", "new")
    full.settle()
    names = [e.name for e in reversed(full.events()) if e.tracking_id == change]
    assert names[0] == "externalChangeAccepted"
    assert names[-1] == "changeCompleted"
    assert {"credentialUpdated", "deliveryCreated", "deliveryConfirmed", "windowsPasswordStored"} <= set(names)
    assert [e.name for e in full.events() if not e.tracking_id] == ["windowsPasswordStored"], "the administrator's own"
    assert len(full.deliveries(change)) == 2
    with full.store.read() as tx:
        assert {s.tracking_id for s in tx.credentials.external("RACF", "ALICE1").values()} == {change}
