"""When a stored password may be tried."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.model.observation import Sighting, Standing
from controller.model.verification import SETTLED_FOR, VerificationPolicy, hindrance, is_due

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD = NOW - timedelta(days=9)


@pytest.mark.parametrize(
    ("sighting", "why"),
    [
        (None, "notSeen"),
        (Sighting(False), "notSeen"),
        (Sighting(True, OLD), "untold"),
        (Sighting(True, OLD, Standing.FAILURES), "failures"),
        (Sighting(True, OLD, Standing.CLOSED), "closed"),
        (Sighting(True, None, Standing.CLEAN), "justSet"),
        (Sighting(True, NOW - SETTLED_FOR / 2, Standing.CLEAN), "justSet"),
        (Sighting(True, OLD, Standing.CLEAN, NOW + SETTLED_FOR), "closed"),
        (Sighting(True, OLD, Standing.CLEAN, NOW + SETTLED_FOR * 2), ""),
        (Sighting(True, OLD, Standing.CLEAN), ""),
    ],
)
def test_what_speaks_against_a_try(sighting: Sighting | None, why: str) -> None:
    assert hindrance(sighting, now=NOW, is_harmless=False) == why


def test_a_harmless_try_needs_only_the_account() -> None:
    assert hindrance(Sighting(True), now=NOW, is_harmless=True) == ""
    assert hindrance(Sighting(False), now=NOW, is_harmless=True) == "notSeen"


def test_it_is_off_unless_somebody_asks_for_it() -> None:
    assert not is_due(VerificationPolicy(), "al", None, OLD, NOW)
    assert is_due(VerificationPolicy(enabled=True), "al", None, OLD, NOW)
