"""The four outcomes of a write, retries, leases and circuits (decision 5, behaviours Q2-Q4, T3)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.constraints import Capabilities, Constraints
from controller.model.credential import Fingerprint, Write
from controller.model.delivery import DeliveryState
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    Indeterminate,
    NotFound,
    SettingsError,
    Unavailable,
)
from controller.model.secret import Secret
from controller.model.topology import Application, Kind, NotificationPolicy
from controller.pipeline.circuit import Circuit
from controller.pipeline.dispatch import LEASE, LaneWorker
from controller.pipeline.following import Cause, CredentialDatabase
from controller.pipeline.queueing import Queue, delivery_place
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.connectors import Connector
from tests.doubles.memory import MemoryConnector, MemoryDirectory
from tests.doubles.pipeline import OPEN_ADAPTER, START, PipelineBench

LANE = "adapter/ldap"


@pytest.fixture
def directory(bench: PipelineBench) -> MemoryDirectory:
    """Alice and bob are mapped on the adapter ``ldap``; this is its directory."""
    made = bench.adapter("ldap", OPEN_ADAPTER, "alice", "bob")
    bench.map("LDAP", "alice", "alice")
    bench.map("LDAP", "bob", "bob")
    return made


def test_a_busy_target_is_tried_again_later_each_time_twice_as_late(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    directory.fail_next(Busy("not now"), Busy("not now"))
    change = bench.windows("alice", "New-1")
    bench.settle()
    (delivery,) = bench.deliveries(change)
    assert (delivery.state, delivery.code, delivery.due_at) == ("retrying", "busy", bench.now + timedelta(minutes=1))
    bench.wait(timedelta(minutes=1))
    bench.settle()
    (delivery,) = bench.deliveries(change)
    assert delivery.due_at == bench.now + timedelta(minutes=2)
    bench.wait(timedelta(minutes=2))
    bench.settle()
    assert bench.outcome(change) == ("completed", "")


def test_after_the_last_try_it_is_parked_with_the_target_s_words(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.put(Kind.ADAPTER, "ldap", replace(OPEN_ADAPTER, notifications=NotificationPolicy(retry_count=2)))
    directory.fail_next(Busy("not now"), Busy("not now", words="try tomorrow"))
    change = bench.windows("alice", "New-1")
    bench.settle()
    bench.wait(timedelta(minutes=1))
    bench.settle()
    (delivery,) = bench.deliveries(change)
    assert delivery.state == "parked"
    assert delivery.message == "gave up after 2 tries: not now: try tomorrow"
    assert delivery.sealed_password is not None
    assert bench.outcome(change) == ("failed", "deliveryParked")


def test_a_target_that_is_away_burns_no_retries_and_all_goes_out_when_it_is_back(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    changes = [bench.windows("alice", "New-1"), bench.windows("bob", "New-2")]
    with directory.down():
        for _ in range(100):
            bench.settle()
            bench.wait(timedelta(minutes=1))
    assert [d.counted_attempts for c in changes for d in bench.deliveries(c)] == [0, 0]
    bench.settle()
    assert [bench.outcome(c) for c in changes] == [("completed", "")] * 2


def test_while_a_target_is_away_its_lane_waits_as_one(bench: PipelineBench, directory: MemoryDirectory) -> None:
    changes = [bench.windows("alice", "New-1"), bench.windows("bob", "New-2")]
    with directory.down():
        bench.settle()
        bench.settle()
        assert sum(d.attempts for c in changes for d in bench.deliveries(c)) == 1


def test_a_lane_that_refuses_us_waits_longer(bench: PipelineBench, directory: MemoryDirectory) -> None:
    directory.fail_next(ChannelRefused("wrong service password"))
    change = bench.windows("alice", "New-1")
    bench.settle()
    bench.wait(timedelta(seconds=29))
    bench.settle()
    assert bench.outcome(change)[0] == "accepted"
    bench.wait(timedelta(seconds=1))
    bench.settle()
    assert bench.outcome(change) == ("completed", "")


def test_an_unanswered_write_that_succeeded_is_found_by_a_probe_and_not_repeated(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    directory.fail_next(Indeterminate("no answer"), when="after")
    change = bench.windows("alice", "New-1")
    bench.settle()
    bench.wait(timedelta(minutes=1))
    bench.settle()
    assert directory.probes == [("alice", "New-1")]
    assert len(directory.writes) == 1
    assert bench.outcome(change) == ("completed", "")
    assert bench.stored("LDAP", "alice") == "New-1"


def test_an_unanswered_write_that_did_not_succeed_is_repeated_after_the_probe(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    directory.fail_next(Indeterminate("no answer"), when="before")
    bench.windows("alice", "New-1")
    bench.settle()
    bench.wait(timedelta(minutes=1))
    bench.settle()
    assert directory.probes == [("alice", "New-1")]
    assert [w.password for w in directory.writes] == ["New-1"]


@pytest.mark.parametrize(
    ("capabilities", "state", "writes"),
    [
        pytest.param(Capabilities(can_verify=False), "confirmed", 2, id="repeats what does no harm"),
        pytest.param(Capabilities(can_verify=False, is_repeatable=False), "parked", 1, id="asks a person otherwise"),
    ],
)
def test_without_a_probe(
    bench: PipelineBench, directory: MemoryDirectory, capabilities: Capabilities, state: str, writes: int
) -> None:
    bench.capabilities[LANE] = capabilities
    directory.fail_next(Indeterminate("no answer"), when="after")
    change = bench.windows("alice", "New-1")
    bench.settle()
    bench.wait(timedelta(minutes=1))
    bench.settle()
    assert [d.state for d in bench.deliveries(change)] == [state]
    assert len(directory.writes) == writes


@pytest.mark.parametrize(("needs_old", "state"), [(False, "confirmed"), (True, "parked")])
def test_an_account_whose_state_hides_the_answer_of_the_probe(
    bench: PipelineBench, directory: MemoryDirectory, monkeypatch: pytest.MonkeyPatch, *, needs_old: bool, state: str
) -> None:
    def refuse(*_: object) -> bool:
        raise AccountRefused("locked")

    monkeypatch.setattr(MemoryConnector, "verify_password", refuse)
    bench.capabilities[LANE] = Capabilities(needs_old_password=needs_old)
    bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("test"))
    directory.fail_next(Indeterminate("no answer"), when="before")
    change = bench.windows("alice", "New-1")
    bench.settle()
    bench.wait(timedelta(minutes=1))
    bench.settle()
    assert [d.state for d in bench.deliveries(change)] == [state]


def test_a_connector_that_needs_the_old_password_gets_the_stored_one(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.capabilities[LANE] = Capabilities(needs_old_password=True)
    missing = bench.windows("alice", "New-1")
    bench.settle()
    assert "none is stored" in bench.deliveries(missing)[0].message
    bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("test"))
    bench.windows("alice", "New-2")
    bench.settle()
    assert directory.accounts["alice"] == "New-2"


def test_the_old_password_is_sent_along_where_the_adapter_says_so(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.put(Kind.ADAPTER, "ldap", replace(OPEN_ADAPTER, send_old_password=True))
    bench.windows("bob", "New-0")
    bench.settle()
    assert directory.accounts["bob"] == "New-0"
    bench.credentials.set("LDAP", "alice", Secret("wrong"), by=Actor("test"))
    change = bench.windows("alice", "New-1")
    bench.settle()
    assert bench.deliveries(change)[0].code == "oldPasswordWrong"
    assert bench.stored("LDAP", "alice") == "wrong"


def test_what_breaks_the_target_s_limits_is_not_sent(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.capabilities[LANE] = Capabilities(constraints=Constraints(max_length=4))
    change = bench.windows("alice", "New-1")
    bench.settle()
    (delivery,) = bench.deliveries(change)
    assert (delivery.state, delivery.code) == ("parked", "passwordRejected")
    assert "longer than the 4 characters" in delivery.message
    assert directory.writes == []


def test_an_unknown_account_is_parked(bench: PipelineBench) -> None:
    bench.adapter("empty")
    bench.map("EMPTY", "alice", "alice")
    change = bench.windows("alice", "New-1")
    bench.settle()
    assert bench.deliveries(change)[0].code == AccountUnknown.code


def test_a_delivery_of_a_worker_that_died_is_taken_over_and_probed(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    change = bench.windows("alice", "New-1")
    bench.route()
    dying = bench.new_worker(LANE)
    assert dying.step()
    bench.restart()
    bench.settle()
    assert bench.deliveries(change)[0].state == "inFlight"
    bench.wait(LEASE + timedelta(seconds=1))
    bench.settle()
    assert directory.probes == [("alice", "New-1")]
    assert len(directory.writes) == 1
    assert bench.outcome(change) == ("completed", "")
    dying.finish()
    assert bench.outcome(change) == ("completed", "")


def test_a_failure_that_comes_after_the_lease_was_lost_changes_nothing(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    change = bench.windows("alice", "New-1")
    bench.route()
    directory.fail_next(Busy("not now"))
    late = bench.new_worker(LANE)
    assert late.step()
    bench.wait(LEASE + timedelta(seconds=1))
    bench.settle()
    late.finish()
    assert bench.outcome(change) == ("completed", "")


@pytest.mark.usefixtures("directory")
def test_a_worker_tells_whether_an_attempt_is_not_settled_yet(bench: PipelineBench) -> None:
    worker, told = bench.new_worker(LANE), []
    bench.windows("alice", "New-1")
    bench.route()
    told.append(worker.has_unsettled)
    assert worker.step()
    told.append(worker.has_unsettled)
    worker.finish()
    told.append(worker.has_unsettled)
    worker.close()
    assert told == [False, True, False]


def test_a_renewed_lease_keeps_a_slow_delivery_with_its_worker(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    slow = bench.new_worker(LANE)

    def take_long(_: str) -> None:
        bench.wait(LEASE - timedelta(seconds=1))
        slow.renew()
        bench.wait(LEASE - timedelta(seconds=1))
        bench.deliver(LANE)

    directory.gate = take_long
    bench.windows("alice", "New-1")
    bench.route()
    assert slow.step()
    slow.finish()
    assert len(directory.writes) == 1
    assert directory.probes == []
    slow.renew()
    slow.close()


def test_one_account_gets_its_deliveries_strictly_one_after_another(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.windows("alice", "New-1")
    bench.route()

    def newer_while_writing(_: str) -> None:
        directory.gate = lambda _: None
        bench.windows("alice", "New-2")
        bench.route()
        assert bench.new_worker(LANE).step() is False

    directory.gate = newer_while_writing
    bench.settle()
    assert [w.password for w in directory.writes] == ["New-1", "New-2"]
    assert bench.stored("LDAP", "alice") == "New-2"


def test_no_more_than_the_adapter_allows_are_outstanding(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.put(Kind.ADAPTER, "ldap", replace(OPEN_ADAPTER, notifications=NotificationPolicy(max_pending=1)))
    bench.windows("alice", "New-1")
    bench.windows("bob", "New-2")
    bench.route()
    other = bench.new_worker(LANE)
    outstanding: list[bool] = []

    def try_another(account: str) -> None:
        if account == "alice":
            outstanding.append(other.step())

    directory.gate = try_another
    bench.settle()
    assert outstanding == [False]
    assert directory.accounts == {"alice": "New-1", "bob": "New-2"}


@pytest.mark.parametrize("change", ["remove", "disable"])
def test_a_lane_that_is_not_served_keeps_its_deliveries(
    bench: PipelineBench, directory: MemoryDirectory, change: str
) -> None:
    bench.windows("alice", "New-1")
    bench.route()
    if change == "remove":
        bench.remove(Kind.ADAPTER, "ldap")
    else:
        bench.put(Kind.ADAPTER, "ldap", replace(OPEN_ADAPTER, enabled=False))
    assert bench.deliver(LANE) == 0
    bench.put(Kind.ADAPTER, "ldap", OPEN_ADAPTER)
    bench.settle()
    assert directory.accounts["alice"] == "New-1"


def test_an_attempt_whose_adapter_is_removed_meanwhile_is_still_settled(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    change = bench.windows("alice", "New-1")
    bench.route()
    directory.gate = lambda _: bench.remove(Kind.ADAPTER, "ldap")
    directory.fail_next(Busy("not now"))
    bench.deliver(LANE)
    assert bench.deliveries(change)[0].state == "retrying"


def test_a_credential_whose_application_is_gone_is_not_stored(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.windows("alice", "New-1")
    bench.route()
    directory.gate = lambda _: bench.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", fields=()))
    bench.deliver(LANE)
    assert directory.accounts["alice"] == "New-1"
    assert bench.events("credentialUpdated") == []


class _Broken:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def connect(self, topology: Topology, lane: str) -> Connector:  # noqa: ARG002  # it never gets that far
        raise self.error

    def close(self) -> None:
        """Nothing to give back."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("variable X is not set"), "channelRefused"),
        (NotFound("no such connector type"), "channelRefused"),
        (RuntimeError("S3cret text"), "indeterminate"),
    ],
)
def test_a_connector_that_cannot_be_made_or_is_defective_loses_nothing(
    bench: PipelineBench, directory: MemoryDirectory, error: Exception, code: str
) -> None:
    change = bench.windows("alice", "New-1")
    bench.route()
    worker = bench.new_worker(LANE)
    worker._connections = _Broken(error)
    assert worker.step()
    worker.finish()
    (delivery,) = bench.deliveries(change)
    assert (delivery.state, delivery.code) == ("retrying", code)
    assert "S3cret" not in delivery.message
    bench.wait(timedelta(minutes=1))
    bench.settle()
    assert directory.accounts["alice"] == "New-1"


