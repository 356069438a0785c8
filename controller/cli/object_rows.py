"""Objects and mappings as ``get`` shows them: columns, rows, JSON and YAML."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from controller.cli.listing import Filters, Found
from controller.cli.output import yes_no
from controller.model.errors import NotFound
from controller.views.kinds import RESOURCE_KINDS, Word
from controller.views.objects import mapping_view, resource_view

if TYPE_CHECKING:
    from controller.model.topology import Mapping, Spec
    from controller.ports.store import Transaction

MAPPINGS_IN_TABLE = 100


def resources(tx: "Transaction", word: Word, filters: Filters) -> Found:
    """Objects of one kind.

    Raises:
        NotFound: There is none of this name.
    """
    from controller.manifests.export import export_resource

    kind = RESOURCE_KINDS[word]
    found = sorted((r for r in tx.resources.read().values() if r.kind == kind), key=lambda r: r.name)
    found = [r for r in found if filters.name in {"", r.name}]
    found = [r for r in found if not filters.adapter or getattr(r.spec, "adapter", None) == filters.adapter]
    if filters.name and not found:
        raise NotFound(f"there is no {kind} {filters.name}", hint=f"see 'pwsync get {word.value}'")
    found = found[: filters.limit]
    return Found(
        columns=("NAME", *_COLUMNS[kind]),
        rows=lambda: ((r.name, *_cells(r.spec)) for r in found),
        items=lambda: (resource_view(tx, r) for r in found),
        documents=lambda: (export_resource(r) for r in found),
    )


_COLUMNS: dict[str, tuple[str, ...]] = {
    "System": ("WINDOWS TO ADAPTERS", "ADAPTERS TO DATABASE", "ADAPTERS TO WINDOWS", "MAX SYNC AGE"),
    "Domain": ("DNS NAME", "SOURCES", "DIRECTORY"),
    "PasswordFilter": ("RULES",),
    "AdapterGroup": ("COMPUTER", "DESCRIPTION"),
    "Adapter": ("CONNECTOR", "ENABLED", "TO ADAPTER", "FROM ADAPTER", "FULL SYNC", "FILTER", "DESCRIPTION"),
    "Application": ("TYPE", "ADAPTER", "ENABLED", "CONTACT"),
    "MappingRule": ("APPLICATION", "DOMAIN", "FILTER", "EXTERNAL ACCOUNT", "CREATE", "DELETE", "DELETE ALL"),
}


def _cells(spec: "Spec") -> tuple[str, ...]:  # noqa: PLR0911  # one for each kind
    from controller.model.topology import Adapter, AdapterGroup, Application, Domain, MappingRule, System

    match spec:
        case System():
            switches = (spec.from_windows_to_adapters, spec.from_adapters_to_database, spec.from_adapters_to_windows)
            return (*map(yes_no, switches), str(spec.max_sync_age))
        case Domain():
            url = spec.directory.endpoint.url if spec.directory is not None else ""
            return spec.dns_name, ", ".join(source.principal for source in spec.sources), url
        case AdapterGroup():
            return spec.computer, spec.description
        case Adapter():
            sync = (spec.sync_to_adapter, spec.sync_from_adapter, spec.change_windows_password)
            return spec.connector.type, *map(yes_no, (spec.enabled, *sync)), spec.filter or "", spec.description
        case Application():
            return spec.type, spec.adapter or "", yes_no(spec.enabled), spec.contact
        case MappingRule():
            does = map(yes_no, (spec.create, spec.delete, spec.delete_all))
            return spec.application, spec.domain, spec.filter, spec.external_attribute, *does
        case _:
            return (str(len(spec.rules)),)


def mappings(tx: "Transaction", filters: Filters) -> Found:
    """Mappings. A table is cut off; json and yaml are whole, unless a limit is given."""
    from controller.manifests.export import export_mappings

    def chosen(limit: int | None) -> Iterator["Mapping"]:
        return islice((m for m in _candidates(tx, filters) if _is_named(m, filters.name)), limit)

    return Found(
        columns=("APPLICATION", "WINDOWS ACCOUNT", "EXTERNAL ACCOUNT", "ENABLED", "DECLARED BY"),
        rows=lambda: (
            (m.application, str(m.windows), m.external, yes_no(m.enabled), m.origin)
            for m in chosen(filters.limit or MAPPINGS_IN_TABLE)
        ),
        items=lambda: (mapping_view(m) for m in chosen(filters.limit)),
        documents=lambda: export_mappings(chosen(filters.limit)),
        limit=MAPPINGS_IN_TABLE,
    )


def _is_named(mapping: "Mapping", name: str) -> bool:
    """Whether *name* is that of a mapping, with or without the external account at its end; empty is any."""
    return name in {"", mapping.key.name, mapping.key.name.removesuffix(f"/{mapping.external}")}


def _candidates(tx: "Transaction", filters: Filters) -> Iterable["Mapping"]:
    from controller.model.accounts import WindowsAccount
    from controller.pipeline.topology import TopologyReader

    topology = TopologyReader().read(tx)
    applications = topology.applications_of(filters.adapter) if filters.adapter else sorted(topology.applications)
    if "\\" in filters.account:
        found: Iterable[Mapping] = tx.mappings.of_windows(WindowsAccount.parse(filters.account))
    elif filters.account:
        found = tx.mappings.of_external(applications, filters.account)
    else:
        found = tx.mappings.scan()
    wanted = frozenset(applications)
    return (m for m in found if not filters.adapter or m.application in wanted)


def mapping_sets(tx: "Transaction", filters: Filters) -> Found:
    """Mapping sets, as far as their mappings tell.

    Raises:
        NotFound: There is none of this name.
    """
    from controller.manifests.export import export_mappings

    origin = "MappingSet/"
    of_sets = export_mappings(m for m in tx.mappings.scan() if m.origin.startswith(origin))
    found = sorted((d for d in of_sets if filters.name in {"", d["metadata"]["name"]}), key=_set_order)
    if filters.name and not found:
        raise NotFound(f"there is no MappingSet {filters.name}", hint="see 'pwsync get mappingsets'")
    found = found[: filters.limit]
    return Found(
        columns=("NAME", "APPLICATION", "DOMAIN", "MAPPINGS"),
        rows=lambda: ((*_set_order(d), f"{len(d['spec']['mappings']):,}") for d in found),
        items=lambda: found,
        documents=lambda: found,
    )


def _set_order(document: dict[str, Any]) -> tuple[str, str, str]:
    spec = document["spec"]
    return document["metadata"]["name"], spec["application"], spec["domain"]
