"""Numbers and times in words."""

from datetime import datetime, timedelta, timezone

import pytest

from controller.model.wording import counted, rfc3339


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 accounts"), (1, "1 account"), (2, "2 accounts"), (2000, "2,000 accounts")]
)
def test_what_is_counted_stands_in_the_right_number(count: int, words: str) -> None:
    assert counted(count, "account") == words


def test_a_time_is_told_in_utc_and_ends_with_z() -> None:
    moment = datetime(2026, 1, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(moment) == "2026-01-01T10:30:00Z"


def test_another_plural_is_given() -> None:
    assert [counted(count, "delivery was", "deliveries were") for count in (1, 2)] == [
        "1 delivery was",
        "2 deliveries were",
    ]
