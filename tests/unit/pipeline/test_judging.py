"""What a report is, by what is known of the account (decision 7), as a table of its own."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.change import PasswordChange, Reason
from controller.model.credential import Fingerprint
from controller.pipeline.damping import (
    CLOCK_TOLERANCE,
    MOST_OVERWRITTEN,
    absorb,
    hear,
    judge,
    later_of,
    overwrite,
    plausible,
)
from tests.doubles.pipeline import START

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32
CHANGE = PasswordChange("id", WindowsAccount("CORP", "alice"), "dc1", b"", None, None, START, sequence=7)
WRITTEN = Fingerprint(in_force=A, sequence=5, set_by="delivery", set_at=START)
REPORTED = Fingerprint(in_force=A, sequence=5, set_by="report", set_at=START, is_echoed=True)


@pytest.mark.parametrize(
    ("known", "reported", "verdict"),
    [
        pytest.param(Fingerprint(), A, None, id="nothing known"),
        pytest.param(WRITTEN, A, Reason.DAMPED, id="echo"),
        pytest.param(REPORTED, A, Reason.DAMPED, id="repeat"),
        pytest.param(replace(REPORTED, writing=B), B, Reason.DAMPED, id="echo before the confirmation"),
        pytest.param(REPORTED, B, None, id="differs"),
        pytest.param(replace(REPORTED, sequence=8), B, Reason.STALE, id="a newer change is in force"),
        pytest.param(replace(WRITTEN, overwritten=(B,)), B, Reason.STALE, id="late echo of an overwritten write"),
        pytest.param(replace(WRITTEN, overwritten=(A,)), A, Reason.STALE, id="late echo of the same password"),
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
        pytest.param(replace(WRITTEN, overwritten=(B,)), CLOCK_TOLERANCE, Reason.STALE, id="echo, as far as known"),
        pytest.param(replace(WRITTEN, overwritten=(B,)), 2 * CLOCK_TOLERANCE, None, id="surely later: no echo"),
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
    echoed = absorb(replace(WRITTEN, overwritten=(B,)), A, replace(CHANGE, occurred_at=START))
    assert (echoed.is_echoed, echoed.overwritten, echoed.occurred_at) == (True, (), START)
    assert overwrite(echoed) == ()


def test_a_late_echo_takes_the_older_ones_with_it_that_were_left_out() -> None:
    known = absorb(replace(WRITTEN, overwritten=(B, C, A)), C, CHANGE)
    assert (known.overwritten, known.is_echoed) == ((C, A), False)
    assert judge(known, B, CHANGE) is None
    assert judge(known, C, CHANGE) is Reason.STALE


def test_an_echo_before_the_confirmation_proves_that_the_write_arrived() -> None:
    known = absorb(replace(REPORTED, writing=B, writing_sequence=6), B, CHANGE)
    assert (known.in_force, known.sequence, known.set_by, known.is_echoed) == (B, 6, "delivery", True)


def test_a_repeat_of_the_newest_report_never_replaces_what_came_into_force_since() -> None:
    told = replace(CHANGE, occurred_at=START)
    known = hear(replace(WRITTEN, in_force=C), B, told)
    assert judge(known, B, told) is Reason.STALE
    assert judge(replace(known, in_force=B), B, told) is Reason.DAMPED
    assert absorb(known, B, told) == known
    assert judge(known, A, told) is None
    assert judge(known, B, replace(told, occurred_at=START + timedelta(seconds=1))) is None


def test_a_repeat_of_an_older_report_is_no_echo() -> None:
    known = replace(WRITTEN, in_force=C, overwritten=(B,), occurred_at=START, told=A)
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


def test_a_write_whose_echo_is_to_come_is_remembered_when_it_is_overwritten() -> None:
    assert overwrite(WRITTEN) == (A,)
    assert overwrite(REPORTED) == ()
    many = tuple(bytes([n]) * 32 for n in range(MOST_OVERWRITTEN))
    assert overwrite(replace(WRITTEN, overwritten=many)) == (*many[1:], A)


def test_the_later_of_two_times_of_which_either_may_be_unknown() -> None:
    later = START + timedelta(seconds=1)
    assert [later_of(None, None), later_of(START, None), later_of(later, START)] == [None, START, later]
