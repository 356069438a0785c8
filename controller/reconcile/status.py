"""The status of every object, from the plan that is open and the deliveries that are under way. Pure."""

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass
from enum import StrEnum

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.delivery import OPEN_STATES, DeliveryState
from controller.model.observation import SurveyNote
from controller.model.rule_reading import NotedResult
from controller.model.topology import RECONCILE_ANNOTATION, Adapter, Key, Kind, Mapping, MappingRule, Resource
from controller.model.wording import counted
from controller.planning.change import Change, resource_order
from controller.planning.plan import Plan
from controller.ports.lanes import LaneStatus
from controller.ports.manifests import Pause
from controller.ports.resources import ResourceRecord, Suspension
from controller.reconcile.conditions import Condition, Conditions, conditions

NO_SUSPENSIONS: ReadOnlyMapping[str, Suspension] = {}
NO_LANES: ReadOnlyMapping[str, LaneStatus] = {}
NO_PROBLEMS: ReadOnlyMapping[str, str] = {}
NO_SURVEYS: ReadOnlyMapping[str, SurveyNote] = {}
NO_RESULTS: ReadOnlyMapping[str, NotedResult] = {}
NO_RECORDS: ReadOnlyMapping[Key, ResourceRecord] = {}


_LEFT_ALONE = f"it is left alone: {RECONCILE_ANNOTATION} is disabled in its manifest"


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
class ObjectStatus:
    """The status of one object.

    Attributes:
        conditions: Synced, Healthy, Drifted, Stalled, Ready.
        generation: Which version of the object they are of; None when it does not exist yet.
        revision: The revision of the manifests that wrote it last; empty when that is not known.
    """

    key: Key
    sync: Sync
    health: Health
    conditions: Conditions
    generation: int | None = None
    revision: str = ""

    @property
    def message(self) -> str:
        """What its conditions say, each thing once: a difference from the manifests tells of drift already."""
        told = [c.message for c in self.conditions if c.type != "Drifted" or self.sync is Sync.SYNCED]
        return "; ".join(message for message in dict.fromkeys(told) if message)


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
    records: ReadOnlyMapping[Key, ResourceRecord] = NO_RECORDS,
    pause: Pause | None = None,
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
        records: What the store knows of each object.
        pause: Whether the reconcile loop is suspended.
    """
    specs = {r.key: r for r in resources}
    open_changes = {c.key: c for c in (*plan.changes, *plan.left_out) if not isinstance(c.subject, Mapping)}
    keys = sorted(specs.keys() | open_changes.keys(), key=resource_order)
    left_out = {c.key for c in plan.left_out}

    def status(key: Key) -> ObjectStatus:
        synced = _sync(open_changes.get(key), plan, specs.get(key), is_left_out=key in left_out)
        lane = lanes.get(_lane(key))
        health, healthy = (
            _problem_of_users(key, users)
            or _of_rule(specs.get(key), rules.get(key.name))
            or _health(key, specs.get(key), deliveries, suspensions, lane)
        )
        record = records.get(key)
        has_drifted = key in plan.drifted or (record is not None and record.has_drifted)
        return ObjectStatus(
            key,
            Sync.SYNCED if synced.is_true else Sync.OUT_OF_SYNC,
            health,
            conditions(synced, healthy, has_drifted=has_drifted, pause=pause, survey=surveys.get(_lane(key))),
            None if record is None else record.generation,
            "" if record is None else record.revision,
        )

    return {key: status(key) for key in keys}


def _sync(change: Change | None, plan: Plan, resource: Resource | None, *, is_left_out: bool) -> Condition:
    is_left_alone = resource is not None and resource.is_left_alone
    if change is None and is_left_alone:
        return Condition("Synced", True, "leftAlone", _LEFT_ALONE)
    if change is None:
        return Condition("Synced", True, "asDeclared")
    what = f"differs from the manifests: would {change.action} it"
    if plan.heals_drift(change):
        what = f"was altered by something other than apply: would {change.action} it"
    if is_left_out and is_left_alone:
        return Condition("Synced", False, "leftAlone", f"{what}, but {_LEFT_ALONE}")
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
