"""What a look at an account means beside what we know of its changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.model.credential import Fingerprint, Write
from controller.model.observation import Known, Observation, Sighting, observe

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SET = NOW - timedelta(hours=1)
EARLIER = SET - timedelta(hours=1)
NOTHING = Known(Fingerprint())
EXACT = timedelta(0)


def look(before: Observation | None, set_at: datetime | None, known: Known | None, **fields: Any) -> Observation:
    given: dict[str, Any] = {"now": NOW, "difference": EXACT, "latency": timedelta(minutes=1), **fields}
    return observe(before, Sighting(True, set_at), known, **given)


def set_known(at: datetime) -> Known:
    return Known(Fingerprint(set_at=at))


def test_the_first_look_is_no_news_where_nothing_is_known() -> None:
    assert look(None, SET, NOTHING) == Observation(SET)
    assert look(Observation(), SET, NOTHING) == Observation(SET)


def test_a_password_that_is_set_between_two_looks_and_not_told_is_missed() -> None:
    missed = look(Observation(EARLIER), SET, NOTHING)
    assert missed == Observation(SET, missed_since=NOW)
    again = look(replace(missed, missed_since=EARLIER), SET, NOTHING)
    assert again == Observation(SET, missed_since=EARLIER)


def test_a_password_that_is_newer_than_all_we_know_is_missed_at_the_first_look_too() -> None:
    assert look(None, SET, set_known(EARLIER)) == Observation(SET, missed_since=NOW)


@pytest.mark.parametrize(
    "known",
    [
        set_known(SET),
        set_known(SET - timedelta(seconds=5)),
        Known(Fingerprint(), reported_at=SET),
        Known(Fingerprint(occurred_at=SET)),
        Known(Fingerprint(writes=(Write(b"x", 1, ended_at=SET),))),
    ],
)
def test_what_is_known_in_any_way_is_not_missed(known: Known) -> None:
    assert look(Observation(EARLIER), SET, known) == Observation(SET)
    assert look(Observation(SET, missed_since=EARLIER), SET, known) == Observation(SET)


@pytest.mark.parametrize(
    ("difference", "known_at", "is_missed"),
    [
        (None, SET - timedelta(minutes=5), False),
        (None, SET - timedelta(minutes=6), True),
        (timedelta(hours=1), SET + timedelta(minutes=59), True),
        (timedelta(hours=1), SET + timedelta(hours=1), False),
        (timedelta(hours=-1), SET - timedelta(hours=1), False),
        (timedelta(hours=-1), SET - timedelta(hours=2), True),
    ],
)
def test_clocks_may_differ(difference: timedelta | None, known_at: datetime, is_missed: bool) -> None:  # a case
    found = look(Observation(EARLIER), SET, set_known(known_at), difference=difference, now=NOW + timedelta(hours=2))
    assert (found.missed_since is not None) is is_missed


def test_a_report_may_still_be_on_its_way() -> None:
    soon = {"now": SET + timedelta(seconds=59)}
    assert look(Observation(EARLIER), SET, NOTHING, **soon) == Observation(EARLIER)
    assert look(None, SET, set_known(EARLIER), **soon) == Observation()
    known_missed = Observation(EARLIER, missed_since=EARLIER)
    assert look(known_missed, SET, NOTHING, **soon) == Observation(SET, missed_since=EARLIER)


def test_what_was_judged_is_not_judged_again() -> None:
    assert look(Observation(SET), SET, set_known(EARLIER)) == Observation(SET)


def test_while_we_write_nobody_can_say() -> None:
    writing = Known(Fingerprint(writes=(Write(b"x", 1),)))
    assert look(Observation(EARLIER), SET, writing) == Observation(EARLIER)
    assert look(None, SET, writing) == Observation()


@pytest.mark.parametrize(("set_at", "known"), [(None, NOTHING), (SET, None)])
def test_what_is_not_told_or_not_expected_is_not_missed(set_at: datetime | None, known: Known | None) -> None:
    assert look(Observation(EARLIER), set_at, known) == Observation(set_at)


def test_an_account_that_is_not_there_is_missing_since_the_first_look() -> None:
    gone = {"now": NOW, "difference": None, "latency": timedelta(0)}
    assert observe(None, Sighting(False), NOTHING, **gone) == Observation(missing_since=NOW)  # type: ignore[arg-type]  # typed by the function
    before = Observation(missing_since=EARLIER)
    assert observe(before, Sighting(False), None, **gone) == before  # type: ignore[arg-type]  # as above
    assert observe(Observation(SET), Sighting(False), None, **gone) == Observation(missing_since=NOW)  # type: ignore[arg-type]  # as above
    assert look(before, SET, NOTHING) == Observation(SET)
