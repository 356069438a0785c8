"""What is remembered of refusals that were recorded."""

from datetime import UTC, datetime

from controller.pipeline.refusals import QUIET, RecordedRefusals

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_kind_is_due_until_it_is_recorded_and_again_after_a_minute() -> None:
    recorded = RecordedRefusals()
    assert recorded.is_due(("a",), NOW)
    recorded.note(("a",), NOW)
    assert not recorded.is_due(("a",), NOW)
    assert recorded.is_due(("b",), NOW)
    assert recorded.is_due(("a",), NOW + QUIET)


def test_a_clock_that_was_set_back_silences_nothing() -> None:
    recorded = RecordedRefusals()
    recorded.note(("a",), NOW)
    assert recorded.is_due(("a",), NOW - QUIET)


def test_the_kinds_recorded_longest_ago_are_forgotten_first() -> None:
    recorded = RecordedRefusals(most=2)
    for kind in ("a", "b", "a", "c"):
        recorded.note((kind,), NOW)
    assert [recorded.is_due((kind,), NOW) for kind in ("a", "b", "c")] == [False, True, False]
