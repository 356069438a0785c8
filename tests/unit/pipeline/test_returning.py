"""A user returns to a password that we wrote at the same account: her change, or the echo of our write (decision 7)?"""

from datetime import datetime, timedelta

import pytest

from controller.model.errors import Indeterminate
from controller.pipeline.dispatch import LEASE
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import PipelineBench

LANE = "adapter/racf"


@pytest.fixture
def racf(full: PipelineBench) -> MemoryDirectory:
    """RACF, which has A-1 from Windows since its answer was lost."""
    racf = full.directories[LANE]
    racf.fail_next(Indeterminate("no answer"), when="after")
    _in_windows(full, "A-1")
    full.settle()
    assert racf.accounts["ALICE1"] == "A-1"
    return racf


def _tick(bench: PipelineBench) -> datetime:
    bench.wait(timedelta(seconds=1))
    return bench.now


def _in_windows(bench: PipelineBench, password: str) -> None:
    bench.directories["domain/CORP"].accounts["alice"] = password
    bench.windows("alice", password, at=_tick(bench))


def _by_hand(bench: PipelineBench, racf: MemoryDirectory, password: str) -> str:
    racf.accounts["ALICE1"] = password
    return bench.external("racf", "ALICE1", password, at=_tick(bench))


def _agree_on(bench: PipelineBench, password: str) -> bool:
    names = {"domain/CORP": "alice", "adapter/ldap": "alice", LANE: "ALICE1"}
    return {bench.password(lane, name) for lane, name in names.items()} == {password}


@pytest.mark.parametrize("is_settled", [True, False])
def test_once_the_echo_has_come_a_return_is_a_change(
    full: PipelineBench, racf: MemoryDirectory, *, is_settled: bool
) -> None:
    echo = full.external("racf", "ALICE1", "A-1", at=_tick(full))
    _by_hand(full, racf, "B-1")
    full.route()
    if is_settled:
        full.settle()
    returned = _by_hand(full, racf, "A-1")
    full.settle()
    assert full.outcome(echo) == ("discarded", "damped")
    assert full.outcome(returned)[0] == "completed"
    assert _agree_on(full, "A-1")


def test_a_repetition_that_finds_the_password_has_no_echo_of_its_own(
    full: PipelineBench, racf: MemoryDirectory
) -> None:
    full.wait(timedelta(minutes=2))
    full.settle()
    assert racf.probes == [("ALICE1", "A-1")]
    full.external("racf", "ALICE1", "A-1", at=_tick(full))
    _by_hand(full, racf, "B-1")
    full.settle()
    returned = _by_hand(full, racf, "A-1")
    full.settle()
    assert full.outcome(returned)[0] == "completed"
    assert _agree_on(full, "A-1")


def test_a_write_whose_worker_died_is_no_second_one_when_it_is_only_asked_for(full: PipelineBench) -> None:
    racf = full.directories[LANE]
    _in_windows(full, "A-1")
    full.route()
    full.new_worker(LANE).step()
    full.restart()
    full.external("racf", "ALICE1", "A-1", at=_tick(full))
    _by_hand(full, racf, "B-1")
    full.route()
    full.wait(LEASE)
    full.new_worker(LANE).step()
    full.restart()
    returned = _by_hand(full, racf, "A-1")
    full.wait(LEASE)
    full.settle()
    assert full.outcome(returned)[0] == "completed"
    assert _agree_on(full, "A-1")


def test_while_the_echo_may_come_a_return_is_taken_for_it_and_no_echo_goes_anywhere(
    full: PipelineBench, racf: MemoryDirectory
) -> None:
    by_hand = _by_hand(full, racf, "B-1")
    full.route()
    echo = full.external("racf", "ALICE1", "A-1", at=_tick(full))
    full.settle()
    assert full.outcome(echo)[0] == "discarded"
    assert full.outcome(by_hand)[0] == "completed"
    assert _agree_on(full, "B-1")


def test_what_our_write_may_have_overtaken_is_put_there_also_when_a_newer_change_is_the_same(
    full: PipelineBench,
) -> None:
    racf = full.directories[LANE]
    _in_windows(full, "A-1")
    full.settle()
    full.external("racf", "ALICE1", "B-1", at=_tick(full))
    _in_windows(full, "B-1")
    full.settle()
    assert racf.accounts["ALICE1"] == "B-1"
    assert _agree_on(full, "B-1")
