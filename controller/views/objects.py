"""Objects and mappings as JSON: as manifests, with what the store knows beside them."""

from typing import TYPE_CHECKING, Any

from controller.model.errors import InvalidInput, NotFound
from controller.views.records import instant

if TYPE_CHECKING:
    from controller.model.topology import Mapping, Resource
    from controller.ports.store import Transaction


def resource_view(tx: "Transaction", resource: "Resource") -> dict[str, Any]:
    """The manifest of an object, and ``status``."""
    from controller.manifests.export import export_resource

    return export_resource(resource) | {"status": resource_status(tx, resource)}


def resource_status(tx: "Transaction", resource: "Resource") -> dict[str, Any]:
    """generation, updatedAt, hasDrifted, revision."""
    record = tx.resources.describe(resource.key)
    if record is None:  # within one transaction it cannot go
        raise NotFound(f"there is no {resource.key}")
    return {
        "generation": record.generation,
        "updatedAt": instant(record.updated_at),
        "hasDrifted": record.has_drifted,
        "revision": record.revision,
    }


def mapping_view(mapping: "Mapping") -> dict[str, Any]:
    """The manifest of a mapping, and ``origin``: the manifest object that declares it."""
    from controller.manifests.export import export_mapping

    return export_mapping(mapping) | {"origin": mapping.origin}


def find_mapping(tx: "Transaction", name: str) -> "Mapping":
    r"""The one mapping of this name: ``APPLICATION/DOMAIN\user``, with or without ``/EXTERNAL``.

    Raises:
        NotFound: There is none.
        InvalidInput: Several have it: those of a host group, without the external account.
    """
    from controller.model.accounts import WindowsAccount

    application, _, accounts = name.partition("/")
    windows, has_external, external = accounts.partition("/")
    domain, _, user = windows.partition("\\")
    of_windows = tx.mappings.of_windows(WindowsAccount(domain.upper(), user.lower()))
    found = [m for m in of_windows if m.application == application and (not has_external or m.external == external)]
    if not found:
        raise NotFound(f"there is no Mapping {name}", hint=r"its name is APPLICATION/DOMAIN\user[/EXTERNAL]")
    if len(found) > 1:
        others = "see 'pwsync get mappings'"
        raise InvalidInput(
            f"{name} is mapped several times", hint=f"add the external account: {found[0].key.name}; {others}"
        )
    return found[0]
