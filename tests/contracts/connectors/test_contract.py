"""The connector contract over the directory in memory: a double that kept another contract would prove nothing."""

from contextlib import AbstractContextManager

import pytest

from controller.model.constraints import Capabilities, Constraints
from controller.model.policy import PasswordPolicy
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import ConnectorContract
from tests.contracts.connectors.harness import Bench
from tests.doubles.memory import MemoryConnector, MemoryDirectory


class MemoryBench(Bench):
    """One account in memory; passwords under eight characters are refused."""

    account, password, missing, refused = "alice", "Initial-1-password", "nobody", "tiny-1"

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self.policy = Constraints(min_length=8)
        self._directory = MemoryDirectory(
            {self.account: self.password},
            policy=lambda p: "too short" if len(p) < 8 else None,
            told_policy=PasswordPolicy("the memory", self.policy),
        )

    def fresh(self) -> Connector:
        return MemoryConnector(self._directory, self._capabilities)

    def login(self, account: str, password: str) -> bool:
        return self._directory.accounts.get(account) == password

    def unreachable(self) -> AbstractContextManager[None]:
        return self._directory.down()

    def unresponsive(self) -> AbstractContextManager[None]:
        return self._directory.mute()


class TestMemory(ConnectorContract):
    @pytest.fixture(params=[Capabilities(), Capabilities(needs_old_password=True)], ids=["reset", "change"])
    def bench(self, request: pytest.FixtureRequest) -> Bench:
        return MemoryBench(request.param)
