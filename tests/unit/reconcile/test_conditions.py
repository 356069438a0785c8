"""The conditions that follow from whether an object is synced and healthy."""

from datetime import UTC, datetime

from controller.ports.manifests import Pause
from controller.reconcile.conditions import Condition, conditions

SYNCED = Condition("Synced", True, "asDeclared")
CHANGED = Condition("Synced", False, "changed", "differs")
HELD = Condition("Synced", False, "planHeld", "is held")
HEALTHY = Condition("Healthy", True, "asExpected")
OFFLINE = Condition("Healthy", False, "offline", "is away")
PARKED = Condition("Healthy", False, "parked", "1 delivery waits")
PAUSE = Pause("ops", datetime(2026, 3, 1, tzinfo=UTC), "maintenance")


def told(synced: Condition, healthy: Condition, *, drifted: bool = False, pause: Pause | None = None) -> dict[str, str]:
    found = conditions(synced, healthy, has_drifted=drifted, pause=pause)
    return {condition.type: f"{condition.is_true} {condition.reason}" for condition in found}


def test_what_is_well_is_ready() -> None:
    assert told(SYNCED, HEALTHY) == {
        "Synced": "True asDeclared",
        "Healthy": "True asExpected",
        "Drifted": "False asApplied",
        "Stalled": "False notStalled",
        "Ready": "True ready",
    }


def test_what_differs_or_is_away_is_not_ready_but_goes_on() -> None:
    assert [told(CHANGED, HEALTHY)[type_] for type_ in ("Stalled", "Ready")] == ["False notStalled", "False changed"]
    assert [told(SYNCED, OFFLINE)[type_] for type_ in ("Stalled", "Ready")] == ["False notStalled", "False offline"]


def test_what_waits_for_a_person_is_stalled() -> None:
    assert [told(HELD, HEALTHY)[type_] for type_ in ("Stalled", "Ready")] == ["True planHeld", "False planHeld"]
    assert [told(SYNCED, PARKED)[type_] for type_ in ("Stalled", "Ready")] == ["True parked", "False parked"]


def test_a_suspended_loop_stalls_what_differs_and_nothing_else() -> None:
    found = conditions(CHANGED, HEALTHY, has_drifted=False, pause=PAUSE)
    assert found[3] == Condition(
        "Stalled", True, "suspended", "reconcile is suspended by ops since 2026-03-01 00:00:00Z: maintenance"
    )
    assert told(SYNCED, HEALTHY, pause=PAUSE)["Ready"] == "True ready"
    silent = conditions(CHANGED, HEALTHY, has_drifted=False, pause=Pause("ops", PAUSE.since))
    assert silent[3].message == "reconcile is suspended by ops since 2026-03-01 00:00:00Z"


def test_drift_is_told_whatever_the_manifests_say() -> None:
    assert told(SYNCED, HEALTHY, drifted=True)["Drifted"] == "True altered"
