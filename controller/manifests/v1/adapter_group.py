"""Kind AdapterGroup: adapters that are served on one computer."""

from typing import Literal, Self

from controller.manifests.v1.document import Manifest, Metadata
from controller.model.options import Options
from controller.model.topology import AdapterGroup


class AdapterGroupSpec(Options):
    """The spec of an AdapterGroup."""

    description: str = ""
    computer: str = ""

    def compile(self) -> AdapterGroup:
        """Return the model object."""
        return AdapterGroup(self.description, self.computer)

    @classmethod
    def of(cls, group: AdapterGroup) -> Self:
        """Return the spec that compiles to *group*."""
        return cls(description=group.description, computer=group.computer)


class AdapterGroupManifest(Manifest):
    """Adapters that are served on one computer."""

    kind: Literal["AdapterGroup"]
    metadata: Metadata
    spec: AdapterGroupSpec = AdapterGroupSpec()
