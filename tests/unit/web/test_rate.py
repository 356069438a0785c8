"""How often somebody may call."""

from datetime import UTC, datetime, timedelta

from controller.model.topology import RateLimit
from controller.web.rate import NO_WAIT, Rates, take

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT = RateLimit(3, timedelta(seconds=30))


def test_a_burst_is_allowed_at_once_and_then_one_at_a_time() -> None:
    rates = Rates()
    assert [rates.take("app", LIMIT, NOW) for _ in range(3)] == [NO_WAIT] * 3
    assert rates.take("app", LIMIT, NOW) == timedelta(seconds=10)
    assert rates.take("app", LIMIT, NOW) == timedelta(seconds=10), "who is refused does not wait longer for it"
    later = NOW + timedelta(seconds=10)
    assert rates.take("app", LIMIT, later) == NO_WAIT
    assert rates.take("app", LIMIT, later) == timedelta(seconds=10)
    assert [rates.take("app", LIMIT, later + timedelta(hours=1)) for _ in range(4)] == [
        NO_WAIT,
        NO_WAIT,
        NO_WAIT,
        timedelta(seconds=10),
    ]


def test_each_caller_has_a_rate_of_its_own_and_those_silent_for_longest_are_forgotten() -> None:
    rates = Rates(most=2)
    once = RateLimit(1, timedelta(minutes=1))
    assert [rates.take(key, once, NOW) for key in "aba"] == [NO_WAIT, NO_WAIT, timedelta(minutes=1)]
    assert rates.take("c", once, NOW) == NO_WAIT
    assert rates.take("a", once, NOW) == timedelta(minutes=1)
    assert rates.take("b", once, NOW) == NO_WAIT


def test_a_limit_that_was_changed_counts_from_the_next_call_on() -> None:
    free_at, wait = take(RateLimit(1, timedelta(hours=1)), None, NOW)
    assert wait == NO_WAIT
    assert take(RateLimit(1, timedelta(hours=1)), free_at, NOW) == (free_at, timedelta(hours=1))
    assert take(RateLimit(2, timedelta(hours=2)), free_at, NOW)[1] == NO_WAIT
