"""Directions 2 and 3: an external change updates the credential database, and Windows when it may (section 3)."""

from collections.abc import Sequence

from controller.model import events
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import Reason
from controller.model.topology import Mapping
from controller.pipeline.echoes import is_in_force
from controller.pipeline.guessing import count_wrong, forget_wrong, is_refused
from controller.pipeline.queueing import change_event
from controller.pipeline.routing import Routing, change_place
from controller.pipeline.selection import WindowsSelection, select_external, select_windows
from controller.pipeline.users import known_refusals
from controller.pipeline.windows_change import external_accounts


def route_external_change(routing: Routing, account: ExternalAccount) -> None:
    """Route one change that an adapter reported."""
    topology, tx = routing.topology, routing.tx
    if account.adapter not in topology.adapters:
        routing.close(nothing_reached=Reason.ADAPTER_REMOVED)
        return
    mappings = tx.mappings.of_external(topology.applications_of(account.adapter), account.name)
    selection = select_windows(topology, account, mappings, known_refusals(tx, topology, mappings))
    beyond = [mapping for windows in selection.windows for mapping in tx.mappings.of_windows(windows)]
    known_refusals(tx, topology, beyond)  # now, since a fan-out that follows a delivery cannot wait
    routing.lock([account, *selection.windows, *external_accounts(routing, beyond)])
    reason = routing.discard_reason() if mappings else Reason.NO_MAPPING
    # Verified before anything is said of the new password: otherwise an agent could find out, guess by guess, whether
    # it is the one in force. For the same reason nothing is said of it where no mapping would take it.
    verified = _verified(routing, account, selection.mappings)
    if reason is not None and not routing.problems and (verified or not mappings):
        _report_discard(routing, reason)
        return
    routing.report_skips(selection.skips)
    if not verified or reason is not None:
        routing.close(nothing_reached=Reason.NO_TARGET)
        return
    routing.accept_report()
    for mapping in verified:
        routing.credentials.store_external(mapping, routing.password, routing.cause)
    _change_windows(routing, account, selection, is_complete=len(verified) == len(selection.mappings))
    routing.close()


def _report_discard(routing: Routing, reason: Reason) -> None:
    types = {Reason.DAMPED: events.CHANGE_DAMPED, Reason.STALE: events.CHANGE_STALE}
    if reason in types:
        routing.tx.events.add(change_event(types[reason], routing.change))
    routing.close(nothing_reached=reason)


def _verified(routing: Routing, account: ExternalAccount, mappings: Sequence[Mapping]) -> list[Mapping]:
    """The mappings whose stored credential is the old password (E1-E3); each failure is recorded."""
    if not routing.topology.adapters[account.adapter].verify_old_password:
        return list(mappings)
    tx, system = routing.tx, routing.topology.system
    if is_refused(tx, system, account):
        for mapping in mappings:
            _refuse(routing, mapping, Reason.TOO_MANY_WRONG_PASSWORDS)
        return []
    verified = [m for m in mappings if _is_old_password_right(routing, m)]
    if verified:
        forget_wrong(tx, account)
    elif Reason.OLD_PASSWORD_WRONG in routing.problems:
        count_wrong(tx, system, account, routing.change)
    return verified


def _is_old_password_right(routing: Routing, mapping: Mapping) -> bool:
    problem = _problem_of_old_password(routing, mapping)
    if problem is not None:
        _refuse(routing, mapping, problem)
    return problem is None


def _refuse(routing: Routing, mapping: Mapping, problem: Reason) -> None:
    routing.problems.append(problem)
    routing.tx.events.add(
        change_event(events.EXTERNAL_CHANGE_REFUSED, routing.change, mapping=str(mapping.key), reason=problem.value)
    )


def _problem_of_old_password(routing: Routing, mapping: Mapping) -> Reason | None:
    change = routing.change
    if change.sealed_old_password is None:
        return Reason.OLD_PASSWORD_MISSING
    stored = routing.credentials.external_password(mapping)
    if stored is None:
        return Reason.NO_STORED_CREDENTIAL
    old = routing.sealer.open(
        change.sealed_old_password, change_place(change.tracking_id, change.account, "oldPassword")
    )
    return None if stored == old else Reason.OLD_PASSWORD_WRONG


def _change_windows(
    routing: Routing, account: ExternalAccount, selection: WindowsSelection, *, is_complete: bool
) -> None:
    if not selection.windows:
        return
    if not is_complete:
        routing.problems.append(Reason.EXTERNAL_UPDATE_FAILED)
        _report_windows_unchanged(routing, selection.windows, Reason.EXTERNAL_UPDATE_FAILED)
        return
    routing.report_allowed(account.adapter, selection.windows)
    for windows in selection.windows:
        _send_to_windows(routing, account, windows)


def _send_to_windows(routing: Routing, origin: ExternalAccount, windows: WindowsAccount) -> None:
    tx, topology = routing.tx, routing.topology
    problem = _reason_to_leave_windows(routing, origin, windows)
    if problem is not None:
        if problem is Reason.NO_STORED_WINDOWS_PASSWORD:
            routing.park(windows, problem, "the Windows password is changed with the old one, and none is stored")
        elif problem is not Reason.STALE:
            routing.problems.append(problem)
        _report_windows_unchanged(routing, (windows,), problem)
        return
    routing.queue.supersede_older(tx, windows, routing.change.sequence)
    if not is_in_force(tx.fingerprints.get(windows), routing.sealer.fingerprint(routing.password, windows)):
        routing.enqueue(windows, routing.password)
        return
    if not topology.system.from_windows_to_adapters:
        return
    mappings = tx.mappings.of_windows(windows)
    routing.fan_out(select_external(topology, mappings, routing.refused(mappings)), mappings, origin)


def _reason_to_leave_windows(routing: Routing, origin: ExternalAccount, windows: WindowsAccount) -> Reason | None:
    tx, topology = routing.tx, routing.topology
    if not topology.has_directory(windows):
        return Reason.NO_DIRECTORY
    known = tx.fingerprints.get(windows)
    if max(known.sequence, tx.deliveries.newest_sequence(windows)) > routing.change.sequence:
        return Reason.STALE
    if _would_reach_another_account(routing, origin, windows):
        return Reason.MAPPING_CONFLICT
    if topology.domains[windows.domain].needs_old_password and tx.credentials.windows(windows) is None:
        return Reason.NO_STORED_WINDOWS_PASSWORD
    return None


def _would_reach_another_account(routing: Routing, origin: ExternalAccount, windows: WindowsAccount) -> bool:
    """E12: through Windows the change would return to its own system, to a different account."""
    if routing.topology.adapters[origin.adapter].allow_mapping_conflicts:
        return False
    enabled = [m for m in routing.tx.mappings.of_windows(windows) if m.enabled]
    refused = routing.refused(enabled)
    mappings = [m for m in enabled if m not in refused]
    return any(a.adapter == origin.adapter and a != origin for a in external_accounts(routing, mappings))


def _report_windows_unchanged(routing: Routing, accounts: tuple[WindowsAccount, ...], reason: Reason) -> None:
    for windows in accounts:
        routing.tx.events.add(
            change_event(events.WINDOWS_NOT_CHANGED, routing.change, windows=str(windows), reason=reason.value)
        )
