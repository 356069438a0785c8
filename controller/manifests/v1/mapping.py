"""Kind Mapping: one Windows account and one external account, inside one application."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema

from controller.manifests.v1.document import Described, Manifest, Name
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.errors import InvalidInput
from controller.model.options import Options, Unfit
from controller.model.topology import PROTECT_ANNOTATION, RECONCILE_ANNOTATION, Mapping

ORIGIN = "Mapping/"


def _windows(text: str) -> str:
    try:
        return str(WindowsAccount.parse(text))
    except InvalidInput as error:
        raise Unfit(error.message, hint=error.hint) from error


def _external(text: str) -> str:
    try:
        return ExternalAccount.parse("", text).name
    except InvalidInput as error:
        raise Unfit(error.message, hint=error.hint) from error


def _unprotected(annotations: dict[str, str]) -> dict[str, str]:
    if annotations.get(PROTECT_ANNOTATION) == "true":
        raise Unfit("mappings cannot be protected", hint="remove the annotation", field=PROTECT_ANNOTATION)
    if annotations.get(RECONCILE_ANNOTATION) == "disabled":
        raise Unfit("mappings cannot be left alone", hint="remove the annotation", field=RECONCILE_ANNOTATION)
    return annotations


WindowsName = Annotated[
    str, AfterValidator(_windows), WithJsonSchema({"type": "string", "pattern": r"^[^\\]+\\[^\\]+$"})
]
r"""``DOMAIN\user``."""
ExternalName = Annotated[str, AfterValidator(_external), Field(min_length=1)]
"""The name of an external account, exactly as the external system writes it."""
UnprotectedAnnotations = Annotated[dict[str, str], AfterValidator(_unprotected), Field(default_factory=dict)]
"""Annotations of an object whose mappings cannot be protected one by one."""


def derived_name(application: str, windows: WindowsAccount) -> str:
    """The name of a Mapping that has none; it stays when the external account changes."""
    return f"{application}/{windows}"


def origin_of(name: str | None, application: str, windows: WindowsAccount) -> str:
    """What mappings of a Mapping document name as their origin; a name that is left out is derived."""
    return ORIGIN + (name if name is not None else derived_name(application, windows))


class MappingMetadata(Described):
    """Metadata of a Mapping, whose name may be left out."""

    name: Name | None = None
    annotations: UnprotectedAnnotations


class MappingSpec(Options):
    """The spec of a Mapping."""

    application: str
    windows_account: WindowsName
    external_account: ExternalName
    enabled: bool = True

    def compile(self, name: str | None) -> Mapping:
        """Return the model object; without a name its origin is derived from application and Windows account."""
        account = WindowsAccount.parse(self.windows_account)
        origin = origin_of(name, self.application, account)
        return Mapping(self.application, account, self.external_account, self.enabled, origin)

    @classmethod
    def of(cls, mapping: Mapping) -> Self:
        """Return the spec that compiles to *mapping*."""
        return cls(
            application=mapping.application,
            windows_account=str(mapping.windows),
            external_account=mapping.external,
            enabled=mapping.enabled,
        )


class MappingManifest(Manifest):
    """One Windows account and one external account, inside one application."""

    kind: Literal["Mapping"]
    metadata: MappingMetadata = Field(default_factory=lambda: MappingMetadata())  # noqa: PLW0108  # mypy knows the call
    spec: MappingSpec
