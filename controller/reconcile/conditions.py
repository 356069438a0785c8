"""The conditions of an object, as Kubernetes writes them: Synced and Healthy, and what follows from them. Pure."""

from dataclasses import dataclass
from typing import Literal

from controller.model.observation import SurveyNote
from controller.model.wording import counted
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


def conditions(
    synced: Condition, healthy: Condition, *, has_drifted: bool, pause: Pause | None, survey: SurveyNote | None = None
) -> Conditions:
    """All conditions: Synced, Healthy, Drifted, Stalled, Ready.

    Args:
        synced: Whether it is as declared.
        healthy: Whether it does its work.
        has_drifted: Whether something other than apply has altered it.
        pause: Whether the reconcile loop is suspended.
        survey: How the last look at its accounts went.
    """
    stalled = _stalled(synced, healthy, pause)
    return synced, healthy, _drifted(survey, has_drifted=has_drifted), stalled, _ready(synced, healthy, stalled)


def _drifted(survey: SurveyNote | None, *, has_drifted: bool) -> Condition:
    if has_drifted:
        return Condition("Drifted", True, "altered", "was altered by something other than apply")
    return _observed(survey) if survey is not None else Condition("Drifted", False, "asApplied")


def _observed(survey: SurveyNote) -> Condition:
    """What is otherwise at the system itself than we know."""
    found, unseen = [], f"its accounts could not be looked at: {survey.problem}" if survey.problem else ""
    if survey.differing:
        words = ("stored password does not open its account", "stored passwords do not open their accounts")
        found.append(counted(survey.differing, *words))
    if survey.missed:
        found.append(f"{counted(survey.missed, 'password was', 'passwords were')} set and nobody told")
    if survey.missing:
        found.append(f"{counted(survey.missing, 'mapped account does', 'mapped accounts do')} not exist")
    if found:
        told = f"{', '.join(found)}: {', '.join(survey.names)}"
        return Condition("Drifted", True, "observed", f"{told}; {unseen}" if unseen else told)
    return Condition("Drifted", False, "notSeen" if unseen else "asApplied", unseen)


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
