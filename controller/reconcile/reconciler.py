"""The reconcile loop, level based: each round compares everything anew, so that a missed round costs nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from controller.model import events
from controller.model.actor import RECONCILER, Actor
from controller.model.errors import PwsyncError, UnsafePlan
from controller.model.events import Event
from controller.planning.plan import Plan
from controller.planning.policy_effects import Limits, checked_against_policies, no_limits
from controller.planning.safety import policy_of
from controller.planning.state import State
from controller.ports.manifests import ManifestSource, PlainSource
from controller.ports.store import Store
from controller.reconcile.apply import Applied, adopt, apply_plan
from controller.reconcile.flags import FlagWatch
from controller.reconcile.last_plan import LastPlan
from controller.reconcile.observe import observe
from controller.reconcile.record import IN_FORCE, record
from controller.reconcile.suspended import suspension_warnings
from controller.reconcile.unknown_users import user_warnings

ReadDesired = Callable[[], tuple[State, list[str]]]
"""Reads the manifests (and the directories that mapping rules ask): the desired state, and warnings.

Raises PwsyncError when they cannot be read whole: then nothing is planned, least of all a prune."""

MOST_NAMED = 20
"""Objects that one event names, before it only counts."""


class Outcome(StrEnum):
    """How a round ended."""

    IN_SYNC = "inSync"
    APPLIED = "applied"
    HELD = "held"
    SUSPENDED = "suspended"
    OVERTAKEN = "overtaken"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What a round did.

    Attributes:
        outcome: How it ended; ``overtaken`` means that someone else applied meanwhile, so the next round decides, and
            ``suspended`` that an operator has said that nothing is to be applied.
        plan: The plan of the round; None when none could be made.
        applied: What was applied; None when nothing was.
        error: Why it failed or was overtaken.
    """

    outcome: Outcome
    plan: Plan | None = None
    applied: Applied | None = None
    error: PwsyncError | None = None

    @property
    def problem(self) -> str:
        """Why nothing was applied, in words; empty when all is well."""
        if self.error is not None:
            return str(self.error)
        if self.outcome is Outcome.HELD and self.plan is not None:
            return self.plan.holds[0].message
        return ""


