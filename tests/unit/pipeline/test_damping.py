"""Echoes, repeats, stale reports, and changes that only look like them (decision 7, T1-T4)."""

from datetime import timedelta

import pytest

from controller.model.errors import Indeterminate, Refused, Unavailable
from tests.doubles.pipeline import OPEN_ADAPTER, START, PipelineBench


@pytest.fixture
def mapped(bench: PipelineBench) -> PipelineBench:
    """Alice is mapped on the adapter ``ldap``."""
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    return bench


def test_a_repeat_is_damped(mapped: PipelineBench) -> None:
    mapped.windows("alice", "New-1")
    mapped.settle()
    repeat = mapped.windows("alice", "New-1")
    mapped.settle()
    assert mapped.outcome(repeat) == ("discarded", "damped")
    assert len(mapped.directories["adapter/ldap"].writes) == 1


def test_a_b_a_within_seconds_are_three_changes(mapped: PipelineBench) -> None:
    for password in ("A-1", "B-1", "A-1"):
        mapped.windows("alice", password)
        mapped.settle()
    assert [w.password for w in mapped.directories["adapter/ldap"].writes] == ["A-1", "B-1", "A-1"]


def test_a_b_a_reported_before_anything_is_routed_ends_on_the_last(mapped: PipelineBench) -> None:
    mapped.windows("alice", "A-1")
    mapped.settle()
    for password in ("B-1", "A-1"):
        mapped.windows("alice", password)
    mapped.settle()
    assert mapped.password("adapter/ldap", "alice") == "A-1"


def test_the_echo_of_a_delivery_goes_nowhere(full: PipelineBench) -> None:
    full.external("ldap", "alice", "New-1")
    full.settle()
    echoes = [full.windows("alice", "New-1"), full.external("racf", "ALICE1", "New-1")]
    full.settle()
    assert [full.outcome(e) for e in echoes] == [("discarded", "damped")] * 2
    assert full.directories["adapter/ldap"].writes == []
    assert [w.password for w in full.directories["domain/CORP"].writes] == ["New-1"]


def test_an_echo_that_is_faster_than_the_confirmation_is_damped(full: PipelineBench) -> None:
    echoes: list[str] = []
    full.directories["domain/CORP"].gate = lambda _: echoes.append(full.windows("alice", "New-1"))
    full.external("ldap", "alice", "New-1")
    full.settle()
    assert [full.outcome(e) for e in echoes] == [("discarded", "damped")]


def test_a_differing_change_right_after_an_echo_goes_through(full: PipelineBench) -> None:
    full.external("ldap", "alice", "New-1")
    full.settle()
    full.directories["domain/CORP"].accounts["alice"] = "New-2"
    change = full.windows("alice", "New-2")
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert full.password("adapter/ldap", "alice") == full.password("adapter/racf", "ALICE1") == "New-2"


def test_a_report_older_than_the_last_by_the_source_s_own_time_is_stale(mapped: PipelineBench) -> None:
    mapped.windows("alice", "New-2", at=START - timedelta(minutes=1))
    mapped.settle()
    late = mapped.windows("alice", "New-1", at=START - timedelta(minutes=2))
    mapped.settle()
    assert mapped.outcome(late) == ("discarded", "stale")
    assert mapped.password("adapter/ldap", "alice") == "New-2"
    newer = mapped.windows("alice", "New-3", at=START)
    mapped.settle()
    assert mapped.outcome(newer) == ("completed", "")


def test_a_report_from_before_our_own_write_is_stale_beyond_what_clocks_may_differ(full: PipelineBench) -> None:
    full.external("ldap", "alice", "New-1")
    full.settle()
    full.directories["domain/CORP"].accounts["alice"] = "New-2"
    within = full.windows("alice", "New-2", at=START - timedelta(minutes=4))
    full.settle()
    assert full.outcome(within) == ("completed", "")
    full.wait(timedelta(hours=1))
    full.external("ldap", "alice", "New-3")
    full.settle()
    beyond = full.windows("alice", "New-4", at=START)
    full.settle()
    assert full.outcome(beyond) == ("discarded", "stale")


def test_a_source_s_time_in_the_future_is_taken_as_now(mapped: PipelineBench) -> None:
    change = mapped.windows("alice", "New-1", at=START + timedelta(days=9))
    assert mapped.change(change).occurred_at == START


