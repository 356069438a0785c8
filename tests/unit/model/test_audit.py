"""What is audited, and the chain of what is, without a store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from controller.model.actor import Actor
from controller.model.audit import AuditAction, AuditEntry, AuditPolicy, AuditRow, Trail
from controller.model.audit_chain import GENESIS, Head, append, fitting_rows, hash_of, verify
from tests.doubles.audited import AUDIT_KEY, FixedAuditKey

AT = datetime(2026, 1, 1, tzinfo=UTC)
OPS = Actor("ops", "192.0.2.7")


def _chain(*subjects: str) -> tuple[Head, list[AuditRow]]:
    entries = [AuditEntry(OPS, AuditAction.TOKEN_CREATE, subject) for subject in subjects]
    head, rows = append(Head(Trail.ACTIONS), entries, AT, AUDIT_KEY.tag)
    return head.sealed(AUDIT_KEY.tag), rows


def _problem(head: Head | None, rows: Sequence[AuditRow], anchors: dict[int, str] | None = None) -> str:
    return verify(Trail.ACTIONS, head, rows, AUDIT_KEY.tag, anchors or {}).problem


def test_an_actor_is_named_by_its_principal() -> None:
    assert str(OPS) == "ops"


def test_each_level_records_what_the_one_below_does_and_more() -> None:
    levels = {level: {action for action in AuditAction if action.level <= level} for level in range(4)}
    assert levels[0] == set()
    assert AuditAction.CREDENTIALS_LOOK_UP in levels[1]
    assert AuditAction.DELIVERIES_DISCARD in levels[2] - levels[1]
    assert AuditAction.LOG_IN in levels[3] - levels[2]
    assert levels[3] == set(AuditAction)


def test_successes_and_failures_have_levels_of_their_own() -> None:
    policy = AuditPolicy(successes=1, failures=2)
    done = AuditEntry(OPS, AuditAction.ADAPTER_RESET, "Adapter/x")
    assert not policy.records(done)
    assert policy.records(replace(done, failure="notFound"))
    assert policy.records(replace(done, object="System/default"))
    assert policy.records(replace(done, trail=Trail.DELETED_MAPPINGS))


def test_only_actions_are_kept_by_age() -> None:
    assert [AuditPolicy(3, 3, timedelta(1), 5, 6, 7).most(trail) for trail in Trail] == [None, 5, 6, 7]


def test_anybody_can_compute_the_hash_of_a_row() -> None:
    _, (first, second) = _chain("a", "ü")
    text = '["actions",2,1767225600000000,"ops","192.0.2.7","token create","\\u00fc","",""]'
    assert second.hash == sha256(first.hash + text.encode("ascii")).digest() == hash_of(second, first.hash)


def test_what_was_not_altered_fits() -> None:
    head, rows = _chain("a", "b", "c")
    verdict = verify(Trail.ACTIONS, head, rows, AUDIT_KEY.tag, {2: rows[1].hash.hex()})
    assert (verdict.problem, verdict.count, verdict.head.anchor) == ("", 3, f"actions:3:{rows[2].hash.hex()}")
    assert _problem(Head(Trail.ACTIONS).sealed(AUDIT_KEY.tag), []) == ""


def test_a_trimmed_trail_fits_from_its_checkpoint_on() -> None:
    head, rows = _chain("a", "b", "c")
    trimmed = replace(head, trimmed=2, trimmed_hash=rows[1].hash).sealed(AUDIT_KEY.tag)
    assert _problem(trimmed, rows[2:], {2: rows[1].hash.hex()}) == ""
    assert _problem(trimmed, rows[2:], {1: rows[0].hash.hex()}).startswith("row 1 was removed as too old")
    assert _problem(trimmed, rows[1:]) == "row 2 was inserted before the oldest row"


def test_rows_fit_up_to_the_first_that_was_altered() -> None:
    head, (first, second, third) = _chain("a", "b", "c")
    older = replace(second, at=AT - timedelta(days=400))
    assert list(fitting_rows(head, (first, second, third), AUDIT_KEY.tag)) == [first, second, third]
    assert list(fitting_rows(head, (first, older, third), AUDIT_KEY.tag)) == [first]


def test_what_was_altered_is_named() -> None:
    head, rows = _chain("a", "b", "c")
    first, second, third = rows
    does_not_fit = "row 2 does not fit: it was changed, inserted or moved"
    forged = replace(second, object="x", hash=hash_of(replace(second, object="x"), first.hash))
    assert _problem(head, [first, replace(second, object="x"), third]) == does_not_fit
    assert _problem(head, [first, forged, third]) == does_not_fit, "its hash is right, its tag is not"
    assert _problem(head, [first, replace(third, sequence=2), replace(second, sequence=3)]) == does_not_fit
    assert _problem(head, [first, third]) == "row 2 is missing"
    assert _problem(head, [third]) == "rows 1 to 2 are missing"
    assert _problem(head, [first]) == "rows 2 to 3 are missing at the end"
    assert _problem(head, [*rows, replace(third, sequence=4)]) == "row 4 was inserted behind the newest row"
    assert _problem(None, rows) == "its head is missing"


def test_a_head_that_was_altered_is_told() -> None:
    head, rows = _chain("a", "b")
    cut = replace(head, sequence=1, hash=rows[0].hash)
    assert _problem(cut, rows[:1]).startswith("its head was changed")
    other = replace(head, hash=GENESIS).sealed(AUDIT_KEY.tag)
    assert _problem(other, rows) == "row 2 is not the one that its head names"
    assert not head.is_genuine(FixedAuditKey(b"another").tag)


@pytest.mark.parametrize(
    ("sequence", "problem"),
    [(1, "row 1 has another hash than is expected"), (4, "rows 3 to 4 are missing at the end")],
)
def test_a_head_kept_elsewhere_is_compared(sequence: int, problem: str) -> None:
    head, rows = _chain("a", "b")
    assert _problem(head, rows, {sequence: "00" * 32}) == problem
