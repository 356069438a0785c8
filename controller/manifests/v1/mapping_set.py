"""Kind MappingSet: many mappings of one application and one domain, inline or in a CSV file."""

from typing import Literal, Self

from pydantic import Field, model_validator

from controller.manifests.v1.document import Described, Manifest, Name
from controller.manifests.v1.domain import NetBiosName
from controller.manifests.v1.mapping import UnprotectedAnnotations
from controller.model.options import FilePath, Options, Unfit

ORIGIN = "MappingSet/"


class MappingEntry(Options):
    """One mapping: the bare name of the Windows account, and the external account."""

    windows: str
    external: str
    enabled: bool = True


class MappingSetSpec(Options):
    """The spec of a MappingSet."""

    application: str
    domain: NetBiosName
    mappings: list[MappingEntry] | None = None
    csv_file: FilePath | None = Field(default=None, description="columns windows,external[,enabled]")

    @model_validator(mode="after")
    def _not_empty_handed(self) -> Self:
        if self.mappings is None and self.csv_file is None:
            raise Unfit("neither mappings nor csvFile is given", hint="write mappings: [] for a set that is empty now")
        return self


class MappingSetMetadata(Described):
    """Metadata of a MappingSet."""

    name: Name
    annotations: UnprotectedAnnotations


class MappingSetManifest(Manifest):
    """Many mappings of one application and one domain."""

    kind: Literal["MappingSet"]
    metadata: MappingSetMetadata
    spec: MappingSetSpec
