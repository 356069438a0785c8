"""What is heard of a lane's target: noted where all controllers see it, and told once each time that it changes."""

from controller.model import events
from controller.model.events import Event
from controller.model.wording import rfc3339
from controller.ports.lanes import LaneStatus
from controller.ports.store import Transaction


def note_offline(tx: Transaction, lane: str, code: str, message: str) -> None:
    """The target of *lane* is away, or does not accept us; *code* and *message* say what is the matter."""
    if tx.lanes.put(LaneStatus(lane, is_online=False, since=tx.now, code=code, message=message)):
        fields = {"lane": lane, "code": code, "message": message}
        tx.events.add(Event(events.ADAPTER_OFFLINE, adapter=_adapter_of(lane), fields=fields))


def note_online(tx: Transaction, lane: str) -> None:
    """The target of *lane* has answered."""
    known = tx.lanes.get(lane)
    if known is None or known.is_online:
        return
    if tx.lanes.put(LaneStatus(lane, is_online=True, since=tx.now)):
        fields = {"lane": lane, "since": rfc3339(known.since)}
        tx.events.add(Event(events.ADAPTER_ONLINE, adapter=_adapter_of(lane), fields=fields))


def is_offline(tx: Transaction, lane: str) -> bool:
    """Whether the target of *lane* is away, as far as anybody has heard."""
    known = tx.lanes.get(lane)
    return known is not None and not known.is_online


def _adapter_of(lane: str) -> str:
    kind, _, name = lane.partition("/")
    return name if kind == "adapter" else ""
