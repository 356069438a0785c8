"""The plan that is open now, made anew when somebody looks, but never so often that planning becomes the load."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from controller.model.errors import PwsyncError
from controller.planning.plan import Plan
from controller.runtime.rounds import Round, Rounds

MakePlan = Callable[[], Plan]
"""Compares the manifests with the store. Raises PwsyncError when they cannot be read."""
FRESH_SECONDS = 15.0
SHARE = 20
"""A plan is kept this many times as long as it took to make: planning takes a twentieth of one processor at most, and
once more what the rounds of the reconcile loop take, after each of which it is made anew."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What comparing gave.

    Attributes:
        plan: None when it could not be made.
        problem: Why not, in words.
    """

    plan: Plan | None
    problem: str = ""


class Plans:
    """Makes plans, one at a time, and keeps the last one for a while, or until the reconcile loop has gone round."""

    def __init__(
        self, make_plan: MakePlan | None, rounds: Rounds | None = None, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make_plan
        self._rounds = rounds
        self._steady = steady
        self._lock = threading.Lock()
        self._held: Planned | None = None
        self._held_until = 0.0
        self._held_since: Round | None = None

    @property
    def are_known(self) -> bool:
        """Whether this controller knows manifests."""
        return self._make is not None

    def current(self) -> Planned:
        """The plan of now, or of a moment ago."""
        if self._make is None:
            return Planned(None, "this controller was started without manifests")
        with self._lock:
            last = None if self._rounds is None else self._rounds.last()
            if self._held is None or self._steady() >= self._held_until or last is not self._held_since:
                self._held_since = last
                self._held = self._planned(self._make)
            return self._held

    def _planned(self, make_plan: MakePlan) -> Planned:
        began = self._steady()
        try:
            planned = Planned(make_plan())
        except PwsyncError as error:
            planned = Planned(None, str(error))
        ended = self._steady()
        self._held_until = ended + max(FRESH_SECONDS, SHARE * (ended - began))
        return planned
