"""The connector contract over a real OpenLDAP server, for each way to find accounts and to write."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from controller.model.constraints import Constraints
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import ConnectorContract
from tests.contracts.connectors.harness import Bench
from tests.servers.connectors import ldap_connector
from tests.servers.proxy import Relay
from tests.servers.slapd import DEFAULT_POLICY_DN, MINIMUM_LENGTH, PEOPLE_DN, SlapdServer

_SEARCH = {"search": {"baseDN": PEOPLE_DN, "filter": "(&(objectClass=person)(uid={account}))"}}


class SlapdBench(Bench):
    """One person behind a relay; passwords under eight characters are refused."""

    password, refused = "Initial-password-1", "Tiny-1"
    policy = Constraints(min_bytes=MINIMUM_LENGTH)

    def __init__(self, slapd: SlapdServer, relay: Relay, account: str, options: dict[str, Any]) -> None:
        self._slapd, self._relay, self._options = slapd, relay, options
        self.account, self.missing = account, f"no-{account}"
        slapd.add_person(account, self.password)

    def fresh(self) -> Connector:
        return ldap_connector(
            self._slapd, url=f"ldaps://127.0.0.1:{self._relay.port}", policyDN=DEFAULT_POLICY_DN, **self._options
        )

    def login(self, account: str, password: str) -> bool:
        return self._slapd.can_bind(self._slapd.person_dn(account), password)

    def unreachable(self) -> AbstractContextManager[None]:
        return self._relay.down()

    def unresponsive(self) -> AbstractContextManager[None]:
        lookups = 1 if "search" in self._options else 0
        return self._relay.mute_after(lookups)


@pytest.mark.system
class TestLdap(ConnectorContract):
    @pytest.fixture(
        params=[{}, _SEARCH, {"method": "replace"}],
        ids=["passwordModify by DN", "passwordModify by search", "replace"],
    )
    def bench(
        self,
        request: pytest.FixtureRequest,
        slapd: SlapdServer,
        slapd_relay: Relay,
        fresh_name: Callable[[str], str],
    ) -> Bench:
        return SlapdBench(slapd, slapd_relay, fresh_name("alice"), request.param)
