"""Field types that manifests and connector options share: secret references, file paths, bind credentials, TLS."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel


class Unfit(ValueError):
    """A value that a manifest may not have; validators of ``v1`` raise it, pydantic carries it.

    Attributes:
        field: Which field of the refused value is to blame; empty when it is the value itself.
    """

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.field = field


class Options(BaseModel):
    """Base of everything written in a manifest: camelCase in YAML, unknown fields refused, nothing converted."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )


def beside_the_manifest(value: str, info: ValidationInfo) -> str:
    """Make a path relative to the folder of its manifest whole."""
    folder = (info.context or {}).get("folder")
    return value if folder is None else str((Path(folder) / Path(value).expanduser()).resolve())


FilePath = Annotated[str, AfterValidator(beside_the_manifest)]
"""A path; a relative one is relative to the folder of its manifest (validation context ``folder``)."""


def _variable_name(value: str) -> str:
    if not _VARIABLE.fullmatch(value):  # POSIX.1 section 8.1
        raise ValueError("must be the name of an environment variable, never the secret itself")
    return value


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VariableName = Annotated[str, AfterValidator(_variable_name)]
"""The name of an environment variable. Most passwords written in its place are not such a name."""


class SecretReference(Options):
    """Where a secret stands: the name of an environment variable, or a file. Never the secret itself."""

    env: VariableName | None = None
    file: FilePath | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give exactly one of env and file")
        return self

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env is not None else f"file {self.file}"


class Bind(Options):
    """The service account with which a directory is used."""

    user: str
    password_from: SecretReference


class LdapEndpoint(Options):
    """How to reach an LDAP server. TLS is always used and always verified."""

    url: str
    ca_file: FilePath | None = None
    start_tls: bool = Field(default=False, alias="startTLS")
    bind: Bind

    @model_validator(mode="after")
    def _always_encrypted(self) -> Self:
        scheme, separator, rest = self.url.partition("://")
        if not separator or not rest or scheme not in {"ldap", "ldaps"} or set(rest.removesuffix("/")) & set("@/?#"):
            raise ValueError("url must be ldaps://host[:port], or ldap://host[:port] with startTLS: true")
        if scheme == "ldap" and not self.start_tls:
            raise ValueError("ldap:// without startTLS would send passwords in clear: use ldaps:// or startTLS: true")
        if scheme == "ldaps" and self.start_tls:
            raise ValueError("startTLS belongs to ldap://; ldaps:// is encrypted from the start")
        return self
