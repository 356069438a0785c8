"""Group adapters: each is told which adapters are in its group, until what it was told is what is declared."""

from dataclasses import replace
from typing import assert_never

from controller.model import events
from controller.model.events import Event
from controller.model.membership import next_telling
from controller.model.notification import AdapterAdded, AdapterDeleted, AdaptersInGroup, MembershipNotification
from controller.model.session import AdapterSession
from controller.pipeline.gate import AdapterCall
from controller.pipeline.topology import Topology
from controller.ports.store import Transaction


def tell_group(
    tx: Transaction, topology: Topology, call: AdapterCall, session: AdapterSession
) -> MembershipNotification | None:
    """Tell the holder of a group adapter's session what it does not know of its group; None when it knows all.

    Only what is new to the session is recorded as an event.
    """
    found = next_telling(session.told, topology.members_of(call.adapter), tx.now)
    if found is None:
        return None
    notification, told = found
    tx.sessions.put(replace(session, told=told))
    if session.told is None or session.told.adapters != told.adapters:
        fields = {
            "caller": call.principal,
            "notification": notification_name(notification),
            "adapters": sorted(told.adapters),
        }
        tx.events.add(Event(events.GROUP_TOLD, adapter=call.adapter, fields=fields))
    return notification


def notification_name(notification: MembershipNotification) -> str:
    """Its type, as the API writes it."""
    match notification:
        case AdaptersInGroup():
            return "adaptersInGroup"
        case AdapterAdded():
            return "addAdapter"
        case AdapterDeleted():
            return "deleteAdapter"
        case _:
            assert_never(notification)
