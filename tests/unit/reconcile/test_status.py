"""The status of objects."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from controller.model.topology import RECONCILE_ANNOTATION, Domain, Key, Resource
from controller.planning.plan import make_plan
from controller.ports.lanes import LaneStatus
from controller.reconcile.status import Health, ObjectStatus, Sync, statuses
from tests.doubles.topologies import PROTECTED, adapter, application, many_mappings, resource, state, system

DOMAIN = resource("CORP", Domain("corp.example.com"))


def _statuses(
    actual: list[Resource],
    desired: list[Resource],
    deliveries: dict[tuple[str, str], int] | None = None,
    *,
    drifted: set[Key] | None = None,
    heal: bool = True,
) -> dict[str, ObjectStatus]:
    plan = make_plan(state(*actual), state(*desired, *many_mappings(1)), drifted=drifted or set(), heal=heal)
    return {str(key): status for key, status in statuses(actual, plan, deliveries or {}).items()}


def _one(status: ObjectStatus) -> tuple[str, str, str, str]:
    synced, healthy, *_ = status.conditions
    return status.sync, synced.reason, status.health, healthy.reason


def test_what_is_as_declared_is_synced_and_healthy() -> None:
    found = _statuses([system(), adapter("a"), DOMAIN], [system(), adapter("a"), DOMAIN])
    assert list(found) == ["System/default", "Domain/CORP", "Adapter/a"]
    assert {_one(s) for s in found.values()} == {("Synced", "asDeclared", "Healthy", "asExpected")}


def test_a_message_says_each_thing_once() -> None:
    off = [adapter("a", enabled=False)]
    found = _statuses([adapter("a")], off, drifted={adapter("a").key})
    assert found["Adapter/a"].message == "was altered by something other than apply: would update it"
    same = _statuses([adapter("a")], [adapter("a")], drifted={adapter("a").key})
    assert same["Adapter/a"].message == "was altered by something other than apply"


def test_what_does_not_exist_yet_is_progressing() -> None:
    found = _statuses([], [adapter("a")])
    assert _one(found["Adapter/a"]) == ("OutOfSync", "changed", "Progressing", "notCreated")


def test_drift_is_told_from_changed_manifests() -> None:
    off = [adapter("a", enabled=False), adapter("b", enabled=False)]
    found = _statuses([adapter("a"), adapter("b")], off, drifted={adapter("a").key})
    assert [s.conditions[0].reason for s in found.values()] == ["drifted", "changed"]
    assert found["Adapter/a"].conditions[0].message.startswith("was altered by something other than apply")


def test_what_the_policy_leaves_out_says_so() -> None:
    keep = system(prune=False)
    found = _statuses([keep, adapter("a")], [keep])
    assert _one(found["Adapter/a"])[:2] == ("OutOfSync", "leftOut")


def test_what_is_left_alone_says_so_whether_it_differs_or_not() -> None:
    alone = resource("a", adapter("a").spec, **{RECONCILE_ANNOTATION: "disabled"})
    same = _statuses([alone], [alone])["Adapter/a"]
    assert _one(same)[:2] == ("Synced", "leftAlone")
    wanted = resource("a", adapter("a", enabled=False).spec, **{RECONCILE_ANNOTATION: "disabled"})
    other = _statuses([alone], [wanted])["Adapter/a"]
    assert _one(other)[:2] == ("OutOfSync", "leftAlone")
    told = "it is left alone: pwsync/reconcile is disabled in its manifest"
    assert same.message == told
    assert other.message == f"differs from the manifests: would update it, but {told}"


def test_changes_of_a_held_plan_name_the_hold() -> None:
    protected = resource("a", adapter("a").spec, **PROTECTED)
    found = _statuses([protected, adapter("b")], [adapter("b", enabled=False)])
    assert found["Adapter/b"].sync is Sync.OUT_OF_SYNC
    assert "Adapter/a is protected" in found["Adapter/b"].conditions[0].message


@pytest.mark.parametrize(
    ("counts", "health", "reason"),
    [
        ({"confirmed": 9}, Health.HEALTHY, "asExpected"),
        ({"pending": 2, "inFlight": 1}, Health.PROGRESSING, "delivering"),
        ({"pending": 2, "retrying": 1}, Health.PROGRESSING, "retrying"),
        ({"retrying": 1, "parked": 1}, Health.DEGRADED, "parked"),
    ],
)
@pytest.mark.parametrize(("lane", "subject"), [("adapter/a", adapter("a")), ("domain/CORP", DOMAIN)])
def test_health_follows_the_deliveries_of_the_lane(
    counts: dict[str, int], health: Health, reason: str, lane: str, subject: Resource
) -> None:
    deliveries = {(lane, state_): n for state_, n in counts.items()}
    found = _statuses([subject, application("A")], [subject, application("A")], deliveries)
    assert (found[str(subject.key)].health, found[str(subject.key)].conditions[1].reason) == (health, reason)
    assert found["Application/A"].health is Health.HEALTHY


def test_a_target_that_is_away_is_degraded_and_says_why() -> None:
    away = LaneStatus("adapter/a", False, datetime(2026, 7, 1, 12, tzinfo=UTC), "unavailable", "connection refused")
    resources = [adapter("a"), adapter("b"), adapter("c")]
    lanes = {"adapter/a": away, "adapter/b": replace(away, lane="adapter/b", is_online=True)}
    found = statuses(resources, make_plan(state(*resources), state(*resources)), {}, lanes=lanes).values()
    assert [s.health for s in found] == ["Degraded", "Healthy", "Healthy"]
    healthy = next(iter(found)).conditions[1]
    assert (healthy.reason, healthy.message) == ("offline", "offline since 2026-07-01 12:00:00Z: connection refused")


def test_a_disabled_adapter_is_healthy_and_says_that_it_is_disabled() -> None:
    off = adapter("a", enabled=False)
    found = _statuses([off], [off], {("adapter/a", "pending"): 3})
    assert _one(found["Adapter/a"]) == ("Synced", "asDeclared", "Healthy", "disabled")
