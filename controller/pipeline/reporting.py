"""Who may report which change, and whether the topology lets it in (behaviours D1-D3, D5). Pure."""

from collections.abc import Iterable
from typing import assert_never

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.errors import NotFound, Refused
from controller.model.topology import Domain
from controller.pipeline.topology import Topology

SOURCE_TYPE_OFF = "sourceTypeOff"
"""Why a source is refused whose whole kind is switched off."""


def check_reporter(topology: Topology, account: Account, principal: str, *, is_local: bool) -> None:
    """Check that *principal* may report a change of *account*.

    Raises:
        NotFound: No such domain or adapter.
        Refused: Not a source of the domain or not a user of the adapter, or the direction is switched off.
    """
    match account:
        case WindowsAccount():
            _check_windows(topology, account, principal, is_local=is_local)
        case ExternalAccount():
            _check_external(topology, account, principal, is_local=is_local)
        case _:
            assert_never(account)


def _check_windows(topology: Topology, account: WindowsAccount, principal: str, *, is_local: bool) -> None:
    domain = topology.domains.get(account.domain)
    if domain is None:
        raise NotFound(f"there is no domain {account.domain}", hint=_those(topology.domains))
    if not is_local:
        _check_source(topology, account.domain, domain, principal)
    if not topology.system.from_windows_to_adapters:
        raise Refused(
            "changes from Windows are switched off",
            reason="windowsToAdaptersOff",
            hint="set fromWindowsToAdapters: true in the System manifest",
        )


def _check_source(topology: Topology, name: str, domain: Domain, principal: str) -> None:
    types = sorted({source.type for source in domain.sources if source.principal == principal})
    if not types:
        raise Refused(
            f"{principal} is not a source of domain {name}",
            reason="sourceNotAllowed",
            hint="name it in the domain's spec.sources",
        )
    if not any(topology.system.sources.accepts(type_) for type_ in types):
        switch = " and ".join(f"sources.{type_}s: true" for type_ in types)
        raise Refused(
            f"{principal} is a source of domain {name}, but sources of its type ({', '.join(types)}) are switched off",
            reason=SOURCE_TYPE_OFF,
            hint=f"set {switch} in the System manifest",
        )


def _check_external(topology: Topology, account: ExternalAccount, principal: str, *, is_local: bool) -> None:
    adapter = topology.adapters.get(account.adapter)
    if adapter is None:
        raise NotFound(f"there is no adapter {account.adapter}", hint=_those(topology.adapters))
    if not is_local and principal not in adapter.access.users:
        raise Refused(
            f"{principal} is not a user of adapter {account.adapter}",
            reason="callerNotAllowed",
            hint="name it in the adapter's spec.access.users",
        )
    if not adapter.enabled:
        raise Refused(f"adapter {account.adapter} is disabled", reason="adapterDisabled")
    if account.adapter in topology.groups:
        raise Refused(
            f"adapter {account.adapter} is a group adapter, which reports nothing",
            reason="groupAdapter",
            hint="report as the adapter of the group whose account it is",
        )
    if not adapter.sync_from_adapter:
        raise Refused(
            f"adapter {account.adapter} does not take changes from its system",
            reason="syncFromAdapterOff",
            hint="set syncFromAdapter: true on the adapter",
        )
    if not topology.system.from_adapters_to_database:
        raise Refused(
            "changes from adapters are switched off",
            reason="adaptersToDatabaseOff",
            hint="set fromAdaptersToDatabase: true in the System manifest",
        )


def _those(names: Iterable[str]) -> str:
    listed = ", ".join(sorted(names))
    return f"there is {listed}" if listed else "none has been applied yet"
