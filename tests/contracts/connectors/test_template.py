"""The connector contract over the template package, found by its entry point as an installed package's is."""

import hashlib
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from controller.connectors.registry import InstalledConnectors
from controller.manifests.reader import read_manifests
from controller.model.constraints import Constraints
from controller.model.secret import Secret
from controller.model.topology import Adapter
from controller.ports.connectors import Connector, ConnectorCatalogue
from tests.contracts.connectors.contract import ConnectorContract
from tests.contracts.connectors.harness import Bench
from tests.contracts.connectors.test_htpasswd import away
from tests.doubles.secrets import no_secrets

TEMPLATE = Path(__file__).parents[3] / "examples" / "connectors" / "folder"
MANIFEST = """\
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: files}
spec:
  connector: {type: folder, folder: accounts}
"""


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectorCatalogue]:
    """The catalogue while the template is installed: its files, and what pip writes of its pyproject.toml."""
    site = tmp_path_factory.mktemp("site-packages")
    project = tomllib.loads((TEMPLATE / "pyproject.toml").read_text())["project"]
    for package in TEMPLATE.glob("*/__init__.py"):
        shutil.copytree(package.parent, site / package.parent.name)
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points))
    sys.path.append(str(site))
    try:
        yield InstalledConnectors()
    finally:
        sys.path.remove(str(site))
        for name in [name for name in sys.modules if name.partition(".")[0] == "pwsync_folder"]:
            del sys.modules[name]


class FolderBench(Bench):
    account, password, missing, refused = "alice", "Initial-1-password", "nobody", "tiny-1"
    policy = Constraints(min_length=8)

    def __init__(self, catalogue: ConnectorCatalogue, folder: Path) -> None:
        self._type, self._folder = catalogue.get("folder"), folder
        folder.mkdir()
        (folder / "alice").touch()
        self.fresh().set_password("alice", Secret(self.password))

    def fresh(self) -> Connector:
        return self._type.connect(self._type.options.model_validate({"folder": str(self._folder)}), no_secrets)

    def login(self, account: str, password: str) -> bool:
        file = self._folder / account
        if not file.exists():
            return False
        salt, _, kept = file.read_text().partition(":")
        return hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1).hex() == kept

    def unreachable(self) -> AbstractContextManager[None]:
        return away(self._folder)


class TestTemplate(ConnectorContract):
    @pytest.fixture
    def bench(self, catalogue: ConnectorCatalogue, tmp_path: Path) -> Bench:
        return FolderBench(catalogue, tmp_path / "accounts")


def test_manifests_know_the_type_and_its_fields(catalogue: ConnectorCatalogue, tmp_path: Path) -> None:
    (tmp_path / "adapter.yaml").write_text(MANIFEST)
    assert "folder" in catalogue.names()
    (adapter,) = read_manifests([str(tmp_path)], catalogue).state.resources.values()
    assert isinstance(adapter.spec, Adapter)
    assert adapter.spec.connector.options == {"folder": str(tmp_path / "accounts")}
