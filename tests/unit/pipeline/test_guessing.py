"""Wrong old passwords of reports are bounded: an agent's token cannot try out a user's password."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model import events
from controller.model.actor import Actor
from controller.model.secret import Secret
from controller.model.topology import System
from controller.model.wording import rfc3339
from controller.pipeline.guessing import MOST_WRONG
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench

VERIFYING = replace(OPEN_ADAPTER, verify_old_password=True)
WINDOW = System().damping_window


@pytest.fixture
def guessed(bench: PipelineBench) -> PipelineBench:
    """An account whose stored password is ``right``."""
    bench.adapter("ldap", VERIFYING, "alice", "bob")
    bench.map("LDAP", "alice", "alice")
    bench.map("LDAP", "bob", "bob")
    bench.credentials.set("LDAP", "alice", Secret("right"), by=Actor("t"))
    bench.credentials.set("LDAP", "bob", Secret("right"), by=Actor("t"))
    return bench


def report(bench: PipelineBench, old: str, *, account: str = "alice") -> tuple[str, str]:
    """Report a change; returns its end."""
    tracking_id = bench.external("ldap", account, f"new of {bench.new_id()}", old=old)
    bench.route()
    return bench.outcome(tracking_id)


def guess(bench: PipelineBench, times: int) -> None:
    for number in range(times):
        assert report(bench, f"guess {number}") == ("failed", "oldPasswordWrong")


def test_after_five_wrong_ones_even_the_right_one_is_refused(guessed: PipelineBench) -> None:
    guess(guessed, MOST_WRONG)

    assert report(guessed, "right") == ("failed", "tooManyWrongPasswords")
    assert report(guessed, "wrong") == ("failed", "tooManyWrongPasswords")
    assert guessed.stored("LDAP", "alice") == "right"
    (event,) = guessed.events(events.OLD_PASSWORDS_WRONG.name)
    assert (event.adapter, event.account) == ("ldap", "alice")
    assert event.fields["until"] == rfc3339(guessed.now + WINDOW)


def test_other_accounts_are_not_concerned(guessed: PipelineBench) -> None:
    guess(guessed, MOST_WRONG)

    assert report(guessed, "right", account="bob") == ("completed", "")


def test_it_ends_with_the_window(guessed: PipelineBench) -> None:
    guess(guessed, MOST_WRONG)
    guessed.wait(WINDOW - timedelta(seconds=1))
    assert report(guessed, "right") == ("failed", "tooManyWrongPasswords")
    guessed.wait(timedelta(seconds=1))

    assert report(guessed, "right") == ("completed", "")


def test_slow_guesses_are_counted_anew_in_each_window(guessed: PipelineBench) -> None:
    guess(guessed, MOST_WRONG - 1)
    guessed.wait(WINDOW)
    guess(guessed, MOST_WRONG)

    assert report(guessed, "right") == ("failed", "tooManyWrongPasswords")


def test_the_right_one_starts_the_count_again(guessed: PipelineBench) -> None:
    guess(guessed, MOST_WRONG - 1)
    assert report(guessed, "right") == ("completed", "")
    guess(guessed, MOST_WRONG - 1)
    assert guessed.events(events.OLD_PASSWORDS_WRONG.name) == []


def test_the_count_outlives_the_process(guessed: PipelineBench) -> None:
    guess(guessed, MOST_WRONG)
    guessed.restart()

    assert report(guessed, "right") == ("failed", "tooManyWrongPasswords")


def test_a_missing_credential_is_no_guess(guessed: PipelineBench) -> None:
    guessed.credentials.clear("LDAP", "alice", by=Actor("t"))
    for _ in range(MOST_WRONG + 1):
        assert report(guessed, "any") == ("failed", "noStoredCredential")


def test_where_old_passwords_are_not_verified_nothing_is_counted(guessed: PipelineBench) -> None:
    guess(guessed, MOST_WRONG)
    guessed.adapter("ldap", OPEN_ADAPTER)

    assert report(guessed, "wrong") == ("completed", "")
