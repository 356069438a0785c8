"""How often somebody may call. No test waits: the clock is an argument."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.model.errors import TooManyCalls
from controller.web.limiting import DEFAULT_CALLS, FAILURES, CallLimits, RecentlyProven, calls_a_minute
from controller.web.neighbours import neighbourhood
from controller.web.rate import MOST_KEYS, NO_WAIT, Rates

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Stands still until it is told the time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_caller_that_calls_too_often_is_told_how_long_to_wait(clock: Clock) -> None:
    limits = CallLimits(calls_a_minute(60), clock)
    for _ in range(60):
        limits.take("dc1", "t")

    with pytest.raises(TooManyCalls) as caught:
        limits.take("dc1", "t")

    assert (caught.value.wait, caught.value.caller) == (timedelta(seconds=1), "dc1")


def test_after_the_wait_one_call_is_let_in_and_no_more(clock: Clock) -> None:
    limits = CallLimits(calls_a_minute(60), clock)
    for _ in range(60):
        limits.take("dc1", "t")
    clock.now += timedelta(seconds=1)

    limits.take("dc1", "t")
    with pytest.raises(TooManyCalls):
        limits.take("dc1", "t")


def test_one_caller_does_not_hold_up_another(clock: Clock) -> None:
    limits = CallLimits(calls_a_minute(1), clock)
    limits.take("dc1", "t")

    limits.take("dc2", "u")
    with pytest.raises(TooManyCalls):
        limits.take("dc1", "t")


def test_without_a_limit_nobody_waits(clock: Clock) -> None:
    limits = CallLimits(calls_a_minute(0), clock)

    for _ in range(DEFAULT_CALLS + 1):
        limits.take("dc1", "t")

    limits.check_address("192.0.2.1", "t")


def exhausted(limits: CallLimits, address: str) -> None:
    for _ in range(FAILURES.burst):
        limits.check_address(address, "bad")
        limits.note_unproven(address, "bad")


def test_an_address_that_proves_nothing_again_and_again_is_turned_away_unasked(clock: Clock) -> None:
    limits = CallLimits(None, clock)
    exhausted(limits, "192.0.2.1")

    with pytest.raises(TooManyCalls) as caught:
        limits.check_address("192.0.2.1", "bad")

    assert (caught.value.wait, caught.value.caller) == (timedelta(seconds=1), "")
    limits.check_address("192.0.2.2", "bad")  # another one is let in
    clock.now += timedelta(seconds=1)
    limits.check_address("192.0.2.1", "bad")


def test_a_neighbour_with_a_good_token_is_not_held_up(clock: Clock) -> None:
    limits = CallLimits(None, clock)
    limits.take("dc1", "good")
    exhausted(limits, "192.0.2.1")

    limits.check_address("192.0.2.1", "good")
    with pytest.raises(TooManyCalls):
        limits.check_address("192.0.2.1", "")


def test_what_is_remembered_is_bounded(clock: Clock) -> None:
    proven, rates, limit = RecentlyProven(2), Rates(2), calls_a_minute(1)
    assert limit is not None
    for name in ("a", "b", "c"):
        proven.note(name)
        rates.take(name, limit, clock())

    assert [proven.has(name) for name in ("a", "b", "c")] == [False, True, True]
    assert [rates.wait(name, limit, clock()) > NO_WAIT for name in ("a", "b", "c")] == [False, True, True]
    assert MOST_KEYS == 10_000


def test_to_look_takes_nothing(clock: Clock) -> None:
    rates, limit = Rates(), calls_a_minute(1)
    assert limit is not None

    assert [rates.wait("a", limit, clock()) for _ in range(3)] == [NO_WAIT] * 3


def test_addresses_of_one_network_are_counted_together(clock: Clock) -> None:
    limits = CallLimits(None, clock)
    for number in range(FAILURES.burst):
        limits.note_unproven(f"2001:db8::{number:x}", "bad")

    with pytest.raises(TooManyCalls):
        limits.check_address("2001:db8::ffff", "t")
    limits.check_address("2001:db8:1::1", "t")


def test_a_certificate_is_no_credential_that_others_pass_with(clock: Clock) -> None:
    limits = CallLimits(None, clock)
    limits.take("dc1", "")
    for _ in range(FAILURES.burst):
        limits.note_unproven("192.0.2.7", "bad")

    with pytest.raises(TooManyCalls):
        limits.check_address("192.0.2.7", "")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_is_counted_by_address_is_counted_by_neighbourhood(address: str, place: str) -> None:
    assert neighbourhood(address) == place


def test_a_credential_that_was_revoked_passes_no_longer(clock: Clock) -> None:
    limits = CallLimits(None, clock)
    limits.take("dc1", "t")
    for _ in range(FAILURES.burst):
        limits.note_unproven("192.0.2.7", "bad")
    limits.check_address("192.0.2.7", "t")

    limits.note_unproven("192.0.2.7", "t")

    with pytest.raises(TooManyCalls):
        limits.check_address("192.0.2.7", "t")
