"""Reports that a password has expired in the external system."""

import pytest

from controller.model.actor import Actor
from controller.model.errors import NotFound, Refused
from controller.model.topology import ConnectorSpec
from tests.doubles.pipeline import PipelineBench
from tests.doubles.remote import RemoteBench


@pytest.fixture
def remote(bench: PipelineBench) -> RemoteBench:
    """A remote adapter whose account ALICE1 has a stored password."""
    made = RemoteBench(bench)
    made.initialize()
    tracking_id = made.change("alice", "New-1")
    made.take()
    made.complete(tracking_id)
    return made


def is_expired(remote: RemoteBench) -> bool:
    """Whether the stored password of ALICE1 is marked."""
    view = remote.bench.credentials.show("RACF", "ALICE1", reveals=False, by=Actor("test"))
    return view.expired_at is not None


def test_the_credential_is_marked_and_the_report_recorded(remote: RemoteBench) -> None:
    assert remote.expire("ALICE1") == ["RACF"]
    assert is_expired(remote)
    event = remote.bench.events("passwordExpired")[0]
    assert (event.adapter, event.account, event.fields["application"]) == ("racf", "ALICE1", "RACF")


def test_what_is_marked_already_is_answered_alike_and_recorded_once(remote: RemoteBench) -> None:
    assert remote.expire("ALICE1") == remote.expire("ALICE1") == ["RACF"]
    assert len(remote.bench.events("passwordExpired")) == 1


def test_the_next_password_takes_the_mark_away(remote: RemoteBench) -> None:
    remote.expire("ALICE1")
    tracking_id = remote.change("alice", "New-2")
    remote.take()
    remote.complete(tracking_id)
    assert not is_expired(remote)


def test_where_nothing_is_stored_nothing_is_marked(remote: RemoteBench) -> None:
    assert remote.expire("BOB1") == []
    assert remote.bench.events("passwordExpired") == []


def test_an_account_that_is_not_mapped_is_not_found(remote: RemoteBench) -> None:
    with pytest.raises(NotFound, match="maps this account"):
        remote.expire("NOBODY")


def test_it_needs_what_a_reported_change_needs(remote: RemoteBench) -> None:
    remote.declare(sync_from_adapter=False)
    with pytest.raises(Refused) as caught:
        remote.expire("ALICE1")
    assert caught.value.reason == "syncFromAdapterOff"
    assert remote.refusals() == [("reportExpired", "syncFromAdapterOff")]


def test_an_adapter_whose_connector_runs_here_may_report_too(remote: RemoteBench) -> None:
    remote.declare(connector=ConnectorSpec("memory"))
    assert remote.expire("ALICE1") == ["RACF"]
