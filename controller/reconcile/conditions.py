"""The conditions of an object, as Kubernetes writes them: Synced and Healthy, and what follows from them. Pure."""

from dataclasses import dataclass
from typing import Literal

from controller.ports.manifests import Pause

_WAITS_FOR_A_PERSON = frozenset({"parked", "disabledByOperator"})


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect of an object's status.

    Attributes:
        type: Which aspect.
        is_true: Whether it holds.
        reason: Stable name (camelCase).
        message: In words; empty when all is well.
    """

    type: Literal["Synced", "Healthy", "Drifted", "Stalled", "Ready"]
    is_true: bool
    reason: str
    message: str = ""


Conditions = tuple[Condition, Condition, Condition, Condition, Condition]


def conditions(synced: Condition, healthy: Condition, *, has_drifted: bool, pause: Pause | None) -> Conditions:
    """All conditions: Synced, Healthy, Drifted, Stalled, Ready.

    Args:
        synced: Whether it is as declared.
        healthy: Whether it does its work.
        has_drifted: Whether something other than apply has altered it.
        pause: Whether the reconcile loop is suspended.
    """
    stalled = _stalled(synced, healthy, pause)
    return synced, healthy, _drifted(has_drifted=has_drifted), stalled, _ready(synced, healthy, stalled)


def _drifted(*, has_drifted: bool) -> Condition:
    if has_drifted:
        return Condition("Drifted", True, "altered", "was altered by something other than apply")
    return Condition("Drifted", False, "asApplied")


def _stalled(synced: Condition, healthy: Condition, pause: Pause | None) -> Condition:
    """Whether nothing will become of it until a person does something."""
    if synced.reason == "planHeld":
        return Condition("Stalled", True, "planHeld", synced.message)
    if pause is not None and not synced.is_true:
        return Condition("Stalled", True, "suspended", suspended(pause))
    if healthy.reason in _WAITS_FOR_A_PERSON:
        return Condition("Stalled", True, healthy.reason, healthy.message)
    return Condition("Stalled", False, "notStalled")


def _ready(synced: Condition, healthy: Condition, stalled: Condition) -> Condition:
    if stalled.is_true:
        return Condition("Ready", False, stalled.reason, stalled.message)
    failing = next((condition for condition in (synced, healthy) if not condition.is_true), None)
    return Condition("Ready", True, "ready") if failing is None else _not(failing)


def _not(failing: Condition) -> Condition:
    return Condition("Ready", False, failing.reason, failing.message)


def suspended(pause: Pause) -> str:
    """That the loop is suspended, by whom, since when and why."""
    because = f": {pause.reason}" if pause.reason else ""
    return f"reconcile is suspended by {pause.principal} since {pause.since:%Y-%m-%d %H:%M:%SZ}{because}"
