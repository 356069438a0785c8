"""Numbers in sentences."""

import pytest

from controller.model.wording import counted


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 accounts"), (1, "1 account"), (2, "2 accounts"), (2000, "2,000 accounts")]
)
def test_what_is_counted_stands_in_the_right_number(count: int, words: str) -> None:
    assert counted(count, "account") == words


def test_another_plural_is_given() -> None:
    assert [counted(count, "delivery was", "deliveries were") for count in (1, 2)] == [
        "1 delivery was",
        "2 deliveries were",
    ]
