"""Connectors whose calls are measured; what they do and raise stays the same."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from controller.model.constraints import Capabilities
from controller.model.diagnosis import Finding
from controller.model.errors import PwsyncError
from controller.model.observation import Survey
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.pipeline.dispatch import Connections
from controller.pipeline.topology import Topology
from controller.ports.connectors import Connector

UNFORESEEN = "internal"
"""Code of a call that ended in an error which is none of ours."""


class CallMeter(Protocol):
    """Takes the measurements."""

    def note_call(self, lane: str, operation: str, code: str, elapsed: float) -> None:
        """Note one call of a lane's connector, in seconds; *code* is empty when it succeeded."""


class MeteredConnections:
    """Implements ``pipeline.dispatch.Connections`` around another one."""

    def __init__(self, connections: Connections, meter: CallMeter) -> None:
        self._connections = connections
        self._meter = meter

    def connect(self, topology: Topology, lane: str) -> Connector:
        """The lane's connector, measured.

        Raises:
            NotFound: As the other one.
            SettingsError: As the other one.
        """
        return MeteredConnector(self._connections.connect(topology, lane), lane, self._meter)

    def close(self) -> None:
        """Give back the connection."""
        self._connections.close()


class MeteredConnector:
    """Implements ``ports.Connector`` around another one: same answers, same errors."""

    def __init__(self, connector: Connector, lane: str, meter: CallMeter) -> None:
        self._connector = connector
        self._lane = lane
        self._meter = meter
        self.capabilities: Capabilities = connector.capabilities

    def set_password(self, account: str, new: Secret) -> None:
        """See ``ports.Connector``."""
        with self._measured("setPassword"):
            self._connector.set_password(account, new)

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """See ``ports.Connector``."""
        with self._measured("changePassword"):
            self._connector.change_password(account, old, new)

    def verify_password(self, account: str, password: Secret) -> bool:
        """See ``ports.Connector``."""
        with self._measured("verifyPassword"):
            return self._connector.verify_password(account, password)

    def check(self) -> None:
        """See ``ports.Connector``."""
        with self._measured("check"):
            self._connector.check()

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """See ``ports.Connector``."""
        with self._measured("policy"):
            return self._connector.policy(account)

    def survey(self, accounts: Sequence[str]) -> Survey:
        """See ``ports.Connector``."""
        with self._measured("survey"):
            return self._connector.survey(accounts)

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:
        """See ``ports.Connector``; errors are in its findings, so that nothing is measured."""
        return self._connector.diagnose(accounts)

    def close(self) -> None:
        """See ``ports.Connector``."""
        self._connector.close()

    @contextmanager
    def _measured(self, operation: str) -> Iterator[None]:
        start = time.monotonic()
        code = UNFORESEEN
        try:
            yield
            code = ""
        except PwsyncError as error:
            code = error.code
            raise
        finally:
            self._meter.note_call(self._lane, operation, code, time.monotonic() - start)
