"""Applying a plan: one writing transaction, all of it or nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import assert_never

from controller.model import events
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.errors import UnsafePlan
from controller.model.events import Event
from controller.model.topology import Mapping, Resource
from controller.planning.change import ACTIONS, Change, Prune, Replace
from controller.planning.ordering import Put, Step, steps
from controller.planning.plan import Plan
from controller.ports.store import Store, Transaction
from controller.reconcile.audit import audit
from controller.reconcile.observe import observe
from controller.reconcile.record import record_applied
from controller.reconcile.release import release_parked
from controller.reconcile.stranded import expire_stranded, forget_lanes
from controller.reconcile.suspended import lift_suspensions
from controller.reconcile.verification import verify

BATCH = 1000
"""Mappings that go to the store at once."""
LOCK = "apply"
PLAN = "Plan"
"""What the audit says was applied; each of its changes has a row of its own."""

Progress = Callable[[int, int], None]
"""Told how many steps of how many are done."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a plan did.

    Attributes:
        created: Objects and mappings; likewise the next three.
        credentials_removed: External accounts whose stored credentials were deleted.
        deliveries_expired: Deliveries that were given up because their adapter or domain is gone.
        deliveries_released: Parked deliveries that are queued again because what concerns them has changed.
    """

    created: int = 0
    updated: int = 0
    replaced: int = 0
    pruned: int = 0
    credentials_removed: int = 0
    deliveries_expired: int = 0
    deliveries_released: int = 0


def apply_plan(
    store: Store, plan: Plan, *, force: bool = False, by: Actor, progress: Progress | None = None
) -> Applied:
    """Carry out *plan*, if the actual state is still the one that it was made from.

    Args:
        store: Where the actual state stands.
        plan: What to do; it may come from a file.
        force: Lifts the holds that can be forced.
        by: Who applies, for the audit; a refusal is audited too.
        progress: Called after each batch, still inside the transaction.

    Raises:
        UnsafePlan: The plan is held, the actual state has moved on, or the plan does not show it as it is. Nothing
            was changed.
        StoreUnavailable: The store cannot be reached. Nothing was changed.
    """
    with store.write() as tx:
        if not plan.is_empty():
            tx.audit.add(by, AuditAction.APPLY, PLAN, _summary(plan))
        refuse_held(plan, force=force)
        tx.exclusive(LOCK)
        verify(plan, observe(tx))
        return Applied() if plan.is_empty() else _carry_out(tx, plan, by, progress)


def note_held(store: Store, plan: Plan, *, by: Actor) -> None:
    """Audit that somebody would have applied a plan that is held."""
    with store.write() as tx:
        tx.audit.add(by, AuditAction.APPLY, PLAN, _summary(plan), failure=UnsafePlan.code)


def _summary(plan: Plan) -> str:
    counts = ", ".join(f"{action} {plan.count(action):,}" for action in ACTIONS)
    held = ", ".join(sorted({hold.code for hold in plan.holds}))
    return f"{counts}; held: {held}" if held else counts


def refuse_held(plan: Plan, *, force: bool) -> None:
    """Let only a plan pass that may be applied.

    Raises:
        UnsafePlan: The plan is held; the message names every reason.
    """
    blocking = plan.blocking(force=force)
    if blocking:
        reasons = "; ".join(hold.message for hold in blocking)
        hints = "; ".join(dict.fromkeys(hold.hint for hold in blocking))
        raise UnsafePlan(f"the plan is held, nothing was applied: {reasons}", hint=hints)


def _carry_out(tx: Transaction, plan: Plan, by: Actor, progress: Progress | None) -> Applied:
    credentials = _remove_replaced_credentials(tx, plan.changes)
    _take_steps(tx, plan, progress)
    if any(_takes_a_mapping_away(change) for change in plan.changes):
        credentials += tx.credentials.remove_unmapped()
    expired = expire_stranded(tx, plan.changes)
    forget_lanes(tx, plan.changes)
    released = release_parked(tx, plan.changes)
    lift_suspensions(tx, plan.changes)
    audit(tx, plan.changes, by)
    counts: dict[str, int] = {action: plan.count(action) for action in ACTIONS}
    forced = sorted({hold.code for hold in plan.holds})
    fields = {"principal": by.principal, **counts, "forced": forced, "revision": plan.revision}
    tx.events.add(Event(events.PLAN_APPLIED, fields=fields))
    tx.reconciliations.note(record_applied(tx.reconciliations.read(), plan.revision, tx.now))
    return Applied(
        created=counts["create"],
        updated=counts["update"],
        replaced=counts["replace"],
        pruned=counts["prune"],
        credentials_removed=credentials,
        deliveries_expired=expired,
        deliveries_released=released,
    )


def _remove_replaced_credentials(tx: Transaction, changes: Iterable[Change]) -> int:
    """Delete what is stored for replaced applications: their fields have another meaning now (A5)."""
    replaced = {c.before.name for c in changes if isinstance(c, Replace) and isinstance(c.before, Resource)}
    if not replaced:
        return 0
    of_replaced = [m for m in tx.mappings.scan() if m.application in replaced]
    return sum(tx.credentials.remove_external(m.application, m.external) for m in of_replaced)


def _takes_a_mapping_away(change: Change) -> bool:
    return isinstance(change, Prune | Replace) and isinstance(change.before, Mapping)


def _take_steps(tx: Transaction, plan: Plan, progress: Progress | None) -> None:
    todo = list(steps(plan.changes))
    done = 0
    for batch in _batches(todo):
        _take(tx, batch, plan.revision)
        done += len(batch)
        if progress is not None:
            progress(done, len(todo))


def _batches(todo: Iterable[Step]) -> Iterator[list[Step]]:
    """Steps that the store can take at once: mappings by the thousand, objects one by one."""
    for (_, are_mappings), group in groupby(todo, key=lambda s: (type(s), isinstance(s.subject, Mapping))):
        while batch := list(islice(group, BATCH if are_mappings else 1)):
            yield batch


def _take(tx: Transaction, batch: Sequence[Step], revision: str) -> None:
    is_put = isinstance(batch[0], Put)
    match batch[0].subject:
        case Resource() as resource:
            tx.resources.put(resource, revision) if is_put else tx.resources.remove(resource.key)
        case Mapping():
            mappings = [step.subject for step in batch if isinstance(step.subject, Mapping)]
            tx.mappings.put(mappings) if is_put else tx.mappings.remove(mappings)
        case _:
            assert_never(batch[0].subject)


def adopt(store: Store, resources: Iterable[Resource]) -> None:
    """Take objects over as they are: altered by something else, yet equal to what is declared.

    Without it they would be reported as drifted for ever. One that differs by now is left alone.
    """
    with store.write() as tx:
        tx.exclusive(LOCK)
        actual = tx.resources.read()
        for resource in resources:
            if actual.get(resource.key) == resource:
                tx.resources.put(resource)
