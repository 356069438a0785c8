"""What is written down of a round of the reconcile loop, and of an apply. Pure."""

from dataclasses import replace
from datetime import datetime

from controller.planning.plan import Plan
from controller.ports.manifests import Provenance, Reconciliation

IN_FORCE = frozenset({"inSync", "applied"})
"""Outcomes after which the actual state is as the manifests declare."""


def record(
    before: Reconciliation | None,
    outcome: str,
    plan: Plan | None,
    provenance: Provenance,
    now: datetime,
    *,
    message: str = "",
) -> Reconciliation:
    """What is known after a round.

    Args:
        before: What was known before it; None the first time.
        outcome: How it ended.
        plan: The plan of the round; None when none could be made.
        provenance: Of the manifests that it read, or could not read.
        now: When it ended.
        message: Why nothing was applied.
    """
    known = before or Reconciliation(now, outcome)
    attempted = known.attempted if plan is None else plan.revision
    is_in_force = outcome in IN_FORCE
    is_news = is_in_force and (outcome == "applied" or attempted != known.applied)
    since = known.problem_since if known.problem else now
    return Reconciliation(
        at=now,
        outcome=outcome,
        message=message,
        manifests=provenance.manifests,
        attempted=attempted,
        applied=attempted if is_in_force else known.applied,
        applied_at=now if is_news else known.applied_at,
        refused=provenance.refused,
        problem=provenance.problem,
        problem_since=since if provenance.problem else None,
    )


def record_applied(before: Reconciliation | None, revision: str, now: datetime) -> Reconciliation:
    """What is known after somebody has applied a plan of that revision."""
    known = before or Reconciliation(now, "applied")
    manifests = known.manifests if revision == known.attempted else ""  # the plan does not tell where it was read
    return replace(known, manifests=manifests, attempted=revision, applied=revision, applied_at=now)
