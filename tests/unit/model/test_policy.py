"""What is known of a target's policy: it, that there is none, or why nothing is known."""

from datetime import UTC, datetime, timedelta

from controller.model.constraints import Constraints
from controller.model.policy import PasswordPolicy, PolicyReading

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
POLICY = PasswordPolicy("the directory", Constraints(min_length=7))


def test_no_policy_and_no_answer_are_two_things() -> None:
    assert PolicyReading("d", NOW, problem="away").state == "unknown"
    assert PolicyReading("d", NOW, NOW).state == "none"
    assert PolicyReading("d", NOW, NOW, POLICY).state == "known"


def test_only_a_known_policy_asks_for_something() -> None:
    assert PolicyReading("d", NOW, NOW).constraints == Constraints()
    assert PolicyReading("d", NOW, NOW, POLICY).constraints == POLICY.constraints


def test_a_target_that_does_not_answer_any_more_leaves_what_it_said() -> None:
    later = NOW + timedelta(hours=1)
    reading = PolicyReading("d", NOW, NOW, POLICY).failed_again(later, "away")
    assert (reading.state, reading.policy, reading.read_at, reading.tried_at) == ("known", POLICY, NOW, later)
    assert reading.problem == "away"
