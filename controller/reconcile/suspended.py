"""Adapters that an operator has disabled: shown in every plan, until they are enabled or the manifest decides anew."""

from collections.abc import Iterable, Iterator

from controller.model.topology import Adapter, Resource
from controller.planning.change import Change, Prune, Update
from controller.ports.store import Transaction


def suspension_warnings(tx: Transaction) -> Iterator[str]:
    """One sentence for each."""
    for name, suspension in sorted(tx.suspensions.read().items()):
        yield (
            f"Adapter/{name} is disabled by {suspension.principal} since {suspension.since:%Y-%m-%d %H:%M:%SZ}, "
            f"whatever its manifest says: 'pwsync adapter enable {name}' ends that"
        )


def lift_suspensions(tx: Transaction, changes: Iterable[Change]) -> None:
    """End an operator's word where the manifest says something new about ``enabled``, or the adapter goes."""
    for change in changes:
        match change:
            case Update(Resource(spec=Adapter() as before), Resource(spec=Adapter() as after)):
                is_decided = before.enabled != after.enabled
            case Prune(Resource(spec=Adapter())):
                is_decided = True
            case _:
                is_decided = False
        if is_decided:
            tx.suspensions.remove(change.key.name)
