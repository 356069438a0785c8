"""Sessions of remote adapters: who may call, in which session, and who has fallen silent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.accounts import Account
from controller.model.actor import Actor
from controller.model.credential import Fingerprint
from controller.model.delivery import Delivery
from controller.model.errors import NotFound, PwsyncError, Refused, WrongSession, WrongState
from controller.model.notification import PasswordNotification
from controller.model.session import KEEP_ALIVE, Presence
from controller.model.topology import Access, ConnectorSpec, Kind
from controller.model.words import WITHHELD
from controller.pipeline.refusals import QUIET
from controller.store.deliveries import SqlDeliveries
from controller.store.fingerprints import SqlFingerprints
from tests.doubles.pipeline import PipelineBench
from tests.doubles.remote import RETRY, RemoteBench

MOMENT = timedelta(seconds=1)


@pytest.fixture
def remote(bench: PipelineBench) -> RemoteBench:
    """A remote adapter that has not been initialized yet."""
    return RemoteBench(bench)


def offline_code(remote: RemoteBench) -> str:
    """Why the adapter is offline."""
    with remote.bench.store.read() as tx:
        known = tx.lanes.get("adapter/racf")
    return "" if known is None else known.code


def all_calls(remote: RemoteBench) -> list[Callable[[], object]]:
    """Every call that needs a session."""
    return [
        remote.receive,
        lambda: remote.complete("id"),
        lambda: remote.report_status(is_online=True),
        remote.shut_down,
    ]


def test_the_first_session_is_no_reconnect_and_the_next_one_is(remote: RemoteBench) -> None:
    assert not remote.initialize()
    assert remote.initialize()
    assert [event.fields["reconnected"] for event in remote.bench.events("adapterConnected")] == [True, False]


def test_a_session_outlives_the_controller(remote: RemoteBench) -> None:
    remote.initialize()
    remote.restart()
    remote.change("alice", "New-1")
    assert remote.take().account == "ALICE1"


def test_without_a_session_every_call_is_in_the_wrong_state(remote: RemoteBench) -> None:
    for call in all_calls(remote):
        with pytest.raises(WrongState, match="not been initialized"):
            call()
    assert remote.refusals() == [(name, "wrongState") for name in ("receive", "complete", "reportStatus", "shutDown")]


def test_a_call_that_names_no_session_is_in_the_wrong_state(remote: RemoteBench) -> None:
    remote.initialize()
    with pytest.raises(WrongState):
        remote.notifications.receive(remote.call("receive", session=""))


def test_a_replaced_session_is_the_wrong_one_for_every_call(remote: RemoteBench) -> None:
    remote.initialize()
    first = remote.session
    remote.initialize()
    second, remote.session = remote.session, first
    for call in all_calls(remote):
        with pytest.raises(WrongSession, match="another session"):
            call()
    assert [reason for _, reason in remote.refusals()] == ["wrongSession"] * 4
    remote.session = second
    assert remote.receive() is None


def test_a_new_session_gets_again_what_the_old_one_had_not_confirmed(remote: RemoteBench) -> None:
    remote.initialize()
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.initialize()
    remote.bench.wait(RETRY)
    again = remote.take()
    assert (again.tracking_id, again.is_redelivered) == (tracking_id, True)


def test_a_new_session_may_confirm_what_the_old_one_had_been_handed(remote: RemoteBench) -> None:
    remote.initialize()
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.initialize()
    assert remote.complete(tracking_id).state.value == "confirmed"


def test_nothing_newer_is_handed_out_while_a_replaced_session_may_still_write(remote: RemoteBench) -> None:
    remote.initialize()
    older = remote.change("alice", "Old-1")
    remote.take()
    remote.bench.wait(MOMENT)
    remote.initialize()
    remote.change("bob", "New-1")
    newer = remote.change("alice", "New-2")
    assert remote.take().account == "BOB1"
    assert remote.receive() is None
    remote.bench.wait(RETRY - 2 * MOMENT)
    assert remote.receive() is None
    remote.bench.wait(MOMENT)
    assert remote.take().tracking_id == newer
    assert remote.bench.outcome(older) == ("discarded", "superseded")


def test_so_it_is_after_a_shutdown_also_when_the_newer_change_waited_before(remote: RemoteBench) -> None:
    remote.initialize()
    remote.change("alice", "Old-1")
    remote.take()
    newer = remote.change("alice", "New-2")
    remote.shut_down()
    remote.initialize()
    assert remote.receive() is None
    remote.bench.wait(RETRY)
    assert remote.take().tracking_id == newer


def test_an_operator_s_retry_waits_for_a_replaced_session_too(remote: RemoteBench) -> None:
    remote.initialize()
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    remote.initialize()
    remote.bench.operations.retry(remote.bench.deliveries(tracking_id), by=Actor("ops"))
    assert remote.receive() is None
    remote.bench.wait(RETRY)
    assert remote.take().tracking_id == tracking_id


def test_what_is_too_old_is_not_given_up_while_a_replaced_session_may_still_write(remote: RemoteBench) -> None:
    remote.initialize()
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    with remote.bench.store.write() as tx:
        delivery = tx.deliveries.of_change(tracking_id)[0]
        tx.deliveries.save(replace(delivery, expires_at=tx.now + MOMENT))
    remote.initialize()
    remote.bench.wait(2 * MOMENT)
    with remote.bench.store.read() as tx:
        assert tx.deliveries.overdue(10) == []
    remote.bench.wait(RETRY)
    with remote.bench.store.read() as tx:
        assert [found.id for found in tx.deliveries.overdue(10)] == [delivery.id]


@pytest.mark.parametrize("how", ["overdue", "restart"])
def test_all_accounts_are_locked_in_their_order_before_the_first_is_given_back(
    remote: RemoteBench, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    remote.initialize()
    for user in ("bob", "alice"):
        remote.change(user, "New-1")
        remote.take()
    remote.bench.wait(RETRY)
    steps: list[str] = []
    lock, save = SqlFingerprints.get, SqlDeliveries.save

    def note_lock(self: SqlFingerprints, account: Account) -> Fingerprint:
        steps.append(account.name)
        return lock(self, account)

    def note_save(self: SqlDeliveries, delivery: Delivery, *, lease: str | None = None) -> bool:
        steps.append("save")
        return save(self, delivery, lease=lease)

    monkeypatch.setattr(SqlFingerprints, "get", note_lock)
    monkeypatch.setattr(SqlDeliveries, "save", note_save)
    if how == "overdue":
        remote.receive()
    else:
        remote.initialize()
    assert steps[: steps.index("save")][:2] == ["ALICE1", "BOB1"]


def test_restarts_use_up_no_tries(remote: RemoteBench) -> None:
    remote.initialize()
    tracking_id = remote.change("alice", "New-1")
    for _ in range(10):
        remote.take()
        remote.initialize()
        remote.bench.wait(RETRY)
    assert remote.bench.deliveries(tracking_id)[0].counted_attempts == 0
    assert remote.take().is_redelivered


def test_what_was_settled_meanwhile_is_not_given_back(remote: RemoteBench, monkeypatch: pytest.MonkeyPatch) -> None:
    remote.initialize()
    remote.change("alice", "New-1")
    remote.take()
    monkeypatch.setattr(SqlDeliveries, "save", lambda *_, **__: False)
    assert remote.shut_down() == 0


def test_shutting_down_gives_back_what_is_outstanding_and_the_adapter_is_offline(remote: RemoteBench) -> None:
    remote.initialize()
    remote.change("alice", "New-1")
    remote.change("bob", "New-1")
    remote.take()
    remote.take()
    assert remote.shut_down() == 2
    assert not remote.is_online()
    assert offline_code(remote) == "shutDown"
    with pytest.raises(WrongState):
        remote.receive()
    assert not remote.initialize()
    assert remote.is_online()
    remote.bench.wait(RETRY)
    assert {remote.take().account, remote.take().account} == {"ALICE1", "BOB1"}


def test_an_adapter_that_says_it_is_offline_is_handed_nothing_until_it_says_otherwise(remote: RemoteBench) -> None:
    remote.initialize()
    remote.change("alice", "New-1")
    remote.report_status(is_online=False, error_code=6, message="RACF is down")
    assert remote.receive() is None
    event = remote.bench.events("adapterOffline")[0]
    assert (event.adapter, event.fields["code"], event.fields["message"]) == ("racf", "unavailable", "RACF is down")
    remote.report_status(is_online=True)
    assert remote.take().account == "ALICE1"
    assert len(remote.bench.events("adapterOnline")) == 1


def test_a_reason_of_its_own_is_told_as_reported(remote: RemoteBench) -> None:
    remote.initialize()
    remote.report_status(is_online=False, error_code=4711)
    assert offline_code(remote) == "reported"


def offline_message(remote: RemoteBench) -> str:
    """The newest words about an adapter that is offline."""
    message: str = remote.bench.events("adapterOffline")[0].fields["message"]
    return message


@pytest.mark.parametrize("is_returned", [False, True])
def test_a_status_that_holds_a_password_that_was_handed_out_is_withheld(
    remote: RemoteBench, *, is_returned: bool
) -> None:
    remote.initialize()
    remote.change("alice", "Pass word-1")
    remote.take()
    if is_returned:
        remote.initialize()
    remote.report_status(is_online=False, message="could not set 'pass%20WORD-1' for ALICE1")
    assert offline_message(remote) == WITHHELD


def test_a_status_is_compared_with_no_password_that_was_not_handed_out(remote: RemoteBench) -> None:
    remote.initialize()
    for user in ("alice", "bob"):
        remote.change(user, f"Secret-of-{user}")
    words = "Secret-of-" + ("bob" if remote.take().account == "ALICE1" else "alice")
    remote.report_status(is_online=False, message=words)
    assert offline_message(remote) == words


def test_a_status_is_withheld_when_a_password_that_was_handed_out_cannot_be_opened(remote: RemoteBench) -> None:
    remote.initialize()
    tracking_id = remote.change("alice", "New-1")
    remote.take()
    with remote.bench.store.write() as tx:
        delivery = tx.deliveries.of_change(tracking_id)[0]
        tx.deliveries.save(replace(delivery, sealed_password=b"broken"), lease=delivery.lease)
    remote.report_status(is_online=False, message="RACF is down")
    assert offline_message(remote) == WITHHELD


def test_a_status_is_one_line(remote: RemoteBench) -> None:
    remote.initialize()
    remote.report_status(is_online=False, message="down\x1b[2J\nup")
    assert offline_message(remote) == "down [2J up"


def test_an_adapter_that_makes_no_call_falls_silent_and_its_next_call_brings_it_back(remote: RemoteBench) -> None:
    remote.initialize()
    remote.sessions.watch()
    remote.change("alice", "New-1")
    remote.take()
    remote.bench.wait(KEEP_ALIVE + MOMENT)
    remote.sessions.watch()
    remote.sessions.watch()
    assert offline_code(remote) == "silent"
    assert len(remote.bench.events("adapterOffline")) == 1
    remote.bench.wait(RETRY)
    assert isinstance(remote.receive(), PasswordNotification)
    assert remote.is_online()


def test_an_adapter_that_calls_now_and_then_stays_online(remote: RemoteBench) -> None:
    remote.initialize()
    for _ in range(5):
        remote.sessions.watch()
        remote.bench.wait(KEEP_ALIVE - MOMENT)
        remote.receive()
    assert remote.bench.events("adapterOffline") == []


def test_after_the_controller_was_away_an_adapter_has_time_to_come_back(remote: RemoteBench) -> None:
    remote.initialize()
    remote.bench.wait(timedelta(hours=1))
    remote.restart()
    remote.sessions.watch()
    assert remote.is_online()


def test_an_adapter_that_comes_back_while_it_is_looked_at_is_not_silent(remote: RemoteBench) -> None:
    remote.initialize()
    remote.sessions.watch()
    remote.bench.wait(KEEP_ALIVE + MOMENT)
    remote.receive()
    with remote.bench.store.write() as tx:
        remote.sessions._note_absent(tx, "racf")
    assert remote.is_online()


def test_an_adapter_that_was_never_initialized_is_offline(remote: RemoteBench) -> None:
    remote.sessions.watch()
    remote.sessions.watch()
    assert offline_code(remote) == "notInitialized"
    assert len(remote.bench.events("adapterOffline")) == 1


def test_of_an_adapter_that_is_disabled_nothing_is_told(remote: RemoteBench) -> None:
    remote.declare(enabled=False)
    remote.sessions.watch()
    assert remote.bench.events("adapterOffline") == []


def test_a_disabled_adapter_is_refused_every_call(remote: RemoteBench) -> None:
    remote.initialize()
    remote.declare(enabled=False)
    calls: list[Callable[[], object]] = [remote.initialize, *all_calls(remote), lambda: remote.expire("ALICE1")]
    for call in calls:
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.reason == "adapterDisabled"
    names = ["initialize", "receive", "complete", "reportStatus", "shutDown", "reportExpired"]
    assert remote.refusals() == [(name, "adapterDisabled") for name in names]


def test_who_may_only_report_is_handed_no_passwords_when_the_adapter_becomes_a_remote_one(remote: RemoteBench) -> None:
    remote.declare(access=Access(users=("agent",), receivers=("host",)), sync_from_adapter=True)
    remote.change("alice", "New-1")
    with pytest.raises(Refused, match="agent is not a receiver") as caught:
        remote.initialize()
    assert caught.value.reason == "callerNotAllowed"
    assert remote.expire("ALICE1") == []  # a report
    with pytest.raises(Refused, match="host is not a user"):
        remote.expire("ALICE1", by="host")
    session, _ = remote.sessions.initialize(remote.call("initialize", by="host"))
    found = remote.notifications.receive(remote.call("receive", by="host", session=session.id))
    assert isinstance(found, PasswordNotification)


def test_only_a_receiver_of_the_adapter_may_call(remote: RemoteBench) -> None:
    with pytest.raises(Refused) as caught:
        remote.sessions.initialize(remote.call("initialize", by="stranger"))
    assert caught.value.reason == "callerNotAllowed"
    assert remote.stored_session() is None
    assert remote.refusals() == [("initialize", "callerNotAllowed")]


def test_a_refusal_is_recorded_once_a_minute_however_often_it_is_repeated(remote: RemoteBench) -> None:
    def refuse(by: str) -> None:
        for _ in range(3):
            with pytest.raises(Refused):
                remote.sessions.initialize(remote.call("initialize", by=by))

    refuse("stranger")
    refuse("passer-by")
    assert [e.fields["caller"] for e in remote.bench.events("adapterCallRefused")] == ["passer-by", "stranger"]
    remote.bench.wait(QUIET)
    refuse("stranger")
    assert len(remote.bench.events("adapterCallRefused")) == 3


def test_an_adapter_whose_connector_runs_here_has_no_session(remote: RemoteBench) -> None:
    remote.declare(connector=ConnectorSpec("memory"))
    with pytest.raises(Refused) as caught:
        remote.initialize()
    assert caught.value.reason == "notRemote"


def test_an_adapter_that_is_not_there_is_not_found(remote: RemoteBench) -> None:
    with pytest.raises(NotFound):
        remote.sessions.initialize(remote.call("initialize", adapter="nobody"))
    remote.bench.remove(Kind.ADAPTER, "racf")
    with pytest.raises(PwsyncError):
        remote.initialize()


def test_a_status_report_keeps_an_adapter_from_being_asked(remote: RemoteBench) -> None:
    remote.initialize()
    remote.report_status(is_online=True)
    session = remote.stored_session()
    assert session is not None
    assert session.presence is Presence.ONLINE
    assert not session.wants_status(remote.bench.now)
