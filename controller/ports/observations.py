"""What was last seen of accounts at their own systems."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from controller.model.observation import Observation, SurveyNote


class Observations(Protocol):
    """What was last seen of the accounts of each lane, and how the look at each target went."""

    def notes(self) -> dict[str, SurveyNote]:
        """How the last look at each target went, by lane.

        Raises:
            StoreUnusable: A row cannot be read; the message names it.
        """

    def of_lane(self, lane: str) -> dict[str, Observation]:
        """What was last seen of the accounts of a lane, by name."""

    def put(self, lane: str, observations: Mapping[str, Observation]) -> None:
        """Insert or replace what was seen of some accounts."""

    def forget(self, lane: str, accounts: Iterable[str]) -> None:
        """Delete what was seen of some accounts; no error when there is nothing."""

    def note(self, lane: str, note: SurveyNote) -> None:
        """Insert or replace how the last look at a target went."""

    def forget_lane(self, lane: str) -> None:
        """Delete all about a lane."""
