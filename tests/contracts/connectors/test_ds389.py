"""The connector contract over a real 389 Directory Server, for each way to find accounts and to write."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from controller.model.constraints import Constraints
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import ConnectorContract
from tests.contracts.connectors.harness import Bench
from tests.servers.connectors import ldap_connector
from tests.servers.ds389 import MINIMUM_LENGTH, PEOPLE_DN, Ds389Server
from tests.servers.proxy import Relay

_SEARCH = {"search": {"baseDN": PEOPLE_DN, "filter": "(&(objectClass=person)(uid={account}))"}}


class Ds389Bench(Bench):
    """One person behind a relay; passwords under eight characters are refused."""

    password, refused = "Initial-password-1", "Tiny-1"
    policy = Constraints(min_length=MINIMUM_LENGTH)

    def __init__(self, server: Ds389Server, relay: Relay, account: str, options: dict[str, Any]) -> None:
        self._server, self._relay, self._options = server, relay, options
        self.account, self.missing = account, f"no-{account}"
        server.add_person(account, self.password)

    def fresh(self) -> Connector:
        return ldap_connector(self._server, url=f"ldaps://127.0.0.1:{self._relay.port}", **self._options)

    def login(self, account: str, password: str) -> bool:
        return self._server.can_bind(self._server.person_dn(account), password)

    def unreachable(self) -> AbstractContextManager[None]:
        return self._relay.down()

    def unresponsive(self) -> AbstractContextManager[None]:
        lookups = 1 if "search" in self._options else 0
        return self._relay.mute_after(lookups)


@pytest.mark.system
class TestDs389(ConnectorContract):
    @pytest.fixture(params=[_SEARCH, {"method": "replace"}], ids=["passwordModify by search", "replace by DN"])
    def bench(
        self,
        request: pytest.FixtureRequest,
        ds389: Ds389Server,
        ds389_relay: Relay,
        fresh_name: Callable[[str], str],
    ) -> Bench:
        return Ds389Bench(ds389, ds389_relay, fresh_name("alice"), request.param)
