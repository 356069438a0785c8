"""JSON Schema of manifests: complete in itself, with the connectors of the catalogue and readable durations."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from controller.manifests.schema import json_schema
from controller.manifests.v1.kinds import KINDS
from controller.model.errors import NotFound
from tests.unit.manifests.catalogue import FakeCatalogue


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from nodes(inner)


@pytest.mark.parametrize("kind", [*KINDS, None])
def test_every_reference_of_a_schema_stays_inside_it(kind: str | None) -> None:
    schema = json_schema(kind, FakeCatalogue())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    references = [node["$ref"] for node in nodes(schema) if isinstance(node.get("$ref"), str)]
    assert references
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(schema["$defs"])


def test_the_schema_of_all_kinds_is_a_choice_of_the_kinds() -> None:
    schema = json_schema(None, FakeCatalogue())
    assert schema["oneOf"] == [{"$ref": f"#/$defs/{kind}"} for kind in KINDS]
    for kind in KINDS:
        assert schema["$defs"][kind]["properties"]["kind"]["const"] == kind
        assert schema["$defs"][kind]["properties"]["apiVersion"]["const"] == "pwsync/v1"
        assert schema["$defs"][kind]["additionalProperties"] is False


def test_the_schema_of_one_kind_points_at_it() -> None:
    schema = json_schema("System", FakeCatalogue())
    assert schema["$ref"] == "#/$defs/System"
    assert schema["title"] == "pwsync System"
    assert not any(name.startswith("Adapter") for name in schema["$defs"])


def test_a_connector_is_a_choice_of_the_types_of_the_catalogue() -> None:
    schema = json_schema("Adapter", FakeCatalogue())
    choices = {
        choice["properties"]["type"]["const"]: choice for choice in schema["$defs"]["Adapter.ConnectorField"]["oneOf"]
    }
    assert sorted(choices) == list(FakeCatalogue().names())
    assert choices["htpasswd"]["required"] == ["type", "file"]
    assert choices["htpasswd"]["properties"]["scheme"]["enum"] == ["bcrypt", "argon2id"]
    assert choices["htpasswd"]["additionalProperties"] is False
    assert choices["racf"]["properties"]["bind"] == {"$ref": "#/$defs/connector.racf.Bind"}
    assert choices["tree"]["properties"]["children"]["items"] == {"$ref": "#/$defs/connector.tree.Tree"}
    assert "type" not in schema["$defs"]["connector.tree.Tree"]["properties"]


def test_durations_are_text_with_a_pattern_and_a_readable_default() -> None:
    properties = json_schema("System", FakeCatalogue())["$defs"]["System.SystemSpec"]["properties"]
    assert properties["maxSyncAge"]["default"] == "1d"
    pattern = re.compile(properties["maxSyncAge"]["pattern"])
    assert all(pattern.search(text) for text in ("24h", "10m", "1h30m", "7d", "90s", "1d2h3m4s"))
    assert not any(pattern.search(text) for text in ("", "24", "h", "24h ", "1s1m", "-1s", "1.5h", "PT5M"))


def test_fields_are_named_as_in_yaml() -> None:
    definitions = json_schema("Domain", FakeCatalogue())["$defs"]
    assert set(definitions["Domain.DirectorySpec"]["properties"]) == {"url", "caFile", "startTLS", "bind", "baseDN"}
    assert set(json_schema("Application", FakeCatalogue())["$defs"]["Application.ApplicationSpec"]["properties"]) >= {
        "fields",
        "directPasswordSync",
    }


def test_a_kind_that_does_not_exist_is_refused_with_a_suggestion() -> None:
    with pytest.raises(NotFound, match=r"there is no kind 'Adaptor' \(did you mean 'Adapter'\?\)"):
        json_schema("Adaptor", FakeCatalogue())
    with pytest.raises(NotFound, match=r"there is no kind 'Pod' \(there are: Adapter, "):
        json_schema("Pod", FakeCatalogue())
