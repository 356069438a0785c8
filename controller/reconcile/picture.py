"""The status of every object as one transaction sees it."""

from controller.model.topology import Key
from controller.planning.plan import Plan
from controller.ports.store import Transaction
from controller.reconcile.status import ObjectStatus, statuses
from controller.reconcile.unknown_users import user_problems

NOTHING_COMPARED = Plan(changes=(), holds=(), warnings=(), actual_digest="", desired_digest="")


def object_statuses(tx: Transaction, plan: Plan | None) -> dict[Key, ObjectStatus]:
    """The status of every object by its key; without a plan only its health means something."""
    records = tx.resources.records()
    return statuses(
        [record.resource for record in records.values()],
        plan or NOTHING_COMPARED,
        tx.deliveries.count_by_state(),
        suspensions=tx.suspensions.read(),
        lanes=tx.lanes.read(),
        users=user_problems(tx),
        records=records,
        pause=tx.reconciliations.pause(),
    )
