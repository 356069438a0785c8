"""What a target has to offer so that the connector contract can be checked against it.

A further target is one bench and one test class, in a file of its own::

    class SlapdBench(Bench):
        def __init__(self, slapd: Slapd) -> None:
            self.account, self.password, self.missing = "alice", "...", "nobody"
        def fresh(self) -> Connector: ...
        def login(self, account: str, password: str) -> bool: ...

    class TestOpenLdap(ConnectorContract):       # from tests.contracts.connectors.contract
        @pytest.fixture
        def bench(self, slapd: Slapd) -> Bench:  # the account is as described, for each test
            slapd.reset("alice", ...)
            return SlapdBench(slapd)

Fixtures with a wider scope, such as the server, stand outside of the class. The ``bench``
fixture may be parametrised, so that one class covers several modes of a connector.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from controller.model.constraints import Constraints
from controller.ports.connectors import Connector


class Bench(Protocol):
    """A target with a known account, and means to look at it from outside our code.

    Attributes:
        account: An account that exists, enabled, with *password* in force.
        password: Its password at the beginning of the test.
        missing: An account that does not exist.
        refused: A password that the target's policy refuses, or None when the target has no policy.
        policy: What the target tells about the policy of the account, or None when it has none.
    """

    account: str
    password: str
    missing: str
    refused: str | None = None
    policy: Constraints | None = None

    def fresh(self) -> Connector:
        """Make a connector for the target; the suite closes it."""
        ...

    def login(self, account: str, password: str) -> bool:
        """Prove *password* at the real target, independently of our code."""
        ...

    def unreachable(self) -> AbstractContextManager[None] | None:
        """Within it the target cannot be reached: nothing can be sent. None when the target has no such state."""
        return None

    def unresponsive(self) -> AbstractContextManager[None] | None:
        """Within it the target takes what is sent but no answer comes back. None when the target has no wire."""
        return None
