"""A newer change follows an attempt of which nobody knows whether it arrived (decisions 5 and 6, Q10)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.constraints import Capabilities
from controller.model.errors import AccountRefused, Busy, Indeterminate
from controller.model.topology import Kind, NotificationPolicy
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import FULL_ADAPTER, PipelineBench

WINDOWS = "domain/CORP"


@pytest.fixture
def windows(full: PipelineBench) -> MemoryDirectory:
    """Windows, which takes a change with the old password only."""
    return full.directories[WINDOWS]


def _lose_an_answer(bench: PipelineBench, windows: MemoryDirectory, *, is_applied: bool) -> str:
    windows.fail_next(Indeterminate("no answer"), when="after" if is_applied else "before")
    older = bench.external("ldap", "alice", "New-1")
    bench.settle()
    return older


def test_one_that_had_arrived_gives_the_old_password_of_the_next(full: PipelineBench, windows: MemoryDirectory) -> None:
    older = _lose_an_answer(full, windows, is_applied=True)
    newer = full.external("ldap", "alice", "New-2")
    full.settle()
    assert [full.outcome(change)[0] for change in (older, newer)] == ["completed", "completed"]
    assert full.password(WINDOWS, "alice") == full.stored_windows("alice") == "New-2"
    assert windows.probes == [("alice", "New-1")]


def test_it_does_not_go_on_to_the_other_systems(full: PipelineBench, windows: MemoryDirectory) -> None:
    _lose_an_answer(full, windows, is_applied=True)
    full.external("ldap", "alice", "New-2")
    full.settle()
    assert [write.password for write in full.directories["adapter/racf"].writes] == ["New-2"]


def test_one_that_had_not_arrived_is_never_made(full: PipelineBench, windows: MemoryDirectory) -> None:
    older = _lose_an_answer(full, windows, is_applied=False)
    newer = full.external("ldap", "alice", "New-2")
    full.settle()
    assert full.outcome(older) == ("discarded", "superseded")
    assert full.outcome(newer)[0] == "completed"
    assert [write.password for write in windows.writes] == ["New-2"]


def test_a_target_that_needs_no_old_password_is_not_asked(full: PipelineBench) -> None:
    full.domain(password_change="reset")
    windows = full.directories[WINDOWS]
    older = _lose_an_answer(full, windows, is_applied=True)
    full.external("ldap", "alice", "New-2")
    full.settle()
    assert windows.probes == []
    assert full.outcome(older) == ("discarded", "superseded")
    assert full.password(WINDOWS, "alice") == "New-2"


def test_a_target_that_cannot_tell_is_not_asked_again(full: PipelineBench, windows: MemoryDirectory) -> None:
    full.capabilities[WINDOWS] = Capabilities(needs_old_password=True, can_verify=False)
    older = _lose_an_answer(full, windows, is_applied=False)
    newer = full.external("ldap", "alice", "New-2")
    full.settle()
    assert full.outcome(older) == ("discarded", "superseded")
    assert full.outcome(newer)[0] == "completed"


@pytest.mark.parametrize(("error", "is_superseded"), [(AccountRefused, True), (Busy, False)])
def test_a_target_that_is_away_is_asked_when_it_is_back_and_one_that_does_not_tell_is_not(
    full: PipelineBench, windows: MemoryDirectory, error: type[AccountRefused] | type[Busy], *, is_superseded: bool
) -> None:
    older = _lose_an_answer(full, windows, is_applied=True)
    full.external("ldap", "alice", "New-2")
    full.route()
    windows.fail_probe(error("not now"))
    full.deliver(WINDOWS, most=1)
    assert (full.outcome(older)[0] == "discarded") is is_superseded


def test_while_it_is_away_nothing_overtakes(full: PipelineBench, windows: MemoryDirectory) -> None:
    older = _lose_an_answer(full, windows, is_applied=True)
    newer = full.external("ldap", "alice", "New-2")
    with windows.down():
        full.settle()
        assert [full.outcome(change)[0] for change in (older, newer)] == ["accepted", "accepted"]
    full.wait(timedelta(minutes=2))
    full.settle()
    assert full.password(WINDOWS, "alice") == full.stored_windows("alice") == "New-2"


def test_one_that_was_given_up_is_asked_too(full: PipelineBench) -> None:
    full.capabilities[WINDOWS] = Capabilities(needs_old_password=False)
    send_old = replace(FULL_ADAPTER, send_old_password=True, notifications=NotificationPolicy(retry_count=1))
    full.put(Kind.ADAPTER, "racf", send_old)
    racf = full.directories["adapter/racf"]
    first = full.windows("alice", "New-0")
    full.settle()
    assert full.outcome(first)[0] == "completed"
    racf.fail_next(Indeterminate("no answer"), when="after")
    older = full.windows("alice", "New-1")
    full.settle()
    assert full.outcome(older) == ("failed", "deliveryParked")
    newer = full.windows("alice", "New-2")
    full.settle()
    assert [full.outcome(change)[0] for change in (older, newer)] == ["completed", "completed"]
    assert full.password("adapter/racf", "ALICE1") == full.stored("RACF", "ALICE1") == "New-2"


def test_one_that_is_too_old_is_taken_out_unasked(full: PipelineBench, windows: MemoryDirectory) -> None:
    older = _lose_an_answer(full, windows, is_applied=True)
    full.wait(timedelta(hours=23))
    full.external("ldap", "alice", "New-2")
    with windows.down():
        full.settle()
    full.wait(timedelta(hours=2))
    full.settle()
    assert full.outcome(older) == ("discarded", "superseded")


def test_one_whose_password_cannot_be_opened_is_taken_out(full: PipelineBench, windows: MemoryDirectory) -> None:
    older = _lose_an_answer(full, windows, is_applied=False)
    (delivery,) = [d for d in full.deliveries(older) if d.account.lane == WINDOWS]
    newer = full.external("ldap", "alice", "New-2")
    full.route()
    with full.store.write() as tx:
        known = tx.deliveries.get(delivery.id)
        assert known is not None
        tx.deliveries.save(replace(known, sealed_password=b"damaged"))
    full.settle()
    assert full.outcome(older) == ("discarded", "superseded")
    assert full.outcome(newer)[0] == "completed"


def test_a_write_whose_echo_has_come_is_not_expected_to_be_echoed_again(full: PipelineBench) -> None:
    full.domain(password_change="reset")
    windows = full.directories[WINDOWS]
    _lose_an_answer(full, windows, is_applied=True)
    assert full.outcome(full.windows("alice", "New-1")) == ("accepted", "")
    full.route()
    full.external("ldap", "alice", "New-2")
    full.settle()
    by_hand = full.windows("alice", "New-1")
    full.settle()
    assert full.outcome(by_hand)[0] == "completed"
    assert full.password("adapter/ldap", "alice") == "New-1"


def test_a_write_that_was_overtaken_by_a_report_may_still_be_echoed(full: PipelineBench) -> None:
    full.domain(password_change="reset")
    windows = full.directories[WINDOWS]
    _lose_an_answer(full, windows, is_applied=True)
    by_hand = full.windows("alice", "New-2")
    full.settle()
    late_echo = full.windows("alice", "New-1")
    full.settle()
    assert full.outcome(late_echo) == ("discarded", "stale")
    assert full.outcome(by_hand)[0] == "completed"
    assert full.password(WINDOWS, "alice") == full.password("adapter/ldap", "alice") == "New-2"
