"""The connector of an adapter: its fields are checked by the connector type, and kept in one canonical form."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from controller.manifests.document import Document
from controller.manifests.explanation import Steps, explain
from controller.manifests.problems import Problem, did_you_mean, there_are
from controller.manifests.scalars import UNCLEAR
from controller.ports.connectors import ConnectorCatalogue

_AT: Steps = ("spec", "connector")


def read_options(document: Document, catalogue: ConnectorCatalogue) -> dict[str, Any] | list[Problem]:
    """Return the canonical options of the connector that *document* declares, or what is wrong with them.

    Canonical is JSON in camelCase with absolute paths and without what equals a default. A connector without a type
    has no options here: that problem is the manifest's own.
    """
    connector = document.value.get("spec", {}).get("connector", {})
    options = dict(connector)
    name = options.pop("type", None)
    if not isinstance(name, str):
        return {}
    if name not in catalogue.names():
        hint = did_you_mean(name, catalogue.names(), there_are("there are", catalogue.names()))
        return [
            Problem(document.place((*_AT, "type")), f"spec.connector.type: there is no connector type {name!r}", hint)
        ]
    model = catalogue.get(name).options
    try:
        valid = model.model_validate(options, by_alias=True, by_name=False, context={"folder": document.folder})
    except ValidationError as error:
        return list(explain(error, document, model, _AT))
    return list(_unclear(document, connector, _AT)) or _canonical(valid, document)


def _unclear(document: Document, value: Any, at: Steps) -> Iterator[Problem]:  # noqa: ANN401  # any YAML
    """Find what a field that takes anything would let through."""
    if value is UNCLEAR:
        yield Problem(
            document.place(at), "spec.connector: it is not clear whether this is text, a number or a switch", "quote it"
        )
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield from _unclear(document, child, (*at, step))


def _canonical(options: BaseModel, document: Document) -> dict[str, Any] | list[Problem]:
    """Leave defaults out where the rest still means the same (the tag of a union member may be a default)."""
    for without_defaults in (True, False):
        plain = options.model_dump(mode="json", by_alias=True, exclude_defaults=without_defaults)
        if _means(plain, options):
            return plain
    return [
        Problem(
            document.place(_AT), "spec.connector: the options of this connector type cannot be stored and read again"
        )
    ]


def _means(plain: dict[str, Any], options: BaseModel) -> bool:
    try:
        return type(options).model_validate(plain, by_alias=True, by_name=False) == options
    except ValidationError:
        return False