class Reconciler:
    """Keeps the store as the manifests declare it.

    One instance is used by one thread at a time. What it reports it reports once, until it changes: a plan that is
    held for a week is one event, not two thousand.

    Args:
        store: Holds the actual state.
        read_desired: Reads the desired one.
        by: Who applies.
        limits: What the connectors take; filters that a plan brings or changes are tried against it.
    """

    def __init__(
        self,
        store: Store,
        read_desired: ReadDesired,
        *,
        by: Actor = RECONCILER,
        source: ManifestSource | None = None,
        limits: Limits = no_limits,
    ) -> None:
        self._store = store
        self._read_desired = read_desired
        self._by = by
        self._source: ManifestSource = source or PlainSource()
        self._limits = limits
        self._reported: dict[str, Event] = {}
        self._flags = FlagWatch(store)
        self._last_plan = LastPlan()

    def plan(self) -> Plan:
        """What a person's apply would do now. Writes nothing; drift is healed whatever ``selfHeal`` says.

        Raises:
            PwsyncError: The manifests, or the store, cannot be read.
        """
        desired, warnings = self._read_desired()
        return self._plan(desired, warnings, respect_self_heal=False)

    def reconcile(self) -> ReconcileResult:
        """Do one round: plan, and apply if it is safe. Errors are recorded and returned, not raised."""
        try:
            result = self._round()
            if result.outcome in IN_FORCE:
                self._source.accept()
            self._note(result)
            self._flags.look()
        except PwsyncError as error:
            return self._failed(error)
        self._reported.pop(events.RECONCILE_FAILED.name, None)
        return result

    def _plan(self, desired: State, warnings: list[str], *, respect_self_heal: bool) -> Plan:
        with self._store.read() as tx:
            actual = observe(tx)
            policy = policy_of(actual, desired)
            heal = policy.self_heal or not respect_self_heal
            told = [*warnings, *suspension_warnings(tx), *user_warnings(tx, desired)]
            plan = self._last_plan.make(actual, desired, policy, tx.resources.drifted(), heal=heal)
            revision = self._source.provenance().revision or plan.revision
            plan = replace(plan, warnings=(*told, *plan.warnings), revision=revision)
            return checked_against_policies(plan, desired.resources, tx.policies.read(), self._limits)

    def _round(self) -> ReconcileResult:
        desired, warnings = self._read_desired()
        plan = self._plan(desired, warnings, respect_self_heal=True)
        self._report_not_used(plan)
        self._report_drift(plan)
        with self._store.read() as tx:
            is_suspended = tx.reconciliations.pause() is not None
        if is_suspended:
            return ReconcileResult(Outcome.SUSPENDED, plan)
        self._adopt_what_does_not_differ(plan, desired)
        if plan.holds:
            codes = sorted({hold.code for hold in plan.holds})
            reasons = [hold.message for hold in plan.holds[:MOST_NAMED]]
            self._report(Event(events.PLAN_HELD, fields={"codes": codes, "reasons": reasons}))
            return ReconcileResult(Outcome.HELD, plan)
        self._reported.pop(events.PLAN_HELD.name, None)
        return ReconcileResult(Outcome.IN_SYNC, plan) if plan.is_empty() else self._apply(plan)

    def _apply(self, plan: Plan) -> ReconcileResult:
        try:
            applied = apply_plan(self._store, plan, by=self._by)
        except UnsafePlan as error:
            return ReconcileResult(Outcome.OVERTAKEN, plan, error=error)
        return ReconcileResult(Outcome.APPLIED, plan, applied)

    def _report_drift(self, plan: Plan) -> None:
        if not plan.drifted:
            self._reported.pop(events.DRIFT_FOUND.name, None)
            return
        keys = sorted(plan.drifted)
        left = sorted({c.key for c in plan.left_out if plan.heals_drift(c)})
        fields = {
            "count": len(keys),
            "objects": [str(key) for key in keys[:MOST_NAMED]],
            "leftOut": [str(key) for key in left[:MOST_NAMED]],
        }
        self._report(Event(events.DRIFT_FOUND, fields=fields))

    def _report_not_used(self, plan: Plan) -> None:
        found = self._source.provenance()
        if not found.problem:
            self._reported.pop(events.MANIFESTS_NOT_USED.name, None)
            return
        fields = {"revision": found.refused, "revisionInForce": plan.revision, "message": found.problem}
        self._report(Event(events.MANIFESTS_NOT_USED, fields=fields))

    def _note(self, result: ReconcileResult) -> None:
        with self._store.write() as tx:
            before = tx.reconciliations.read()
            found = self._source.provenance()
            told = record(before, result.outcome, result.plan, found, tx.now, message=result.problem)
            tx.reconciliations.note(told)

    def _adopt_what_does_not_differ(self, plan: Plan, desired: State) -> None:
        differing = {c.key for c in (*plan.changes, *plan.left_out)}
        same = [desired.resources[key] for key in sorted(plan.drifted - differing) if key in desired.resources]
        if same:
            adopt(self._store, same)

    def _failed(self, error: PwsyncError) -> ReconcileResult:
        event = Event(events.RECONCILE_FAILED, fields={"code": error.code, "message": error.message})
        result = ReconcileResult(Outcome.FAILED, error=error)
        try:
            self._report(event)
            self._note(result)
            self._flags.look()
        except PwsyncError as further:
            error.add_note(f"and it could not be recorded: {further}")
        return result

    def _report(self, event: Event) -> None:
        if self._reported.get(event.type.name) == event:
            return
        with self._store.write() as tx:
            tx.events.add(event)
        self._reported[event.type.name] = event
