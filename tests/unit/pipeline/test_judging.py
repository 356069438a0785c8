"""What a report is, by what is known of the account (decision 7), as a table of its own."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.change import PasswordChange, Reason
from controller.model.credential import Fingerprint, Write
from controller.pipeline.damping import absorb, accept, hear, judge, later_of, plausible
from controller.pipeline.echoes import CLOCK_TOLERANCE
from tests.doubles.pipeline import START

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32
CHANGE = PasswordChange("id", WindowsAccount("CORP", "alice"), "dc1", b"", None, None, START, sequence=7)
WINDOW = 2 * CLOCK_TOLERANCE
WROTE_A, WROTE_B, WROTE_C = (Write(password, 5, START, is_made=True) for password in (A, B, C))
WRITTEN = Fingerprint(in_force=A, sequence=5, set_by="delivery", set_at=START, writes=(WROTE_A,))
ECHOED = replace(WRITTEN, writes=())
REPORTED = Fingerprint(in_force=A, sequence=5, set_by="report", set_at=START)
IN_DOUBT, UNDER_WAY = Write(B, 6, START), Write(B, 6)


def _known(*writes: Write) -> Fingerprint:
    return replace(WRITTEN, writes=writes)


@pytest.mark.parametrize(
    ("known", "reported", "verdict"),
    [
        pytest.param(Fingerprint(), A, None, id="nothing known"),
        pytest.param(WRITTEN, A, Reason.DAMPED, id="echo"),
        pytest.param(ECHOED, A, Reason.DAMPED, id="repeat of an echo"),
        pytest.param(REPORTED, A, Reason.DAMPED, id="repeat"),
        pytest.param(replace(REPORTED, writes=(UNDER_WAY,)), B, Reason.DAMPED, id="echo before the confirmation"),
        pytest.param(replace(REPORTED, writes=(IN_DOUBT,)), B, Reason.DAMPED, id="echo of a write without an answer"),
        pytest.param(REPORTED, B, None, id="differs"),
        pytest.param(replace(REPORTED, sequence=8), B, Reason.STALE, id="a newer change is in force"),
        pytest.param(_known(WROTE_B, WROTE_A), B, Reason.STALE, id="late echo of a write that another followed"),
        pytest.param(_known(WROTE_A, WROTE_B, WROTE_A), A, Reason.DAMPED, id="late echo of the same password"),
    ],
)
def test_a_report_without_a_time_of_its_own(known: Fingerprint, reported: bytes, verdict: Reason | None) -> None:
    assert judge(known, reported, CHANGE) is verdict


@pytest.mark.parametrize(
    ("known", "after", "verdict"),
    [
        pytest.param(replace(REPORTED, occurred_at=START), timedelta(seconds=-1), Reason.STALE, id="before the last"),
        pytest.param(replace(REPORTED, occurred_at=START), timedelta(0), None, id="at the same moment"),
        pytest.param(REPORTED, -2 * CLOCK_TOLERANCE, None, id="clocks are not compared with a report's"),
        pytest.param(WRITTEN, -2 * CLOCK_TOLERANCE, Reason.STALE, id="long before our write"),
        pytest.param(WRITTEN, -CLOCK_TOLERANCE, None, id="within what clocks may differ"),
        pytest.param(replace(WRITTEN, set_at=None), -2 * CLOCK_TOLERANCE, None, id="no time to compare with"),
        pytest.param(_known(WROTE_B, WROTE_A), CLOCK_TOLERANCE, Reason.STALE, id="echo, as far as known"),
        pytest.param(_known(WROTE_B, WROTE_A), 2 * CLOCK_TOLERANCE, None, id="surely later: no echo"),
        pytest.param(_known(UNDER_WAY), 2 * CLOCK_TOLERANCE, Reason.DAMPED, id="as late as the write may be"),
    ],
)
def test_a_report_with_a_time_of_its_own(known: Fingerprint, after: timedelta, verdict: Reason | None) -> None:
    assert judge(known, B, replace(CHANGE, occurred_at=START + after)) is verdict


@pytest.mark.parametrize("known", [WRITTEN, replace(REPORTED, occurred_at=START)])
def test_a_time_from_before_the_store_s_clock_was_set_back_proves_nothing(known: Fingerprint) -> None:
    earlier = START - timedelta(hours=2)
    change = replace(CHANGE, received_at=earlier, occurred_at=earlier)
    assert judge(known, B, change) is None
    assert hear(known, B, change).occurred_at == earlier


def test_an_echo_is_expected_once() -> None:
    told = replace(CHANGE, occurred_at=START)
    echoed = absorb(_known(WROTE_B, WROTE_A), A, told)
    assert (echoed.writes, echoed.occurred_at, echoed.in_force) == ((), START, A)
    assert judge(echoed, B, replace(told, occurred_at=START + timedelta(seconds=1))) is None


def test_the_echo_of_a_write_without_an_answer_is_expected_once_too() -> None:
    echoed = absorb(replace(REPORTED, writes=(IN_DOUBT,)), B, replace(CHANGE, occurred_at=START))
    assert (echoed.in_force, echoed.sequence, echoed.set_by, echoed.writes) == (B, 6, "delivery", ())
    by_hand = accept(echoed, A, replace(CHANGE, occurred_at=START + timedelta(seconds=1)), START, WINDOW)
    assert judge(by_hand, B, replace(CHANGE, occurred_at=START + timedelta(seconds=2))) is None


def test_two_attempts_may_have_two_echoes() -> None:
    once = absorb(_known(Write(A, 5, START), WROTE_A), A, replace(CHANGE, occurred_at=START))
    assert once.writes == (WROTE_A,)
    assert absorb(once, A, replace(CHANGE, occurred_at=START + timedelta(seconds=1))).writes == ()


def test_a_late_echo_takes_the_older_ones_with_it_that_were_left_out() -> None:
    known = absorb(_known(WROTE_B, WROTE_C, WROTE_A), C, replace(CHANGE, occurred_at=START))
    assert (known.writes, known.in_force) == ((WROTE_A,), A)
    assert judge(known, B, CHANGE) is None


def test_a_late_echo_that_tells_no_time_may_be_repeated() -> None:
    known = absorb(_known(WROTE_B, WROTE_C, WROTE_A), C, CHANGE)
    assert known.writes == (WROTE_C, WROTE_A)
    assert judge(known, C, CHANGE) is Reason.STALE
    assert absorb(known, A, CHANGE).writes == ()


def test_an_echo_after_a_newer_report_says_that_our_write_came_last_and_stays_the_older_change() -> None:
    known = absorb(replace(REPORTED, sequence=9, writes=(IN_DOUBT,)), B, CHANGE)
    assert (known.in_force, known.sequence, known.set_by, known.set_at) == (B, 9, "delivery", START)
    earlier = absorb(replace(REPORTED, writes=(WROTE_C, IN_DOUBT)), C, replace(CHANGE, occurred_at=START))
    assert (earlier.in_force, earlier.writes) == (C, (IN_DOUBT,))


def test_an_echo_before_the_confirmation_proves_that_the_write_arrived() -> None:
    known = absorb(replace(REPORTED, writes=(UNDER_WAY,)), B, CHANGE)
    assert (known.in_force, known.sequence, known.set_by, known.set_at) == (B, 6, "delivery", CHANGE.received_at)


def test_a_repeat_of_the_newest_report_never_replaces_what_came_into_force_since() -> None:
    told = replace(CHANGE, occurred_at=START)
    known = hear(replace(WRITTEN, in_force=C), B, told)
    assert judge(known, B, told) is Reason.STALE
    assert judge(replace(known, in_force=B), B, told) is Reason.DAMPED
    assert absorb(known, B, told) == known
    assert judge(known, C, told) is Reason.DAMPED
    assert judge(replace(known, writes=()), A, told) is None
    assert judge(known, B, replace(told, occurred_at=START + timedelta(seconds=1))) is None


def test_a_repeat_of_an_older_report_is_no_echo() -> None:
    known = replace(_known(WROTE_B), in_force=C, occurred_at=START, told=A)
    older = replace(CHANGE, occurred_at=START - timedelta(seconds=9))
    assert judge(known, B, older) is Reason.STALE
    assert absorb(known, B, older) == known


def test_a_time_that_lies_far_ahead_of_the_store_s_is_taken_for_now() -> None:
    assert plausible(START + 2 * CLOCK_TOLERANCE, START) == START
    assert plausible(START + CLOCK_TOLERANCE, START) == START + CLOCK_TOLERANCE
    assert plausible(None, START) is None


def test_what_is_stale_for_other_reasons_tells_only_its_time() -> None:
    told = replace(CHANGE, occurred_at=START)
    assert absorb(REPORTED, B, told) == replace(REPORTED, occurred_at=START, told=B)


def test_a_real_change_leaves_the_writes_that_may_have_come_after_it() -> None:
    known = _known(WROTE_A, IN_DOUBT, UNDER_WAY)
    told = replace(CHANGE, occurred_at=START + CLOCK_TOLERANCE)
    accepted = accept(known, C, told, START + 9 * WINDOW, WINDOW)
    assert (accepted.in_force, accepted.sequence, accepted.set_by) == (C, 7, "report")
    assert (accepted.set_at, accepted.occurred_at, accepted.told) == (START + 9 * WINDOW, told.occurred_at, C)
    assert accepted.writes == known.writes
    later = replace(CHANGE, occurred_at=START + 2 * CLOCK_TOLERANCE)
    assert accept(known, C, later, START, WINDOW).writes == (UNDER_WAY,)


def test_a_real_change_without_a_time_leaves_those_whose_echo_has_not_been_waited_for() -> None:
    known = _known(WROTE_A, IN_DOUBT, UNDER_WAY)
    assert accept(known, C, CHANGE, START + WINDOW, WINDOW).writes == known.writes
    assert accept(known, C, CHANGE, START + 2 * WINDOW, WINDOW).writes == (UNDER_WAY,)


def test_the_later_of_two_times_of_which_either_may_be_unknown() -> None:
    later = START + timedelta(seconds=1)
    assert [later_of(None, None), later_of(START, None), later_of(later, START)] == [None, START, later]
