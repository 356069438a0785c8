"""What the last round of the reconcile loop of this process did, for who looks at it from another thread."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.reconcile.reconciler import ReconcileResult


@dataclass(frozen=True, slots=True)
class Round:
    """One round that has ended.

    Attributes:
        outcome: As ``reconciler.Outcome``, or ``following``: another controller has the lead.
        problem: Why it failed, was overtaken, or is held, in words; empty otherwise.
        at: When it ended, by the store's clock.
        next_at: When the next one is due; jitter adds a few seconds.
    """

    outcome: str
    problem: str
    at: datetime
    next_at: datetime


class Rounds:
    """Holds the last round. One reference is set and read whole, so no lock is needed."""

    def __init__(self) -> None:
        self._last: Round | None = None

    def note(self, result: ReconcileResult | None, at: datetime, interval: timedelta) -> None:
        """Note how a round ended; *result* is None when another controller has the lead."""
        outcome = "following" if result is None else result.outcome.value
        self._last = Round(outcome, "" if result is None else result.problem, at, at + interval)

    def last(self) -> Round | None:
        """The last round; None before the first has ended."""
        return self._last
