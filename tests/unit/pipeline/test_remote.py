"""Notifications of remote adapters: handed out, confirmed, handed out again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.actor import Actor
from controller.model.completion import Completion
from controller.model.errors import InvalidInput, TrackingIdUnknown, WrongSession
from controller.model.filters import Case, PasswordFilter
from controller.model.notification import PasswordNotification, StatusRequest
from controller.model.secret import Secret
from controller.model.session import STATUS_INTERVAL
from controller.model.topology import Application, Kind, NotificationPolicy
from controller.model.words import WITHHELD
from tests.doubles.pipeline import PipelineBench
from tests.doubles.remote import RETRY, RemoteBench


@pytest.fixture
def remote(bench: PipelineBench) -> RemoteBench:
    """A remote adapter with a session."""
    made = RemoteBench(bench)
    made.initialize()
    return made


def states(remote: RemoteBench, tracking_id: str) -> list[str]:
    """States of the deliveries of a change."""
    return [delivery.state.value for delivery in remote.bench.deliveries(tracking_id)]


def test_a_change_is_received_and_the_credential_follows_its_confirmation(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    found = remote.take()
    assert (found.tracking_id, found.account, found.password.reveal()) == (tracking_id, "ALICE1", "New-1")
    assert (found.attempt, found.is_redelivered, found.old_password) == (1, False, None)
    assert states(remote, tracking_id) == ["inFlight"]
    assert remote.bench.stored("RACF", "ALICE1") is None
    assert remote.complete(tracking_id).state.value == "confirmed"
    assert remote.bench.stored("RACF", "ALICE1") == "New-1"
    assert remote.bench.outcome(tracking_id) == ("completed", "")


def test_no_worker_of_the_controller_takes_what_is_for_a_remote_adapter(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    assert remote.bench.deliver("adapter/racf") == 0
    assert states(remote, tracking_id) == ["pending"]


def test_nothing_is_received_when_nothing_waits(remote: RemoteBench) -> None:
    assert remote.receive() is None


def test_confirming_twice_is_answered_alike(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    first = remote.complete(tracking_id)
    assert remote.complete(tracking_id) == first
    assert len(remote.bench.events("deliveryConfirmed")) == 1


def test_the_old_password_goes_along_when_the_adapter_is_to_get_it(remote: RemoteBench) -> None:
    remote.declare(send_old_password=True)
    for password in ("New-1", "New-2"):
        remote.change("alice", password)
        found = remote.take()
        remote.complete(found.tracking_id)
    assert found.old_password is not None
    assert found.old_password.reveal() == "New-1"


def test_what_is_not_confirmed_in_time_is_handed_out_again_and_says_so(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    assert remote.receive() is None
    remote.bench.wait(RETRY)
    again = remote.take()
    assert (again.tracking_id, again.attempt, again.is_redelivered) == (tracking_id, 2, True)
    assert remote.complete(tracking_id).state.value == "confirmed"


def test_what_is_never_confirmed_is_parked_after_the_retry_count(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    handed_out = 0
    while states(remote, tracking_id) != ["parked"]:
        handed_out += isinstance(remote.receive(), PasswordNotification)
        remote.bench.wait(timedelta(minutes=1))
    assert handed_out == 3
    assert remote.bench.outcome(tracking_id) == ("failed", "deliveryParked")
    assert "not confirmed" in remote.bench.deliveries(tracking_id)[0].message


def test_a_late_confirmation_ends_the_doubt_even_of_a_parked_delivery(remote: RemoteBench) -> None:
    remote.declare(notifications=NotificationPolicy(retry_count=1, retry_delay=RETRY))
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.bench.wait(RETRY)
    assert remote.receive() is None
    assert states(remote, tracking_id) == ["parked"]
    assert remote.complete(tracking_id).state.value == "confirmed"
    assert remote.bench.stored("RACF", "ALICE1") == "New-1"
    assert remote.bench.outcome(tracking_id) == ("completed", "")


def test_a_late_failure_changes_nothing(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.initialize()  # which gives it back
    assert remote.complete(tracking_id, 1).state.value == "retrying"


def test_a_late_confirmation_of_what_a_newer_change_replaced_confirms_nothing(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.change("alice", "New-2")
    remote.bench.wait(RETRY)
    assert remote.take().password.reveal() == "New-2"
    assert remote.complete(tracking_id).state.value == "superseded"


def test_while_the_newest_is_handed_out_a_late_write_makes_it_go_out_once_more(remote: RemoteBench) -> None:
    older = remote.change("alice", "Old-1")
    remote.take()
    newer = remote.change("alice", "New-2")
    remote.bench.wait(RETRY)
    remote.take()
    for _ in range(2):  # the second report tells nothing new
        assert remote.complete(older).state.value == "superseded"
    assert len(remote.bench.events("lateWrite")) == 1
    assert remote.complete(newer).state.value == "confirmed"
    again = remote.take()
    assert (again.tracking_id, again.password.reveal(), again.is_redelivered) == (newer, "New-2", True)
    assert remote.complete(newer).state.value == "confirmed"
    assert states(remote, newer) == ["confirmed", "confirmed"]
    assert remote.receive() is None
    assert remote.bench.outcome(newer) == ("completed", "")


def test_a_late_write_of_a_replaced_session_makes_the_newest_password_go_out_again(remote: RemoteBench) -> None:
    older, former = remote.change("alice", "Old-1"), remote.session
    remote.take()
    remote.initialize()
    newer = remote.change("alice", "New-2")
    remote.bench.wait(RETRY)
    remote.take()
    remote.complete(newer)
    for error_code in (1, 0):
        with pytest.raises(WrongSession):
            remote.notifications.complete(remote.call("complete", session=former), Completion(older, error_code))
        assert len(remote.bench.events("lateWrite")) == (error_code == 0)
    report = remote.bench.external("racf", "ALICE1", "Old-1")  # the system's own word of the late write
    remote.bench.route()
    assert remote.bench.outcome(report) == ("discarded", "stale")
    assert remote.take().password.reveal() == "New-2"
    assert remote.bench.outcome(newer) == ("accepted", "")
    remote.complete(newer)
    assert (remote.bench.outcome(newer), remote.bench.stored("RACF", "ALICE1")) == (("completed", ""), "New-2")


def test_what_a_replaced_session_confirms_that_waits_or_is_the_newest_is_no_late_write(remote: RemoteBench) -> None:
    tracking_id, former = remote.change("alice", "New-1"), remote.session
    remote.take()
    remote.initialize()
    for completed in (tracking_id, "id-nobody"):
        with pytest.raises(WrongSession):
            remote.notifications.complete(remote.call("complete", session=former), Completion(completed, 0))
    remote.complete(tracking_id)
    with pytest.raises(WrongSession):
        remote.notifications.complete(remote.call("complete", session=former), Completion(tracking_id, 0))
    assert remote.bench.events("lateWrite") == []


def test_a_late_write_before_a_newer_password_that_waits_needs_no_repetition(remote: RemoteBench) -> None:
    first = late_and_superseded(remote)
    newest = remote.change("alice", "New-3")
    remote.complete(first)
    assert len(remote.bench.events("lateWrite")) == 1
    assert remote.take().password.reveal() == "New-3"
    remote.complete(newest)
    assert remote.receive() is None


def test_after_a_late_write_what_is_stored_nowhere_cannot_go_out_again(remote: RemoteBench) -> None:
    first = late_and_superseded(remote)
    remote.bench.credentials.clear("RACF", "ALICE1", by=Actor("ops"))
    remote.complete(first)
    assert len(remote.bench.events("lateWrite")) == 1
    assert remote.receive() is None


def late_and_superseded(remote: RemoteBench) -> str:
    """The first of two changes, of which the adapter said nothing in time; the second is confirmed."""
    first = remote.change("alice", "Old-1")
    remote.take()
    second = remote.change("alice", "New-2")
    remote.bench.wait(RETRY)
    remote.take()
    remote.complete(second)
    return first


@pytest.mark.parametrize("retry_count", [1, 3])
def test_a_late_confirmation_does_not_replace_what_an_administrator_has_set(
    remote: RemoteBench, retry_count: int
) -> None:
    remote.declare(notifications=NotificationPolicy(retry_count=retry_count, retry_delay=RETRY))
    remote.bench.credentials.set("RACF", "ALICE1", Secret("Before-0"), by=Actor("ops"))
    remote.bench.wait(RETRY)
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.bench.wait(RETRY)
    remote.receive()
    remote.initialize()
    remote.bench.credentials.set("RACF", "ALICE1", Secret("Admin-2"), by=Actor("ops"))
    assert remote.complete(tracking_id).state.value == ("parked" if retry_count == 1 else "retrying")
    assert remote.bench.stored("RACF", "ALICE1") == "Admin-2"


def test_what_an_administrator_had_set_before_it_was_handed_out_is_replaced(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.bench.credentials.set("RACF", "ALICE1", Secret("Before-0"), by=Actor("ops"))
    remote.bench.wait(RETRY)
    remote.take()
    remote.initialize()
    assert remote.complete(tracking_id).state.value == "confirmed"
    assert remote.bench.stored("RACF", "ALICE1") == "New-1"


@pytest.mark.parametrize("how", ["initialize", "online"])
def test_a_new_session_or_the_word_that_it_is_online_ends_the_waiting_for_its_system(
    remote: RemoteBench, how: str
) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.complete(tracking_id, 7)
    assert remote.receive() is None
    if how == "initialize":
        remote.initialize()
    else:
        remote.report_status(is_online=True)
    assert remote.take().tracking_id == tracking_id


def test_a_newer_change_waits_for_the_older_one_that_is_handed_out(remote: RemoteBench) -> None:
    first = remote.change("alice", "New-1")
    remote.take()
    second = remote.change("alice", "New-2")
    assert remote.receive() is None
    remote.complete(first)
    assert remote.take().tracking_id == second


def test_no_more_than_the_adapter_allows_are_outstanding(remote: RemoteBench) -> None:
    remote.declare(notifications=NotificationPolicy(max_pending=1, retry_delay=RETRY))
    remote.change("alice", "New-1")
    remote.change("bob", "New-1")
    first = remote.take()
    assert remote.receive() is None
    remote.complete(first.tracking_id)
    assert remote.take().account == "BOB1"


@pytest.mark.parametrize(
    ("error_code", "state", "code"),
    [
        (1, "parked", "passwordRejected"),
        (2, "parked", "accountUnknown"),
        (3, "parked", "accountRefused"),
        (4, "parked", "oldPasswordWrong"),
        (5, "retrying", "busy"),
        (6, "retrying", "unavailable"),
        (7, "retrying", "channelRefused"),
        (8, "retrying", "indeterminate"),
        (-2147467259, "retrying", "indeterminate"),
    ],
)
def test_each_error_code_has_its_outcome(remote: RemoteBench, error_code: int, state: str, code: str) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    settled = remote.complete(tracking_id, error_code, "RACF says no")
    assert (settled.state.value, settled.code) == (state, code)
    assert settled.message.endswith("RACF says no")
    assert remote.complete(tracking_id, error_code, "RACF says no") == settled


def test_an_error_code_that_is_not_ours_is_kept(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    assert remote.complete(tracking_id, 4711).directory_code == "4711"


@pytest.mark.parametrize("words", ["refused NEW-PW-2", "refused New%2DPw-2", "refused it after Old-Pw-1"])
def test_words_that_hold_a_password_that_the_adapter_was_told_are_withheld(remote: RemoteBench, words: str) -> None:
    remote.declare(send_old_password=True)
    first = remote.change("alice", "Old-Pw-1")
    remote.take()
    remote.complete(first)
    second = remote.change("alice", "New-Pw-2")
    remote.take()
    assert remote.complete(second, 1, words).message.endswith(WITHHELD)


def test_an_adapter_finds_out_no_password_that_it_was_not_told(remote: RemoteBench) -> None:
    first = remote.change("alice", "Old-Pw-1")
    remote.take()
    remote.complete(first)
    second = remote.change("alice", "New-Pw-2")
    remote.take()
    assert remote.complete(second, 5, "Old-Pw-0 Old-Pw-1 Old-Pw-2").message.endswith("Old-Pw-0 Old-Pw-1 Old-Pw-2")


def test_while_its_system_is_away_an_adapter_gets_a_trial_now_and_then(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    for _ in range(10):
        remote.take()
        assert remote.complete(tracking_id, 6).state.value == "retrying"
        assert not remote.is_online()
        assert not isinstance(remote.receive(), PasswordNotification)
        remote.bench.wait(timedelta(minutes=1))
    remote.take()
    assert remote.complete(tracking_id).state.value == "confirmed"
    assert remote.is_online()


def test_a_confirmation_does_not_contradict_the_adapter_s_own_word(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.report_status(is_online=False)
    remote.complete(tracking_id)
    assert not remote.is_online()


def test_an_unknown_tracking_id_is_an_error_and_recorded(remote: RemoteBench) -> None:
    waiting = remote.change("alice", "New-1")
    for unknown in ("id-nobody", waiting, ""):
        with pytest.raises(TrackingIdUnknown, match="handed no notification"):
            remote.complete(unknown)
    assert remote.refusals() == [("complete", "trackingIdUnknown")]


def test_of_two_accounts_of_one_change_the_completion_names_one(remote: RemoteBench) -> None:
    remote.declare(allow_mapping_conflicts=True)
    remote.bench.put(Kind.APPLICATION, "RACF2", Application(adapter="racf"))
    remote.bench.map("RACF2", "alice", "ALICE2")
    tracking_id = remote.change("alice", "New-1")
    assert {remote.take().account, remote.take().account} == {"ALICE1", "ALICE2"}
    with pytest.raises(InvalidInput, match="several accounts"):
        remote.complete(tracking_id)
    with pytest.raises(TrackingIdUnknown):
        remote.complete(tracking_id, account="BOB1")
    for account in ("ALICE1", "ALICE2"):
        assert remote.complete(tracking_id, account=account).account.name == account
    assert remote.bench.outcome(tracking_id) == ("completed", "")


def test_what_cannot_be_handed_out_is_parked_and_the_next_one_handed_out(remote: RemoteBench) -> None:
    first = remote.change("alice", "New-1")
    remote.change("bob", "New-1")
    with remote.bench.store.write() as tx:
        delivery = tx.deliveries.of_change(first)[0]
        tx.deliveries.save(replace(delivery, sealed_password=b"broken"))
    assert remote.take().account == "BOB1"
    assert states(remote, first) == ["parked"]


def test_what_was_handed_out_is_what_is_confirmed_whatever_the_filter_has_become(remote: RemoteBench) -> None:
    remote.declare(filter="upper")
    remote.bench.password_filter("upper", PasswordFilter((Case("upper"),)))
    tracking_id = remote.change("alice", "New-1")
    with remote.bench.store.write() as tx:  # as after a release: to be made from the change's own password
        delivery = tx.deliveries.of_change(tracking_id)[0]
        tx.deliveries.save(replace(delivery, sealed_password=None))
    assert remote.take().password.reveal() == "NEW-1"
    remote.bench.password_filter("upper", PasswordFilter((Case("lower"),)))
    remote.complete(tracking_id)
    assert remote.bench.stored("RACF", "ALICE1") == "NEW-1"


def test_the_time_of_a_change_that_is_gone_is_that_of_its_delivery(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    with remote.bench.store.write() as tx:
        delivery = tx.deliveries.of_change(tracking_id)[0]
        tx.deliveries.save(replace(delivery, tracking_id="id-gone"))
    assert remote.take().occurred_at == delivery.created_at


def test_an_adapter_is_asked_for_its_status_now_and_then(remote: RemoteBench) -> None:
    remote.bench.wait(STATUS_INTERVAL)
    assert remote.receive() == StatusRequest()
    assert remote.receive() is None
    remote.bench.wait(STATUS_INTERVAL)
    remote.change("alice", "New-1")
    remote.take()  # a password goes first
    assert remote.receive() == StatusRequest()


def test_a_delivery_that_vanishes_meanwhile_is_answered_as_it_was(remote: RemoteBench) -> None:
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.bench.operations.discard(remote.bench.deliveries(tracking_id), by=Actor("ops"))
    assert remote.complete(tracking_id).state.value == "expired"
