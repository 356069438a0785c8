"""What has become too old goes, little by little, by one process at a time (behaviour T3)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.accounts import ExternalAccount
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.credential import Fingerprint
from controller.model.delivery import DeliveryState
from controller.model.errors import Indeterminate
from controller.model.topology import Kind, System
from controller.pipeline import housekeeping
from controller.pipeline.dispatch import LEASE
from controller.pipeline.housekeeping import Housekeeping
from tests.doubles.audited import audit_rows
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import ALL_ON, OPEN_ADAPTER, PipelineBench

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LANE = "adapter/ldap"
ALICE = ExternalAccount("ldap", "alice")


@pytest.fixture
def directory(bench: PipelineBench) -> MemoryDirectory:
    """Alice and bob are mapped on the adapter ``ldap``; this is its directory."""
    made = bench.adapter("ldap", OPEN_ADAPTER, "alice", "bob")
    bench.map("LDAP", "alice", "alice")
    bench.map("LDAP", "bob", "bob")
    return made


def _known(bench: PipelineBench) -> Fingerprint:
    with bench.store.read() as tx:
        return tx.fingerprints.get(ALICE)


def test_a_parked_delivery_is_given_up_at_the_sync_age_and_forgets_its_password(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    directory.policy = lambda _: "too short"
    change = bench.windows("alice", "New-1")
    bench.settle()
    bench.wait(24 * HOUR - timedelta(seconds=1))
    bench.keep_house()
    assert bench.outcome(change) == ("failed", "deliveryParked")
    bench.wait(timedelta(seconds=1))
    bench.keep_house()
    assert bench.outcome(change) == ("failed", "deliveryExpired")
    (delivery,) = bench.deliveries(change)
    assert (delivery.state, delivery.code, delivery.sealed_password) == ("expired", "expired", None)
    assert [e.fields["code"] for e in bench.events("deliveryExpired")] == ["expired"]


@pytest.mark.parametrize("is_suspended", [True, False])
@pytest.mark.usefixtures("directory")
def test_the_queue_of_an_adapter_that_takes_no_part_expires(bench: PipelineBench, *, is_suspended: bool) -> None:
    changes = [bench.windows("alice", "New-1"), bench.windows("bob", "New-2")]
    bench.route()
    if is_suspended:
        bench.operations.disable("ldap", by=Actor("ops"))
    else:
        bench.put(Kind.ADAPTER, "ldap", replace(OPEN_ADAPTER, enabled=False))
    bench.wait(25 * HOUR)
    bench.settle()
    assert [bench.outcome(change) for change in changes] == [("accepted", "")] * 2
    bench.keep_house()
    assert [bench.outcome(change) for change in changes] == [("failed", "deliveryExpired")] * 2


@pytest.mark.usefixtures("directory")
def test_more_than_one_batch_is_given_up(bench: PipelineBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 1)
    changes = [bench.windows("alice", "New-1"), bench.windows("bob", "New-2")]
    bench.route()
    bench.operations.disable("ldap", by=Actor("ops"))
    bench.wait(25 * HOUR)
    bench.keep_house()
    assert [bench.outcome(change) for change in changes] == [("failed", "deliveryExpired")] * 2


def test_an_attempt_under_way_is_left_to_its_worker(bench: PipelineBench, directory: MemoryDirectory) -> None:
    change = bench.windows("alice", "New-1")
    bench.route()
    bench.wait(24 * HOUR - timedelta(seconds=1))
    assert bench.worker(LANE).step()
    bench.wait(timedelta(seconds=1))
    bench.keep_house()
    bench.worker(LANE).finish()
    assert bench.outcome(change) == ("completed", "")
    assert directory.accounts["alice"] == "New-1"


@pytest.mark.usefixtures("directory")
def test_one_that_was_left_in_flight_leaves_it_open_which_password_is_in_force(bench: PipelineBench) -> None:
    change = bench.windows("alice", "New-1")
    bench.route()
    assert bench.new_worker(LANE).step()  # and never came back
    bench.operations.disable("ldap", by=Actor("ops"))
    bench.wait(24 * HOUR + LEASE)
    bench.keep_house()
    assert bench.outcome(change) == ("failed", "deliveryExpired")
    assert [(write.is_made, write.ended_at) for write in _known(bench).writes] == [(False, bench.now)]


def test_one_that_a_newer_change_has_overtaken_is_superseded_rather_than_expired(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    directory.fail_next(Indeterminate("no answer"))
    older = bench.windows("alice", "Older")
    bench.settle()
    bench.wait(12 * HOUR)
    bench.operations.disable("ldap", by=Actor("ops"))
    (waiting,) = bench.deliveries(older)
    with bench.store.write() as tx:
        newer = replace(waiting, id="newer", tracking_id="none", sequence=99, expires_at=bench.now + DAY)
        tx.deliveries.add(newer)
    bench.wait(13 * HOUR)
    bench.keep_house()
    assert bench.outcome(older) == ("discarded", "superseded")


@pytest.mark.usefixtures("directory")
def test_what_was_settled_meanwhile_is_left_alone(bench: PipelineBench) -> None:
    change = bench.windows("alice", "New-1")
    bench.route()
    bench.wait(25 * HOUR)
    steps = Housekeeping(bench.store, bench.sealer, bench.new_id, "bench").steps()
    other = bench.windows("bob", "New-2")
    bench.route()
    bench.wait(25 * HOUR)
    next(steps)
    bench.operations.discard(bench.deliveries(other), by=Actor("ops"))
    list(steps)
    assert bench.outcome(change) == ("failed", "deliveryExpired")
    assert bench.deliveries(other)[0].code == "discarded"


@pytest.mark.usefixtures("directory")
def test_only_one_process_at_a_time_keeps_house(bench: PipelineBench) -> None:
    bench.windows("alice", "New-1")
    bench.route()
    bench.wait(25 * HOUR)
    mine = Housekeeping(bench.store, bench.sealer, bench.new_id, "mine")
    steps = mine.steps()
    next(steps)
    assert bench.keep_house("other") == 0
    mine.release()
    assert bench.keep_house("other") == 1
    assert list(steps) == [], "the lead was lost"


def test_a_process_that_lost_the_lead_trims_no_audit(bench: PipelineBench) -> None:
    with bench.store.write() as tx:
        tx.audit.add(Actor("ops"), AuditAction.RESET_DAMPING, "")
    bench.wait(400 * DAY)
    steps = [Housekeeping(bench.store, bench.sealer, bench.new_id, name).steps() for name in ("mine", "other")]
    next(steps[0])
    bench.wait(HOUR)
    next(steps[1])
    assert list(steps[0]) == [], "the lead was lost"
    assert len(audit_rows(bench.store)) == 1
    assert len(list(steps[1])) == 1
    assert audit_rows(bench.store) == []


@pytest.mark.usefixtures("directory")
def test_a_process_that_lost_the_lead_gives_nothing_up(bench: PipelineBench) -> None:
    bench.windows("alice", "New-1")
    bench.route()
    assert bench.keep_house("other") == 1
    bench.wait(timedelta(minutes=1))
    bench.put(Kind.SYSTEM, "default", replace(ALL_ON, max_sync_age=timedelta(seconds=1)))
    bench.windows("bob", "New-2")
    bench.route()
    bench.wait(timedelta(seconds=30))
    assert bench.keep_house() == 0
    assert bench.events("deliveryExpired") == []


@pytest.mark.usefixtures("directory")
def test_finished_changes_go_after_the_retention(bench: PipelineBench) -> None:
    first = bench.windows("alice", "New-1")
    bench.settle()
    bench.wait(20 * DAY)
    second = bench.windows("alice", "New-2")
    bench.settle()
    bench.wait(11 * DAY)
    bench.keep_house()
    with bench.store.read() as tx:
        assert tx.changes.get(first) is None
    assert bench.deliveries(first) == []
    assert bench.outcome(second) == ("completed", "")


@pytest.mark.parametrize(
    ("system", "kept"),
    [
        (System(), 30 * DAY),
        (System(retention=timedelta(0)), 2 * DAY),
        (System(retention=DAY, max_sync_age=20 * DAY), 40 * DAY),
    ],
)
def test_the_retention_is_never_shorter_than_twice_the_sync_age(system: System, kept: timedelta) -> None:
    assert system.keeps_finished_for == kept


@pytest.mark.usefixtures("directory")
def test_more_than_one_batch_is_deleted(bench: PipelineBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    for number in range(5):
        bench.windows("alice", f"New-{number}")
        bench.settle()
    bench.wait(31 * DAY)
    assert bench.keep_house() == 3
    with bench.store.read() as tx:
        assert tx.changes.count_by_state() == {}


@pytest.mark.parametrize("state", [s for s in DeliveryState if s is not DeliveryState.IN_FLIGHT])
def test_what_is_settled_or_young_is_not_overdue(
    bench: PipelineBench, directory: MemoryDirectory, state: DeliveryState
) -> None:
    del directory
    change = bench.windows("alice", "New-1")
    bench.route()
    (delivery,) = bench.deliveries(change)
    is_settled = state in {DeliveryState.CONFIRMED, DeliveryState.SUPERSEDED, DeliveryState.EXPIRED}
    old = replace(delivery, state=state)
    assert housekeeping.is_overdue(old, delivery.expires_at) is not is_settled
    assert not housekeeping.is_overdue(old, delivery.expires_at - timedelta(seconds=1))
