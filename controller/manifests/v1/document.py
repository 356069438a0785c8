"""What the manifests of all kinds share: apiVersion, metadata, names."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, field_validator

from controller.model.options import Options, Unfit
from controller.model.topology import PROTECT_ANNOTATION, RECONCILE_ANNOTATION

API_VERSION: Final = "pwsync/v1"
NAME_PATTERN: Final = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
MAX_NAME_LENGTH: Final = 253
_NAME: Final = re.compile(NAME_PATTERN)


def is_name(text: str) -> bool:
    """Whether an object may have this name."""
    return len(text) <= MAX_NAME_LENGTH and _NAME.fullmatch(text) is not None


def _checked_name(name: str) -> str:
    if not is_name(name):
        raise Unfit(
            f"{name[:MAX_NAME_LENGTH]!r} is not a name",
            hint=f"letters, digits, '.', '_' and '-', a letter or digit at both ends, at most {MAX_NAME_LENGTH}",
        )
    return name


Name = Annotated[
    str,
    AfterValidator(_checked_name),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$", "minLength": 1, "maxLength": MAX_NAME_LENGTH}),
]
"""The name of an object."""

NonEmpty = Annotated[str, Field(min_length=1)]
"""Text with at least one character."""


class Described(Options):
    """Labels and annotations."""

    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)

    @field_validator("annotations")
    @classmethod
    def _protection_is_clear(cls, annotations: dict[str, str]) -> dict[str, str]:
        if annotations.get(PROTECT_ANNOTATION, "true") not in {"true", "false"}:
            raise Unfit("must be 'true' or 'false'", hint="anything else would not protect", field=PROTECT_ANNOTATION)
        if annotations.get(RECONCILE_ANNOTATION, "enabled") not in {"enabled", "disabled"}:
            hint = "disabled leaves the object alone"
            raise Unfit("must be 'enabled' or 'disabled'", hint=hint, field=RECONCILE_ANNOTATION)
        return annotations


class Metadata(Described):
    """The name of an object, and what people note about it."""

    name: Name


class Manifest(Options):
    """A document. Each kind narrows ``kind``, ``metadata`` and ``spec``."""

    api_version: Literal["pwsync/v1"]
