"""Flags of an adapter that the System's switches make ineffective (behaviour A12). Pure."""

from collections.abc import Iterator

from controller.model.topology import Adapter, System


def ineffective_flags(adapter: Adapter, system: System) -> Iterator[tuple[str, str]]:
    """Yield each flag that is on, but whose switch of the System is off: both as manifests name them."""
    for flag, is_on, switch, is_allowed in (
        ("syncToAdapter", adapter.sync_to_adapter, "fromWindowsToAdapters", system.from_windows_to_adapters),
        ("syncFromAdapter", adapter.sync_from_adapter, "fromAdaptersToDatabase", system.from_adapters_to_database),
        (
            "changeWindowsPassword",
            adapter.change_windows_password,
            "fromAdaptersToWindows",
            system.from_adapters_to_windows,
        ),
    ):
        if is_on and not is_allowed:
            yield flag, switch
