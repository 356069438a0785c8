"""What is written down of rounds: what is in force, since when, and what is not used."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.planning.plan import Plan
from controller.ports.manifests import Provenance, Reconciliation
from controller.reconcile.record import record, record_applied

T0 = datetime(2026, 3, 1, tzinfo=UTC)
LATER = T0 + timedelta(minutes=5)
GOOD = Provenance("git+https://h/r", "main@sha1:a")
BROKEN = Provenance("git+https://h/r", "main@sha1:a", "main@sha1:b", "b.yaml:1:1: not valid YAML")


def plan(revision: str) -> Plan:
    return Plan((), (), (), "", "", revision=revision)


def test_what_was_applied_is_in_force_since_then() -> None:
    first = record(None, "applied", plan("a"), GOOD, T0)
    assert (first.applied, first.applied_at, first.attempted, first.problem_since) == ("a", T0, "a", None)
    again = record(first, "inSync", plan("a"), GOOD, LATER)
    assert (again.applied_at, again.at) == (T0, LATER), "nothing was applied since"
    assert record(again, "inSync", plan("b"), GOOD, LATER).applied_at == LATER, "another revision is in force"
    assert record(again, "applied", plan("a"), GOOD, LATER).applied_at == LATER


def test_what_is_held_is_tried_but_not_in_force() -> None:
    before = record(None, "applied", plan("a"), GOOD, T0)
    held = record(before, "held", plan("b"), GOOD, LATER, message="would prune all")
    assert (held.applied, held.attempted, held.message) == ("a", "b", "would prune all")


def test_a_problem_has_a_beginning_and_an_end() -> None:
    before = record(None, "inSync", plan("a"), GOOD, T0)
    broken = record(before, "inSync", plan("a"), BROKEN, T0)
    still = record(broken, "inSync", plan("a"), BROKEN, LATER)
    assert (still.problem_since, still.refused, still.problem) == (T0, "main@sha1:b", BROKEN.problem)
    mended = record(still, "applied", plan("c"), GOOD, LATER)
    assert (mended.problem, mended.problem_since, mended.refused) == ("", None, "")


def test_a_round_without_a_plan_leaves_what_was_tried() -> None:
    before = record(None, "applied", plan("a"), GOOD, T0)
    failed = record(before, "failed", None, BROKEN, LATER, message="away")
    assert (failed.attempted, failed.applied, failed.outcome) == ("a", "a", "failed")


def test_what_a_person_applies_is_in_force() -> None:
    assert record_applied(None, "a", T0) == Reconciliation(T0, "applied", attempted="a", applied="a", applied_at=T0)
    before = record(None, "held", plan("b"), GOOD, T0, message="would prune all")
    after = record_applied(before, "b", LATER)
    assert (after.applied, after.applied_at, after.manifests) == ("b", LATER, "git+https://h/r")


ROUND = Reconciliation(T0, "inSync", manifests="git+https://git/x", attempted="main@sha1:1", applied="main@sha1:1")


@pytest.mark.parametrize(("revision", "manifests"), [("main@sha1:1", "git+https://git/x"), ("sha256:2", "")])
def test_a_revision_that_a_person_applied_is_not_said_to_come_from_elsewhere(revision: str, manifests: str) -> None:
    later = LATER
    kept = record_applied(ROUND, revision, later)
    assert (kept.applied, kept.manifests, kept.applied_at) == (revision, manifests, later)
