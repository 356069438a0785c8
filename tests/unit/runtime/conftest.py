"""An installation whose connectors speak to directories in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.model.errors import NotFound
from controller.model.topology import Adapter, Application, ConnectorSpec, Domain
from controller.ports.connectors import ConnectorType
from controller.runtime.settings import settings_of
from controller.runtime.wiring import Installation, open_installation
from tests.doubles.memory import MemoryConnectorType, MemoryDirectory
from tests.doubles.pipeline import ALL_ON
from tests.doubles.topologies import mapping, resource


@dataclass
class MemoryCatalogue:
    """Only the memory connector."""

    directory: MemoryDirectory

    def names(self) -> Sequence[str]:
        """See ``ports.ConnectorCatalogue``."""
        return ["memory"]

    def get(self, name: str) -> ConnectorType:
        """See ``ports.ConnectorCatalogue``."""
        if name != "memory":
            raise NotFound(f"there is no connector type {name}")
        return MemoryConnectorType(self.directory)


@pytest.fixture
def directory() -> MemoryDirectory:
    """Ten users."""
    return MemoryDirectory(accounts={f"user{n}": "old" for n in range(10)})


@pytest.fixture
def installation(tmp_path: Path, directory: MemoryDirectory) -> Iterator[Installation]:
    """An installation with one adapter and ten mappings."""
    with open_installation(settings_of(tmp_path / "state", environ={})) as opened:
        with opened.store.write() as tx:
            tx.resources.put(resource("default", ALL_ON))
            tx.resources.put(resource("CORP", Domain(dns_name="corp.example.com")))
            tx.resources.put(resource("memory", Adapter(ConnectorSpec("memory"), sync_to_adapter=True)))
            tx.resources.put(resource("APP", Application(adapter="memory")))
            tx.mappings.put([mapping("APP", f"user{n}", f"user{n}") for n in range(10)])
        yield Installation(opened.settings, opened.store, opened.sealer, MemoryCatalogue(directory))