def test_a_delivery_that_no_key_opens_is_parked(bench: PipelineBench, directory: MemoryDirectory) -> None:
    change = bench.windows("alice", "New-1")
    bench.route()
    (delivery,) = bench.deliveries(change)
    foreign = bench.sealer.seal(Secret("x"), delivery_place("another", delivery.account))
    with bench.store.write() as tx:
        tx.deliveries.save(replace(delivery, sealed_password=foreign))
    bench.settle()
    assert bench.deliveries(change)[0].code == "sealBroken"
    assert directory.writes == []


def test_a_sealed_delivery_cannot_be_sent_to_another_account(bench: PipelineBench, directory: MemoryDirectory) -> None:
    change = bench.windows("alice", "New-1")
    bench.route()
    (delivery,) = bench.deliveries(change)
    with bench.store.write() as tx:
        tx.deliveries.save(replace(delivery, account=ExternalAccount("ldap", "bob")))
    bench.settle()
    assert bench.deliveries(change)[0].code == "sealBroken"
    assert directory.writes == []


@pytest.mark.usefixtures("directory")
def test_a_change_that_no_key_opens_fails_and_holds_up_nobody(bench: PipelineBench) -> None:
    broken = bench.windows("alice", "New-1")
    other = bench.windows("bob", "New-2")
    opening = bench.sealer.open

    def refuse_one(sealed: bytes, place: Any) -> Secret:
        return opening(sealed, replace(place, row="another") if place.row.startswith(broken) else place)

    bench.sealer.open = refuse_one  # type: ignore[method-assign]  # one broken seal
    bench.settle()
    assert bench.outcome(broken) == ("failed", "sealBroken")
    assert bench.outcome(other) == ("completed", "")


