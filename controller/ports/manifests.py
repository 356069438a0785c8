"""What is known of the manifests that the desired state is read from, beside what they declare."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the desired state that was read last comes from.

    Attributes:
        manifests: The paths as they were given.
        revision: ``main@sha1:...`` of a repository; empty when the content alone tells it.
        refused: A newer revision that cannot be used; empty when that is not known, or there is none.
        problem: Why the newest manifests are not the ones that were read; empty when they are.
    """

    manifests: str = ""
    revision: str = ""
    refused: str = ""
    problem: str = ""


class ManifestSource(Protocol):
    """Tells of the manifests that were read last. Used by the thread that reads them."""

    def provenance(self) -> Provenance:
        """Where they come from."""

    def accept(self) -> None:
        """They are in force now: what newer ones that cannot be used fall back on, also after a restart.

        Raises:
            ManifestsUnavailable: That cannot be kept.
        """


class PlainSource:
    """Manifests of which nothing is known but what they declare."""

    def provenance(self) -> Provenance:
        """Nothing."""
        return Provenance()

    def accept(self) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How the last round of the reconcile loop ended, of whichever process led.

    Attributes:
        at: When that was.
        outcome: As ``reconciler.Outcome``.
        message: Why nothing was applied, in words; empty when all is well.
        manifests: The paths of the manifests as the controller was given them.
        attempted: The revision that the round compared with.
        applied: The revision that the actual state was last found, or made, equal to.
        applied_at: Since when; None when it never was.
        refused: A newer revision that cannot be used.
        problem: Why the newest manifests are not used; empty when they are.
        problem_since: Since when.
    """

    at: datetime
    outcome: str
    message: str = ""
    manifests: str = ""
    attempted: str = ""
    applied: str = ""
    applied_at: datetime | None = None
    refused: str = ""
    problem: str = ""
    problem_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """An operator's word that the reconcile loop applies nothing.

    Attributes:
        reason: In the operator's words; may be empty.
    """

    principal: str
    since: datetime
    reason: str = ""


class Reconciliations(Protocol):
    """What the reconcile loop last did, and whether it is suspended."""

    def read(self) -> Reconciliation | None:
        """The last round; None before the first."""

    def note(self, round_: Reconciliation) -> None:
        """Replace it."""

    def pause(self) -> Pause | None:
        """Whether the loop is suspended."""

    def suspend(self, pause: Pause) -> None:
        """Suspend; the first one's word stays when there is one already."""

    def resume(self) -> bool:
        """End that; tell whether the loop was suspended."""
