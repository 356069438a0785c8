"""One document into one valid manifest, or all that is wrong with it."""

from typing import Any

from pydantic import ValidationError

from controller.manifests.connector_options import read_options
from controller.manifests.document import Document
from controller.manifests.explanation import explain
from controller.manifests.problems import Problem, did_you_mean, there_are
from controller.manifests.v1.adapter import AdapterManifest, ConnectorField
from controller.manifests.v1.document import API_VERSION
from controller.manifests.v1.kinds import KINDS, AnyManifest
from controller.ports.connectors import ConnectorCatalogue


def validate(document: Document, catalogue: ConnectorCatalogue) -> AnyManifest | list[Problem]:
    """Return the manifest that *document* holds, or its problems."""
    model = _model_of(document)
    if isinstance(model, Problem):
        return [model]
    problems: list[Problem] = []
    manifest: AnyManifest | None = None
    try:
        manifest = model.model_validate(
            document.value, by_alias=True, by_name=False, context={"folder": document.folder}
        )
    except ValidationError as error:
        problems.extend(explain(error, document, model))
    if model is AdapterManifest and _has_connector(document.value):
        options = read_options(document, catalogue)
        if isinstance(options, list):
            problems.extend(options)
        elif isinstance(manifest, AdapterManifest):
            manifest = _with_options(manifest, options)
    return manifest if manifest is not None and not problems else problems


def identity(document: Document) -> tuple[str, str] | None:
    """Return kind and name as written, even if the rest is wrong; None when they are not there."""
    value = document.value if isinstance(document.value, dict) else {}
    metadata = value.get("metadata")
    kind, name = value.get("kind"), metadata.get("name") if isinstance(metadata, dict) else None
    return (kind, name) if isinstance(kind, str) and isinstance(name, str) else None


def _model_of(document: Document) -> type[AnyManifest] | Problem:
    value = document.value
    if not isinstance(value, dict):
        return Problem(document.place(), "a manifest must be a mapping of fields", "apiVersion, kind, metadata, spec")
    if value.get("apiVersion", API_VERSION) != API_VERSION:
        return Problem(document.place(("apiVersion",)), f"apiVersion: must be {API_VERSION!r}")
    if "kind" not in value:
        return Problem(document.place(), "kind: missing", there_are("there are", KINDS))
    kind = value["kind"]
    if isinstance(kind, str) and kind in KINDS:
        return KINDS[kind]
    hint = there_are("there are", KINDS)
    if isinstance(kind, str) and (close := did_you_mean(kind, KINDS)):
        hint = f"{close} {hint}"
    return Problem(
        document.place(("kind",)), f"there is no kind {kind!r}" if isinstance(kind, str) else "kind: must be text", hint
    )


def _has_connector(value: dict[str, Any]) -> bool:
    spec = value.get("spec")
    return isinstance(spec, dict) and isinstance(spec.get("connector"), dict)


def _with_options(manifest: AdapterManifest, options: dict[str, Any]) -> AdapterManifest:
    connector = ConnectorField.model_validate({"type": manifest.spec.connector.type, **options})
    return manifest.model_copy(update={"spec": manifest.spec.model_copy(update={"connector": connector})})
