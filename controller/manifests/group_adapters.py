"""Group adapters (behaviour A1): an Adapter of the name of an AdapterGroup is told of its members, and does no more."""

from collections.abc import Iterator, Mapping

from controller.manifests.agreement import Declared
from controller.manifests.problems import Problem
from controller.model.topology import Adapter, Application, Key, Kind

_FIELDS = {
    "syncToAdapter": "sync_to_adapter",
    "syncFromAdapter": "sync_from_adapter",
    "changeWindowsPassword": "change_windows_password",
    "sendOldPassword": "send_old_password",
    "allowMappingConflicts": "allow_mapping_conflicts",
    "filter": "filter",
}
"""What is about password changes, of which a group adapter has none."""


def misused_group_adapters(declared: Mapping[Key, Declared]) -> Iterator[Problem]:
    """Yield a problem for each group adapter that is no remote one or takes part in sync, and for its applications."""
    groups = {key.name for key in declared if key.kind is Kind.ADAPTER_GROUP}
    for found in declared.values():
        match found.resource.spec:
            case Adapter() as adapter if found.resource.name in groups:
                yield from _of_group_adapter(adapter, found)
            case Application(adapter=str(name)) if name in groups and Key(Kind.ADAPTER, name) in declared:
                yield Problem(
                    found.document.place(("spec", "adapter")),
                    f"spec.adapter: {name} is the group adapter of AdapterGroup {name}, and has no applications",
                    "name an adapter of the group, or give the group another name",
                )
            case _:
                pass


def _of_group_adapter(adapter: Adapter, found: Declared) -> Iterator[Problem]:
    name = found.resource.name
    is_it = f"Adapter {name} is the group adapter of AdapterGroup {name}"
    otherwise = "or give one of the two another name"
    if not adapter.is_remote:
        yield Problem(
            found.document.place(("spec", "connector", "type")),
            f"spec.connector.type: {is_it}, so it must be remote",
            f"set connector: {{type: remote}}, {otherwise}",
        )
    for field, attribute in _FIELDS.items():
        if getattr(adapter, attribute):
            yield Problem(
                found.place(field),
                f"spec.{field}: {is_it}, which is handed no password changes and reports none",
                f"remove it, {otherwise}",
            )
    if adapter.group is not None:
        yield Problem(
            found.document.place(("spec", "group")),
            f"spec.group: {is_it}, and belongs to no group itself",
            f"remove it, {otherwise}",
        )
