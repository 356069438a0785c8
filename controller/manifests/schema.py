"""JSON Schema of the manifests, for editors of YAML."""

from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from controller.manifests.problems import did_you_mean, there_are
from controller.manifests.v1.kinds import KINDS
from controller.model.duration import format_duration
from controller.model.errors import NotFound
from controller.ports.connectors import ConnectorCatalogue

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_Schema = dict[str, Any]


class Generator(GenerateJsonSchema):
    """Writes schemas as manifests are written."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401  # as in the class it extends
        """Write durations as manifests do; pydantic itself would write ISO 8601."""
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def json_schema(kind: str | None, catalogue: ConnectorCatalogue) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of manifests of one kind, or of any kind.

    Raises:
        NotFound: There is no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise NotFound(f"there is no kind {kind!r}", hint=did_you_mean(kind, KINDS, there_are("there are", KINDS)))
    definitions: dict[str, _Schema] = {}
    kinds = [kind] if kind is not None else list(KINDS)
    for name in kinds:
        definitions[name] = _hoisted(KINDS[name].model_json_schema, name, definitions)
    if "Adapter" in kinds:
        definitions["Adapter.ConnectorField"] = _connector(catalogue, definitions)
    references = [{"$ref": f"#/$defs/{name}"} for name in kinds]
    top = references[0] if kind is not None else {"oneOf": references}
    return {"$schema": _DIALECT, "title": f"pwsync {kind or 'manifest'}", **top, "$defs": definitions}


def schema_of(model: type[BaseModel], name: str) -> dict[str, Any]:
    """Return the JSON Schema of one document that is read by *model*, and is no manifest of the controller's."""
    definitions: dict[str, _Schema] = {}
    definitions[name] = _hoisted(model.model_json_schema, name, definitions)
    return {"$schema": _DIALECT, "title": f"pwsync {name}", "$ref": f"#/$defs/{name}", "$defs": definitions}


def _hoisted(make: Any, prefix: str, definitions: dict[str, _Schema]) -> _Schema:  # noqa: ANN401  # model_json_schema
    """Return a model's schema, with its definitions moved to *definitions* under names that begin with *prefix*."""
    schema: _Schema = make(by_alias=True, schema_generator=Generator, ref_template=f"#/$defs/{prefix}.{{model}}")
    definitions.update({f"{prefix}.{name}": inner for name, inner in schema.pop("$defs", {}).items()})
    if "$ref" in schema:  # a model that contains itself
        return definitions[schema["$ref"].removeprefix("#/$defs/")]
    return schema


def _connector(catalogue: ConnectorCatalogue, definitions: dict[str, _Schema]) -> _Schema:
    return {
        "title": "Connector",
        "oneOf": [_connector_type(name, catalogue, definitions) for name in catalogue.names()],
    }


def _connector_type(name: str, catalogue: ConnectorCatalogue, definitions: dict[str, _Schema]) -> _Schema:
    schema = _hoisted(catalogue.get(name).options.model_json_schema, f"connector.{name}", definitions)
    return {
        **schema,
        "properties": {"type": {"const": name}, **schema.get("properties", {})},
        "required": ["type", *schema.get("required", [])],
    }
