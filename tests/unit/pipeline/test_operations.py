"""What an operator does to the queue, and to adapters while they run."""

from datetime import timedelta

import pytest

from controller.model.actor import Actor
from controller.model.delivery import Delivery
from controller.model.errors import InvalidInput, NotFound, Refused
from controller.model.topology import Kind
from controller.ports.audit import AuditQuery
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench


@pytest.fixture
def strict(bench: PipelineBench) -> MemoryDirectory:
    """Alice and bob are mapped on ``ldap``, whose policy refuses every password."""
    directory = bench.adapter("ldap", OPEN_ADAPTER, "alice", "bob")
    bench.map("LDAP", "alice", "alice")
    bench.map("LDAP", "bob", "bob")
    directory.policy = lambda _: "too short"
    return directory


def park(bench: PipelineBench, user: str, password: str) -> Delivery:
    """Report a change whose delivery is parked."""
    tracking_id = bench.windows(user, password)
    bench.settle()
    assert bench.outcome(tracking_id) == ("failed", "deliveryParked")
    return bench.deliveries(tracking_id)[0]


def test_a_retried_delivery_has_all_its_tries_again_and_its_change_is_open(
    bench: PipelineBench, strict: MemoryDirectory
) -> None:
    parked = park(bench, "alice", "N-1")
    done = bench.operations.retry(bench.operations.named([parked.id]), by=Actor("ops"))
    assert (done.queued, done.superseded, done.refused) == ((parked.id,), (), ())
    assert bench.outcome(parked.tracking_id) == ("accepted", "")
    assert bench.change(parked.tracking_id).finished_at is None
    strict.policy = lambda _: None
    bench.settle()
    assert bench.password("adapter/ldap", "alice") == "N-1"
    assert bench.outcome(parked.tracking_id) == ("completed", "")
    assert [e.fields["by"] for e in bench.events("deliveryRetried")] == ["ops"]


def test_a_delivery_that_is_refused_again_is_parked_again(bench: PipelineBench, strict: MemoryDirectory) -> None:
    parked = park(bench, "alice", "N-1")
    bench.operations.retry([parked], by=Actor("ops"))
    bench.settle()
    assert strict.writes == []
    assert bench.outcome(parked.tracking_id) == ("failed", "deliveryParked")


def test_all_parked_ones_of_an_adapter_are_retried_oldest_first(bench: PipelineBench, strict: MemoryDirectory) -> None:
    first, second = park(bench, "alice", "N-1"), park(bench, "bob", "N-2")
    strict.policy = lambda _: None
    assert [d.id for d in bench.operations.parked()] == [first.id, second.id]
    bench.operations.retry(bench.operations.parked("ldap"), by=Actor("ops"))
    bench.settle()
    assert [w.password for w in strict.writes] == ["N-1", "N-2"]
    with pytest.raises(NotFound, match="no adapter racf"):
        bench.operations.parked("racf")


def test_one_that_has_become_too_old_is_not_retried_and_says_so(bench: PipelineBench, strict: MemoryDirectory) -> None:
    parked = park(bench, "alice", "N-1")
    strict.policy = lambda _: None
    bench.wait(timedelta(hours=24))
    done = bench.operations.retry([parked], by=Actor("ops"))
    assert done.queued == ()
    assert "older than the maximum sync age" in str(done.refused[0])
    bench.settle()
    assert strict.writes == []


def test_a_settled_one_is_not_retried_and_not_discarded(bench: PipelineBench, strict: MemoryDirectory) -> None:
    strict.policy = lambda _: None
    tracking_id = bench.windows("alice", "N-1")
    bench.settle()
    confirmed = bench.deliveries(tracking_id)
    assert "is confirmed: only a parked" in str(bench.operations.retry(confirmed, by=Actor("ops")).refused[0])
    assert bench.operations.discard(confirmed, by=Actor("ops")).ended == ()


@pytest.mark.usefixtures("strict")
def test_one_whose_account_has_a_newer_change_is_superseded_instead(bench: PipelineBench) -> None:
    parked = park(bench, "alice", "N-1")
    with bench.store.write() as tx:
        known = tx.fingerprints.get(parked.account)
        tx.fingerprints.put(parked.account, type(known)(in_force=b"x", sequence=parked.sequence + 1, set_by="report"))
    done = bench.operations.retry([parked], by=Actor("ops"))
    assert (done.queued, done.superseded) == ((), (parked.id,))
    assert bench.outcome(parked.tracking_id) == ("discarded", "superseded")


@pytest.mark.usefixtures("strict")
def test_a_change_is_named_by_its_tracking_id_too(bench: PipelineBench) -> None:
    parked = park(bench, "alice", "N-1")
    assert [d.id for d in bench.operations.named([parked.tracking_id])] == [parked.id]
    with pytest.raises(NotFound, match="no delivery or change nobody"):
        bench.operations.named(["nobody"])


