"""Which accounts a change reaches, and which mappings are skipped and why (behaviours section 2, E4, E12). Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass
from itertools import chain

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import Reason
from controller.model.topology import Mapping
from controller.pipeline.topology import Topology


@dataclass(frozen=True, slots=True)
class Skip:
    """A mapping that a change does not follow, and why."""

    mapping: Mapping
    reason: Reason


@dataclass(frozen=True, slots=True)
class ExternalSelection:
    """What a Windows password reaches: each external account once, in order.

    Attributes:
        direct: Mappings whose stored credential is the Windows password itself, with no adapter between (D4).
        allowed: Accounts of one adapter that it reaches together, because the adapter allows mapping conflicts.
    """

    accounts: tuple[ExternalAccount, ...]
    skips: tuple[Skip, ...]
    direct: tuple[Mapping, ...] = ()
    allowed: tuple[tuple[ExternalAccount, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class WindowsSelection:
    """What an external password concerns.

    Attributes:
        mappings: Those whose stored credential follows.
        windows: The Windows accounts whose password shall follow (full sync); empty for partial sync.
    """

    mappings: tuple[Mapping, ...]
    windows: tuple[WindowsAccount, ...]
    skips: tuple[Skip, ...]


def select_external(
    topology: Topology, mappings: Iterable[Mapping], refused: ReadOnlyMapping[Mapping, Reason]
) -> ExternalSelection:
    """Choose the external accounts that a Windows account's new password goes to (M1-M7, D4).

    *refused* are mappings that are not valid, and why: see ``users``.
    """
    skips: list[Skip] = []
    direct: list[Mapping] = []
    followed: dict[str, list[Mapping]] = defaultdict(list)
    for mapping in mappings:
        reason = _reason_not_to_send(topology, mapping, refused)
        if reason is not None:
            skips.append(Skip(mapping, reason))
            continue
        adapter_name = topology.applications[mapping.application].adapter
        (direct if adapter_name is None else followed[adapter_name]).append(mapping)
    reached: list[tuple[ExternalAccount, ...]] = []
    for adapter, chosen in sorted(followed.items()):
        accounts = tuple(ExternalAccount(adapter, name) for name in sorted({m.external for m in chosen}))
        if len(accounts) > 1 and not topology.adapters[adapter].allow_mapping_conflicts:
            skips.extend(Skip(m, Reason.MAPPING_CONFLICT) for m in chosen)
        else:
            reached.append(accounts)
    allowed = tuple(accounts for accounts in reached if len(accounts) > 1)
    return ExternalSelection(tuple(chain.from_iterable(reached)), tuple(skips), tuple(direct), allowed)


def _reason_not_to_send(
    topology: Topology, mapping: Mapping, refused: ReadOnlyMapping[Mapping, Reason]
) -> Reason | None:
    reason = _reason_not_to_follow(topology, mapping, refused)
    if reason is not None:
        return reason
    application = topology.applications[mapping.application]
    if application.is_host_group:
        return Reason.WRONG_APPLICATION_TYPE
    adapter_name = application.adapter
    if adapter_name is None:
        return None if application.direct_password_sync else Reason.NO_ADAPTER
    adapter = topology.adapters.get(adapter_name)
    if adapter is None or not adapter.enabled:
        return Reason.ADAPTER_DISABLED
    return None if adapter.sync_to_adapter else Reason.ADAPTER_DOES_NOT_SEND


def _reason_not_to_follow(
    topology: Topology, mapping: Mapping, refused: ReadOnlyMapping[Mapping, Reason]
) -> Reason | None:
    application = topology.applications.get(mapping.application)
    if not mapping.enabled:
        return Reason.MAPPING_DISABLED
    if application is None or not application.enabled:
        return Reason.APPLICATION_DISABLED
    return Reason.WRONG_APPLICATION_TYPE if application.password_field is None else refused.get(mapping)


def select_windows(
    topology: Topology,
    account: ExternalAccount,
    mappings: Sequence[Mapping],
    refused: ReadOnlyMapping[Mapping, Reason],
) -> WindowsSelection:
    """Choose what an external account's new password updates (E4, E12, D3). *refused* as for ``select_external``.

    Through a host group only the stored credential follows: its Windows account is that of many (A8).
    """
    skips: list[Skip] = []
    chosen: list[Mapping] = []
    for mapping in mappings:
        reason = _reason_not_to_follow(topology, mapping, refused)
        if reason is None:
            chosen.append(mapping)
        else:
            skips.append(Skip(mapping, reason))
    adapter = topology.adapters[account.adapter]
    if not (topology.is_full_sync_on and adapter.change_windows_password):
        return WindowsSelection(tuple(chosen), (), tuple(skips))
    going_on = [m for m in chosen if not topology.applications[m.application].is_host_group]
    windows = tuple(sorted({m.windows for m in going_on}))
    if len(windows) > 1 and not adapter.allow_mapping_conflicts:
        skips.extend(Skip(m, Reason.MAPPING_CONFLICT) for m in going_on)
        return WindowsSelection(tuple(chosen), (), tuple(skips))
    return WindowsSelection(tuple(chosen), windows, tuple(skips))


def needs_windows_password(topology: Topology, account: WindowsAccount, mappings: Iterable[Mapping]) -> bool:
    """Whether full sync will need this account's stored Windows password as the old one (E8)."""
    domain = topology.domains.get(account.domain)
    if not topology.is_full_sync_on or domain is None or domain.directory is None or not domain.needs_old_password:
        return False
    applications = (topology.applications.get(m.application) for m in mappings)
    followed = (a.adapter for a in applications if a is not None and not a.is_host_group)
    adapters = (topology.adapters.get(name) for name in followed if name is not None)
    return any(adapter is not None and adapter.change_windows_password for adapter in adapters)
