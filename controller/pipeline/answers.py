"""What becomes of a report, for who sent it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """It survives a crash."""

    tracking_id: str


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """Nothing of it was stored, as far as is known."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Held:
    """Another transaction works on its account; nothing was stored. Accepting it by itself waits for that."""


Answer = Accepted | NotAccepted | Held
