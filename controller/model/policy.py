"""What a target itself says about passwords, and what is known of that."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from controller.model.constraints import Constraints


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The password policy of a target, as the target tells it.

    Attributes:
        source: Where it stands, for a person: the name of an entry, for example.
        constraints: What it asks of every password.
        history: How many former passwords it remembers and refuses; 0 means none. For information.
        min_age: How long a user must keep a password. For information.
        notes: What else may refuse a password and cannot be told beforehand, as sentences without an end.
        max_age: How long a password lasts, where the target tells; zero means for ever, or not told.
    """

    source: str
    constraints: Constraints = field(default_factory=Constraints)
    history: int = 0
    min_age: timedelta = timedelta()
    notes: tuple[str, ...] = ()
    max_age: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class PolicyReading:
    """What came of asking a target for its policy.

    Attributes:
        declaration: Digest of what declared the target; a reading says nothing about another declaration.
        tried_at: When it was asked last.
        read_at: When it answered last; None when it never did.
        policy: Its answer; None when it has no policy, or never answered.
        problem: Why it did not answer last time; empty when it did.
    """

    declaration: str
    tried_at: datetime
    read_at: datetime | None = None
    policy: PasswordPolicy | None = None
    problem: str = ""

    @property
    def state(self) -> Literal["known", "none", "unknown"]:
        """Whether the policy is known, is known not to exist, or could not be found out."""
        if self.read_at is None:
            return "unknown"
        return "none" if self.policy is None else "known"

    @property
    def constraints(self) -> Constraints:
        """What is known to be asked of every password."""
        return Constraints() if self.policy is None else self.policy.constraints

    def failed_again(self, at: datetime, problem: str) -> "PolicyReading":
        """The same knowledge, after the target did not answer once more."""
        return replace(self, tried_at=at, problem=problem)
