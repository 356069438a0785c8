"""The status of every object, from the plan that is open and the deliveries that are under way. Pure."""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.delivery import OPEN_STATES, DeliveryState
from controller.model.observation import SurveyNote
from controller.model.rule_reading import NotedResult
from controller.model.topology import Adapter, Key, Kind, Mapping, MappingRule, Resource
from controller.model.wording import counted
from controller.planning.change import Change, resource_order
from controller.planning.plan import Plan
from controller.ports.lanes import LaneStatus
from controller.ports.resources import Suspension

NO_SUSPENSIONS: ReadOnlyMapping[str, Suspension] = {}
NO_LANES: ReadOnlyMapping[str, LaneStatus] = {}
NO_PROBLEMS: ReadOnlyMapping[str, str] = {}
NO_SURVEYS: ReadOnlyMapping[str, SurveyNote] = {}
NO_RESULTS: ReadOnlyMapping[str, NotedResult] = {}


class Sync(StrEnum):
    """Whether the actual object is as declared."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"


class Health(StrEnum):
    """Whether the object does its work."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect of an object's status, as Kubernetes writes it.

    Attributes:
        type: Which aspect.
        is_true: Whether it holds.
        reason: Stable name (camelCase).
        message: In words; empty when all is well.
    """

    type: Literal["Synced", "Healthy", "Drifted"]
    is_true: bool
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """The status of one object."""

    key: Key
    sync: Sync
    health: Health
    conditions: tuple[Condition, ...]


def statuses(
    resources: Iterable[Resource],
    plan: Plan,
    deliveries: ReadOnlyMapping[tuple[str, str], int],
    *,
    suspensions: ReadOnlyMapping[str, Suspension] = NO_SUSPENSIONS,
    lanes: ReadOnlyMapping[str, LaneStatus] = NO_LANES,
    users: ReadOnlyMapping[str, str] = NO_PROBLEMS,
    rules: ReadOnlyMapping[str, NotedResult] = NO_RESULTS,
    surveys: ReadOnlyMapping[str, SurveyNote] = NO_SURVEYS,
) -> dict[Key, ObjectStatus]:
    """The status of each actual object, and of each that is declared but does not exist yet, in plan order.

    Args:
        resources: The actual objects.
        plan: What differs now.
        deliveries: How many deliveries each (lane, state) has.
        suspensions: Adapters that an operator has disabled, by name.
        lanes: What was last heard of each lane's target.
        users: What is not known of the users of applications, in words, by name of the application.
        rules: What came of mapping rules, by name.
        surveys: How the last look at the accounts of each lane went.
    """
    specs = {r.key: r for r in resources}
    open_changes = {c.key: c for c in (*plan.changes, *plan.left_out) if not isinstance(c.subject, Mapping)}
    keys = sorted(specs.keys() | open_changes.keys(), key=resource_order)
    left_out = {c.key for c in plan.left_out}
    return {
        key: _status(
            key,
            _sync(open_changes.get(key), plan, is_left_out=key in left_out),
            _problem_of_users(key, users)
            or _of_rule(specs.get(key), rules.get(key.name))
            or _health(key, specs.get(key), deliveries, suspensions, lanes.get(_lane(key))),
            surveys.get(_lane(key)),
        )
        for key in keys
    }


def _status(key: Key, sync: Condition, health: tuple[Health, Condition], survey: SurveyNote | None) -> ObjectStatus:
    conditions = (sync, health[1], *_drift(survey))
    return ObjectStatus(key, Sync.SYNCED if sync.is_true else Sync.OUT_OF_SYNC, health[0], conditions)


def _drift(survey: SurveyNote | None) -> Iterator[Condition]:
    """What is otherwise at the system itself than we know; nothing when all is as known."""
    if survey is None:
        return
    found = []
    if survey.missed:
        found.append(f"{counted(survey.missed, 'password was', 'passwords were')} set and nobody told")
    if survey.missing:
        found.append(f"{counted(survey.missing, 'mapped account does', 'mapped accounts do')} not exist")
    if found:
        yield Condition("Drifted", True, "observed", f"{', '.join(found)}: {', '.join(survey.names)}")
    if survey.problem:
        yield Condition("Drifted", False, "notSeen", f"its accounts could not be looked at: {survey.problem}")


def _sync(change: Change | None, plan: Plan, *, is_left_out: bool) -> Condition:
    if change is None:
        return Condition("Synced", True, "asDeclared")
    what = f"differs from the manifests: would {change.action} it"
    if plan.heals_drift(change):
        what = f"was altered by something other than apply: would {change.action} it"
    if is_left_out:
        return Condition("Synced", False, "leftOut", f"{what}, but the policy leaves it as it is")
    if plan.holds:
        return Condition("Synced", False, "planHeld", f"{what}, but the plan is held: {plan.holds[0].message}")
    return Condition("Synced", False, "drifted" if plan.heals_drift(change) else "changed", what)


def _problem_of_users(key: Key, users: ReadOnlyMapping[str, str]) -> tuple[Health, Condition] | None:
    if key.kind is not Kind.APPLICATION or key.name not in users:
        return None
    return Health.DEGRADED, Condition("Healthy", False, "usersUnknown", users[key.name])


def _of_rule(resource: Resource | None, noted: NotedResult | None) -> tuple[Health, Condition] | None:
    if resource is None or not isinstance(resource.spec, MappingRule):
        return None
    if noted is None:
        message = "no controller has asked its directory yet"
        return Health.PROGRESSING, Condition("Healthy", False, "notAsked", message)
    result = noted.result
    if result.problems:
        reason = "unread" if result.found is None else "unclear"
        return Health.DEGRADED, Condition("Healthy", False, reason, "; ".join(result.problems))
    overridden = f", {result.overridden:,} are declared otherwise" if result.overridden else ""
    message = f"{counted(result.found or 0, 'account matches', 'accounts match')}, {result.mapped:,} mapped{overridden}"
    return Health.HEALTHY, Condition("Healthy", True, "asExpected", message)


def _health(
    key: Key,
    resource: Resource | None,
    deliveries: ReadOnlyMapping[tuple[str, str], int],
    suspensions: ReadOnlyMapping[str, Suspension],
    lane: LaneStatus | None,
) -> tuple[Health, Condition]:
    match resource:
        case None:
            message = "declared, but does not exist yet"
            return Health.PROGRESSING, Condition("Healthy", False, "notCreated", message)
        case Resource(spec=Adapter(enabled=False)):
            return Health.HEALTHY, Condition("Healthy", True, "disabled", "takes no part until it is enabled")
        case Resource(spec=Adapter()) if key.name in suspensions:
            message = f"disabled by {suspensions[key.name].principal}: takes no part until it is enabled"
            return Health.DEGRADED, Condition("Healthy", False, "disabledByOperator", message)
        case _ if lane is not None and not lane.is_online:
            message = f"offline since {lane.since:%Y-%m-%d %H:%M:%SZ}: {lane.message or lane.code}"
            return Health.DEGRADED, Condition("Healthy", False, "offline", message)
        case _:
            return _health_of_lane(key, deliveries)


def _health_of_lane(key: Key, deliveries: ReadOnlyMapping[tuple[str, str], int]) -> tuple[Health, Condition]:
    lane = _lane(key)
    parked = deliveries.get((lane, DeliveryState.PARKED), 0)
    retrying = deliveries.get((lane, DeliveryState.RETRYING), 0)
    under_way = sum(deliveries.get((lane, state), 0) for state in OPEN_STATES)
    if parked:
        message = f"{counted(parked, 'delivery waits', 'deliveries wait')} for a person"
        return Health.DEGRADED, Condition("Healthy", False, "parked", message)
    if retrying:
        message = f"{counted(retrying, 'delivery', 'deliveries')} did not succeed and will be tried again"
        return Health.PROGRESSING, Condition("Healthy", False, "retrying", message)
    if under_way:
        message = f"{counted(under_way, 'delivery is', 'deliveries are')} under way"
        return Health.PROGRESSING, Condition("Healthy", True, "delivering", message)
    return Health.HEALTHY, Condition("Healthy", True, "asExpected")


def _lane(key: Key) -> str:
    match key:
        case Key(Kind.ADAPTER, name):
            return ExternalAccount(name, "").lane
        case Key(Kind.DOMAIN, name):
            return WindowsAccount(name, "").lane
        case _:
            return ""
