"""Suspending the reconcile loop, and letting it go on: an operator's word, stored and audited."""

from controller.model import events
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.errors import InvalidInput
from controller.model.events import Event
from controller.ports.manifests import Pause
from controller.ports.store import Store

LONGEST_REASON = 500
_LOOP = "Reconcile"


def suspend(store: Store, reason: str, *, by: Actor) -> bool:
    """Let every controller plan only, until ``resume``; tell whether they applied until now.

    Raises:
        InvalidInput: The reason is too long.
    """
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(f"a reason has at most {LONGEST_REASON} characters")
    with store.write() as tx:
        tx.audit.add(by, AuditAction.RECONCILE_SUSPEND, _LOOP, reason)
        if tx.reconciliations.pause() is not None:
            return False
        tx.reconciliations.suspend(Pause(by.principal, tx.now, reason))
        tx.events.add(Event(events.RECONCILE_SUSPENDED, fields={"principal": by.principal, "reason": reason}))
        return True


def resume(store: Store, *, by: Actor) -> bool:
    """Let them apply again; tell whether they were suspended."""
    with store.write() as tx:
        tx.audit.add(by, AuditAction.RECONCILE_RESUME, _LOOP)
        if not tx.reconciliations.resume():
            return False
        tx.events.add(Event(events.RECONCILE_RESUMED, fields={"principal": by.principal}))
        return True
