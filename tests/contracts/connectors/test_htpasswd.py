"""The connector contract over a password file, judged by the system's crypt(3)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from controller.connectors.htpasswd import CONNECTOR_TYPE, HtpasswdOptions
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import ConnectorContract
from tests.contracts.connectors.harness import Bench
from tests.contracts.connectors.libcrypt import crypt_accepts
from tests.doubles.secrets import no_secrets


class HtpasswdBench(Bench):
    account, password, missing, refused = "alice", "Initial-1-password", "nobody", "x" * 73

    def __init__(self, file: Path) -> None:
        self.file = file
        file.write_text("# staff\nbob:$apr1$salt$hash\nalice:unset\n")
        self.fresh().set_password(self.account, Secret(self.password))

    def fresh(self) -> Connector:
        return CONNECTOR_TYPE.connect(HtpasswdOptions(file=str(self.file), cost=4), no_secrets)

    def login(self, account: str, password: str) -> bool:
        entries = dict(line.split(":") for line in self.file.read_text().splitlines() if ":" in line)
        return account in entries and crypt_accepts(password, entries[account])

    def unreachable(self) -> AbstractContextManager[None]:
        return away(self.file)


@contextmanager
def away(file: Path) -> Iterator[None]:
    """Within it *file* is not there."""
    elsewhere = file.rename(file.with_name("elsewhere"))
    try:
        yield
    finally:
        elsewhere.rename(file)


class TestHtpasswd(ConnectorContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return HtpasswdBench(tmp_path / "htpasswd")
