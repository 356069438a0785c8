"""Direction 1: a Windows change goes to the external accounts that its mappings name (behaviours section 2)."""

from controller.model import events
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import Reason
from controller.model.topology import Mapping
from controller.pipeline.queueing import change_event
from controller.pipeline.routing import Routing
from controller.pipeline.selection import needs_windows_password, select_external
from controller.pipeline.users import known_refusals


def route_windows_change(routing: Routing, account: WindowsAccount) -> None:
    """Route one change that a domain reported."""
    mappings = routing.tx.mappings.of_windows(account)
    routing.lock([account, *external_accounts(routing, mappings)])
    if not mappings:
        routing.close(nothing_reached=Reason.NO_MAPPING)
        return
    reason = routing.discard_reason()
    if reason is not None:
        type_ = events.CHANGE_DAMPED if reason is Reason.DAMPED else events.CHANGE_STALE
        routing.tx.events.add(change_event(type_, routing.change))
        routing.close(nothing_reached=reason)
        return
    is_in_force = routing.accept_report()
    # Otherwise the stored password, with which it may have to be changed back, is replaced once that is confirmed.
    if is_in_force and needs_windows_password(routing.topology, account, mappings):
        routing.credentials.store_windows(account, routing.password, routing.cause)
    refused = known_refusals(routing.tx, routing.topology, mappings)
    selection = select_external(routing.topology, mappings, refused)
    routing.fan_out(selection, mappings, origin=account)
    routing.close(nothing_reached=None if selection.accounts or selection.direct else Reason.NO_TARGET)


def external_accounts(routing: Routing, mappings: list[Mapping]) -> list[ExternalAccount]:
    """The external accounts behind mappings, whatever their state, but for host groups: nothing goes to those."""
    found = ((routing.topology.applications.get(m.application), m.external) for m in mappings)
    return [
        ExternalAccount(application.adapter, external)
        for application, external in found
        if application is not None and application.adapter is not None and not application.is_host_group
    ]