def test_a_retried_delivery_that_was_parked_completes_its_failed_change(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    directory.policy = lambda _: "too short"
    change = bench.windows("alice", "New-1")
    bench.settle()
    directory.policy = lambda _: None
    (delivery,) = bench.deliveries(change)
    with bench.store.write() as tx:
        tx.deliveries.save(replace(delivery, state=DeliveryState.RETRYING, due_at=tx.now, settled_at=None))
    bench.settle()
    assert bench.outcome(change) == ("completed", "")


def test_workers_of_one_lane_share_the_queue(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.windows("alice", "New-1")
    bench.windows("bob", "New-2")
    bench.route()
    workers: list[LaneWorker] = [bench.new_worker(LANE), bench.new_worker(LANE)]
    assert [w.step() for w in workers] == [True, True]
    for worker in workers:
        worker.finish()
    assert directory.accounts == {"alice": "New-1", "bob": "New-2"}


def test_a_fingerprint_says_who_set_the_password(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.windows("alice", "New-1")
    bench.settle()
    with bench.store.read() as tx:
        known = tx.fingerprints.get(ExternalAccount("ldap", "alice"))
    assert (known.set_by, [write.is_made for write in known.writes]) == ("delivery", [True])

    assert directory.accounts["alice"] == "New-1"


def test_an_abandoned_delivery_yields_to_a_newer_one_without_being_repeated(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    older = bench.windows("alice", "Older")
    bench.route()
    assert bench.new_worker(LANE).step()
    newer = bench.windows("alice", "Newer")
    bench.wait(LEASE + timedelta(seconds=1))
    bench.settle()
    assert [w.password for w in directory.writes] == ["Older", "Newer"]
    assert bench.outcome(older) == ("discarded", "superseded")
    assert bench.outcome(newer) == ("completed", "")


def test_only_one_trial_at_a_time_asks_a_target_that_was_away() -> None:
    circuit = Circuit(lambda: 0.0)
    circuit.record(Unavailable("away"), START)
    assert not circuit.try_enter(START)
    later = START + timedelta(seconds=1)
    assert circuit.try_enter(later)
    assert not circuit.try_enter(later)
    circuit.leave()
    assert circuit.try_enter(later)
    circuit.record(Unavailable("away"), later)
    assert not circuit.try_enter(later + timedelta(seconds=1))
    assert circuit.try_enter(later + timedelta(seconds=2))
    circuit.record(None, later)
    circuit.leave()
    assert circuit.try_enter(later)
    assert circuit.error is None


def test_a_newer_delivery_is_never_superseded_by_an_older_change(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.windows("alice", "New-1")
    bench.route()
    sequence = bench.change(change).sequence
    with bench.store.write() as tx:
        queue = Queue(bench.sealer, bench.new_id)
        assert queue.supersede_older(tx, ExternalAccount("ldap", "alice"), sequence - 1) is False
    assert [d.state for d in bench.deliveries(change)] == ["pending"]


def test_a_confirmation_does_not_forget_what_another_write_has_begun(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    account = ExternalAccount("ldap", "alice")

    def begin_another(_: str) -> None:
        with bench.store.write() as tx:
            tx.fingerprints.put(account, Fingerprint(writes=(Write(b"another", 99),)))

    directory.gate = begin_another
    bench.windows("alice", "New-1")
    bench.settle()
    with bench.store.read() as tx:
        known = tx.fingerprints.get(account)
    assert (known.in_force is not None, known.writes) == (True, (Write(b"another", 99),))


def test_the_credential_database_keeps_the_newer_of_two(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    alice = WindowsAccount("CORP", "alice")
    with bench.store.write() as tx:
        credentials = CredentialDatabase(tx, bench.sealer, TopologyReader().read(tx))
        (mapping,) = tx.mappings.of_windows(alice)
        for password, sequence in (("newer", 2), ("older", 1)):
            credentials.store_windows(alice, Secret(password), Cause("id", sequence))
            credentials.store_external(mapping, Secret(password), Cause("id", sequence))
    assert bench.stored_windows("alice") == bench.stored("LDAP", "alice") == "newer"


def test_an_account_is_probed_twice_at_most_and_then_left_to_a_person(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    directory.fail_next(*[Indeterminate("no answer")] * 9)
    change = bench.windows("alice", "New-1")
    for _ in range(6):
        bench.settle()
        bench.wait(timedelta(hours=1))
    assert [d.state for d in bench.deliveries(change)] == ["parked"]
    assert len(directory.probes) == 2


def test_an_account_of_which_nobody_counts_wrong_passwords_is_probed_before_every_repetition(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.capabilities[LANE] = Capabilities(is_probe_harmless=True)
    directory.fail_next(*[Indeterminate("no answer")] * 9)
    change = bench.windows("alice", "New-1")
    for _ in range(6):
        bench.settle()
        bench.wait(timedelta(hours=1))
    assert [d.state for d in bench.deliveries(change)] == ["parked"]
    assert len(directory.probes) == 4


def test_what_needs_the_old_password_is_left_to_a_person_rather_than_probed_a_third_time(
    bench: PipelineBench, directory: MemoryDirectory
) -> None:
    bench.capabilities[LANE] = Capabilities(needs_old_password=True)
    bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("test"))
    directory.fail_next(*[Indeterminate("no answer")] * 9)
    change = bench.windows("alice", "New-1")
    for _ in range(6):
        bench.settle()
        bench.wait(timedelta(hours=1))
    (delivery,) = bench.deliveries(change)
    assert (delivery.state, delivery.attempts, len(directory.probes)) == ("parked", 4, 2)
    assert "cannot be asked" in delivery.message
