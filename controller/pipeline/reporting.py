"""Who may report which change, and whether the topology lets it in (behaviours D1-D3, D5). Pure."""

from collections.abc import Iterable
from typing import assert_never

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.errors import NotFound, Refused
from controller.pipeline.topology import Topology


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
    if not is_local and principal not in {source.principal for source in domain.sources}:
        raise Refused(
            f"{principal} is not a source of domain {account.domain}",
            reason="sourceNotAllowed",
            hint="name it in the domain's spec.sources",
        )
    if not topology.system.from_windows_to_adapters:
        raise Refused(
            "changes from Windows are switched off",
            reason="windowsToAdaptersOff",
            hint="set fromWindowsToAdapters: true in the System manifest",
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