@pytest.mark.usefixtures("strict")
def test_a_discarded_delivery_forgets_its_password_and_is_audited(bench: PipelineBench) -> None:
    parked = park(bench, "alice", "N-1")
    assert bench.operations.discard([parked], by=Actor("ops")).ended == (parked.id,)
    discarded = bench.deliveries(parked.tracking_id)[0]
    assert (discarded.state.value, discarded.code, discarded.sealed_password) == ("expired", "discarded", None)
    assert bench.outcome(parked.tracking_id) == ("failed", "deliveryExpired")
    with bench.store.read() as tx:
        row = tx.audit.find(AuditQuery(limit=1))[0]
    assert (row.principal, row.action, row.object, row.detail) == (
        "ops",
        "deliveries discard",
        parked.id,
        "ldap:alice: discarded",
    )


def test_what_a_discarded_attempt_did_is_not_taken_for_known(bench: PipelineBench, strict: MemoryDirectory) -> None:
    strict.policy = lambda _: None
    tracking_id = bench.windows("alice", "N-1")
    bench.route()
    worker = bench.new_worker("adapter/ldap")
    worker.step()
    assert len(bench.operations.discard(bench.deliveries(tracking_id), by=Actor("ops")).ended) == 1
    worker.finish()
    assert bench.deliveries(tracking_id)[0].state.value == "expired"
    echo = bench.external("ldap", "alice", "N-1")
    bench.settle()
    assert bench.outcome(echo) == ("discarded", "damped")


def test_a_disabled_adapter_takes_no_part_until_it_is_enabled(bench: PipelineBench, strict: MemoryDirectory) -> None:
    strict.policy = lambda _: None
    waiting = bench.windows("alice", "N-1")
    bench.route()
    assert bench.operations.disable("ldap", by=Actor("ops"))
    assert not bench.operations.disable("ldap", by=Actor("someone"))
    skipped = bench.windows("bob", "N-1")
    bench.settle()
    assert strict.writes == []
    assert bench.outcome(skipped) == ("discarded", "noTarget")
    with pytest.raises(Refused, match="disabled"):
        bench.external("ldap", "bob", "N-3")
    assert bench.operations.enable("ldap", by=Actor("ops"))
    assert not bench.operations.enable("ldap", by=Actor("ops"))
    bench.settle()
    assert bench.outcome(waiting) == ("completed", "")
    assert len(bench.events("adapterDisabled")) == len(bench.events("adapterEnabled")) == 1


@pytest.mark.usefixtures("strict")
def test_an_adapter_that_its_manifest_disables_cannot_be_enabled_here(bench: PipelineBench) -> None:
    bench.put(Kind.ADAPTER, "ldap", type(OPEN_ADAPTER)(connector=OPEN_ADAPTER.connector, enabled=False))
    with pytest.raises(InvalidInput, match="disabled by its manifest"):
        bench.operations.enable("ldap", by=Actor("ops"))
    assert not bench.operations.disable("ldap", by=Actor("ops"))
    with pytest.raises(NotFound):
        bench.operations.enable("racf", by=Actor("ops"))


@pytest.mark.usefixtures("strict")
def test_an_adapter_that_is_gone_leaves_no_trace_of_its_suspension(bench: PipelineBench) -> None:
    bench.operations.disable("ldap", by=Actor("ops"))
    bench.remove(Kind.ADAPTER, "ldap")
    unreached = bench.windows("alice", "N-1")
    bench.settle()
    assert bench.outcome(unreached) == ("discarded", "noTarget")


@pytest.mark.usefixtures("strict")
def test_a_reset_empties_the_queue_of_one_adapter(bench: PipelineBench) -> None:
    parked = park(bench, "alice", "N-1")
    bench.adapter("racf", OPEN_ADAPTER, "BOB1")
    bench.map("RACF", "bob", "BOB1")
    waiting = bench.windows("bob", "N-2")
    bench.route()
    assert bench.operations.reset("ldap", by=Actor("ops")) == 2
    assert bench.outcome(parked.tracking_id) == ("failed", "deliveryExpired")
    assert sorted((d.account.lane, d.state.value, d.code) for d in bench.deliveries(waiting)) == [
        ("adapter/ldap", "expired", "adapterReset"),
        ("adapter/racf", "pending", ""),
    ]
    bench.settle()
    assert bench.outcome(waiting) == ("failed", "deliveryExpired")
    assert bench.events("adapterReset")[0].fields == {"by": "ops", "deliveries": 2}


def test_after_a_reset_of_the_damping_an_echo_is_a_change_and_does_no_harm(
    bench: PipelineBench, strict: MemoryDirectory
) -> None:
    strict.policy = lambda _: None
    bench.windows("alice", "N-1")
    bench.settle()
    assert bench.operations.reset_damping(by=Actor("ops")) == 2
    echo = bench.external("ldap", "alice", "N-1")
    bench.settle()
    assert bench.outcome(echo)[0] == "completed"
    assert bench.password("adapter/ldap", "alice") == "N-1"