def test_a_change_older_than_the_maximum_sync_age_is_refused_on_arrival(mapped: PipelineBench) -> None:
    with pytest.raises(Refused) as refused:
        mapped.windows("alice", "New-1", at=START - timedelta(hours=25))
    assert refused.value.reason == "expired"


def test_a_target_that_has_the_password_already_is_not_written(mapped: PipelineBench) -> None:
    mapped.external("ldap", "alice", "New-1")
    mapped.settle()
    change = mapped.windows("alice", "New-1")
    mapped.settle()
    assert mapped.outcome(change) == ("completed", "")
    assert mapped.directories["adapter/ldap"].writes == []


def test_a_change_back_to_what_is_in_force_takes_a_pending_delivery_out(mapped: PipelineBench) -> None:
    mapped.windows("alice", "A-1")
    mapped.settle()
    between = mapped.windows("alice", "B-1")
    mapped.route()
    mapped.windows("alice", "A-1")
    mapped.settle()
    assert mapped.outcome(between) == ("discarded", "superseded")
    assert [w.password for w in mapped.directories["adapter/ldap"].writes] == ["A-1"]


def test_what_an_unanswered_write_left_behind_is_not_taken_as_in_force(mapped: PipelineBench) -> None:
    directory = mapped.directories["adapter/ldap"]
    mapped.windows("alice", "A-1")
    mapped.settle()
    directory.fail_next(Indeterminate("no answer"), when="after")
    mapped.windows("alice", "B-1")
    mapped.settle()
    assert directory.accounts["alice"] == "B-1"
    mapped.windows("alice", "A-1")
    mapped.settle()
    assert directory.accounts["alice"] == "A-1"


def test_a_report_during_our_write_is_put_back_when_our_write_came_last(full: PipelineBench) -> None:
    full.domain(password_change="reset")
    late: list[str] = []

    def overtake(_: str) -> None:
        if not late:
            late.append(full.windows("alice", "Newer"))
            full.route()

    full.directories["domain/CORP"].gate = overtake
    full.external("ldap", "alice", "Older")
    full.settle()
    assert full.password("domain/CORP", "alice") == "Newer"
    assert full.password("adapter/ldap", "alice") == full.password("adapter/racf", "ALICE1") == "Newer"


def test_a_report_during_our_write_is_left_alone_when_it_is_in_force(bench: PipelineBench) -> None:
    directory = bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    bench.windows("alice", "Older")
    bench.route()
    directory.fail_next(Unavailable("away"))

    def overtake(_: str) -> None:
        directory.gate = lambda _: None
        directory.accounts["alice"] = "Newer"
        bench.external("ldap", "alice", "Newer")
        bench.route()

    directory.gate = overtake
    bench.settle()
    bench.wait(timedelta(minutes=5))
    bench.settle()
    assert directory.accounts["alice"] == "Newer"
    assert directory.writes == []


def test_a_windows_change_received_before_a_newer_external_one_does_not_undo_it(full: PipelineBench) -> None:
    full.directories["domain/CORP"].accounts["alice"] = "First"
    full.windows("alice", "First")
    full.directories["adapter/ldap"].accounts["alice"] = "Second"
    full.external("ldap", "alice", "Second")
    full.settle()
    assert full.password("adapter/ldap", "alice") == full.password("domain/CORP", "alice") == "Second"
    assert full.password("adapter/racf", "ALICE1") == "Second"
    assert full.stored("LDAP", "alice") == full.stored("RACF", "ALICE1") == full.stored_windows("alice") == "Second"


def test_an_external_change_received_before_a_newer_windows_one_does_not_undo_it(full: PipelineBench) -> None:
    full.directories["adapter/ldap"].accounts["alice"] = "First"
    older = full.external("ldap", "alice", "First")
    full.directories["domain/CORP"].accounts["alice"] = "Second"
    full.windows("alice", "Second")
    full.settle()
    assert full.outcome(older) == ("discarded", "superseded")
    assert full.password("adapter/ldap", "alice") == full.password("domain/CORP", "alice") == "Second"
    assert full.password("adapter/racf", "ALICE1") == "Second"
    assert full.stored("LDAP", "alice") == full.stored("RACF", "ALICE1") == full.stored_windows("alice") == "Second"
