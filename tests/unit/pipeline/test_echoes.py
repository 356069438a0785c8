"""What is known of our own writes to one account: handed out, made, found, come to nothing, in doubt."""

from dataclasses import replace
from datetime import timedelta

from controller.model.credential import Fingerprint, Write
from controller.pipeline.echoes import (
    MOST_WRITES,
    drop_write,
    end_writes,
    hand_out,
    is_in_force,
    note_found,
    note_made,
)
from tests.doubles.pipeline import START

A, B = b"a" * 32, b"b" * 32
NOW = START + timedelta(seconds=9)
REPORTED = Fingerprint(in_force=B, sequence=5, set_by="report", set_at=START)
UNDER_WAY, IN_DOUBT, MADE = Write(A, 6), Write(A, 6, START), Write(A, 6, NOW, is_made=True)


def _known(*writes: Write) -> Fingerprint:
    return replace(REPORTED, writes=writes)


def test_a_write_is_remembered_before_it_is_made_and_ends_the_one_before() -> None:
    assert hand_out(_known(UNDER_WAY), B, 7, START).writes == (IN_DOUBT, Write(B, 7))
    many = tuple(Write(bytes([n]) * 32, n, START) for n in range(MOST_WRITES))
    assert hand_out(_known(*many), B, 99, START).writes == (*many[1:], Write(B, 99))


def test_the_writes_of_one_change_end_alone() -> None:
    other = Write(B, 7)
    assert end_writes(_known(UNDER_WAY, other), START, 6).writes == (IN_DOUBT, other)
    assert end_writes(_known(UNDER_WAY, other), START).writes == (IN_DOUBT, Write(B, 7, START))


def test_what_has_written_nothing_will_have_no_echo() -> None:
    assert drop_write(_known(IN_DOUBT, UNDER_WAY), 6).writes == (IN_DOUBT,)
    assert drop_write(_known(UNDER_WAY), 7).writes == (UNDER_WAY,)


def test_a_write_that_is_made_is_in_force() -> None:
    known = note_made(_known(IN_DOUBT, UNDER_WAY), A, 6, NOW)
    assert known == Fingerprint(A, 6, "delivery", NOW, writes=(IN_DOUBT, MADE))
    assert is_in_force(known, A)


def test_a_newer_report_stays_what_is_in_force_when_a_write_is_made() -> None:
    newer = replace(REPORTED, sequence=9)
    known = note_made(replace(newer, writes=(UNDER_WAY,)), A, 6, NOW)
    assert known == replace(newer, writes=(MADE,))
    assert not is_in_force(known, B)


def test_a_write_whose_echo_was_faster_than_its_confirmation_has_no_other() -> None:
    echoed = Fingerprint(A, 6, "delivery", START)
    assert note_made(echoed, A, 6, NOW) == echoed


def test_a_write_that_was_forgotten_meanwhile_is_in_force_all_the_same() -> None:
    assert note_made(Fingerprint(), A, 6, NOW) == Fingerprint(A, 6, "delivery", NOW)


def test_an_attempt_that_finds_the_password_wrote_nothing_and_an_earlier_one_did() -> None:
    known = note_found(_known(IN_DOUBT, Write(B, 5, START), UNDER_WAY), A, 6, NOW)
    assert known == Fingerprint(A, 6, "delivery", NOW, writes=(MADE,))


def test_when_a_reported_password_is_found_no_echo_of_an_earlier_write_is_to_come() -> None:
    known = note_found(_known(IN_DOUBT, Write(B, 5)), B, 5, NOW)
    assert known == REPORTED
    assert is_in_force(known, B)


def test_when_an_echoed_password_is_found_the_echoes_of_other_attempts_may_come() -> None:
    echoed = Fingerprint(B, 5, "delivery", START, writes=(IN_DOUBT, Write(B, 5)))
    assert note_found(echoed, B, 5, NOW) == replace(echoed, writes=(IN_DOUBT,))


def test_a_password_that_is_found_without_a_known_write_is_in_force() -> None:
    assert note_found(_known(IN_DOUBT), b"c", 4, NOW) == replace(
        _known(IN_DOUBT), in_force=b"c", set_by="delivery", set_at=NOW
    )


def test_nothing_is_known_to_be_in_force_while_a_write_may_have_changed_it() -> None:
    assert is_in_force(REPORTED, B)
    assert not is_in_force(REPORTED, A)
    for write in (UNDER_WAY, IN_DOUBT, MADE):
        assert not is_in_force(_known(write), B)
    written = Fingerprint(A, 6, "delivery", NOW, writes=(MADE,))
    assert is_in_force(written, A)
    assert not is_in_force(replace(written, writes=(MADE, IN_DOUBT)), A)
