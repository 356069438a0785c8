"""The connector contract over a real Active Directory domain controller (Samba), for each mode."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from controller.model.constraints import Constraints
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import ConnectorContract
from tests.contracts.connectors.harness import Bench
from tests.servers.connectors import ad_connector
from tests.servers.proxy import Relay
from tests.servers.samba import SambaServer

_LOOKUPS_BEFORE_A_WRITE = 1


class SambaBench(Bench):
    """One user behind a relay; passwords of one kind of character are refused."""

    password, refused = "Initial-password-1", "onlylowercase"
    policy = Constraints(min_length=7, min_categories=3)

    def __init__(self, samba: SambaServer, relay: Relay, account: str, mode: str) -> None:
        self._samba, self._relay, self._mode = samba, relay, mode
        self.account, self.missing = account, f"no-{account}"
        samba.add_user(account, self.password)

    def fresh(self) -> Connector:
        return ad_connector(self._samba, url=f"ldaps://127.0.0.1:{self._relay.port}", mode=self._mode)

    def login(self, account: str, password: str) -> bool:
        return self._samba.try_login(self._samba.user_dn(account), password)

    def unreachable(self) -> AbstractContextManager[None]:
        return self._relay.down()

    def unresponsive(self) -> AbstractContextManager[None]:
        return self._relay.mute_after(_LOOKUPS_BEFORE_A_WRITE)


@pytest.mark.system
@pytest.mark.samba
class TestActiveDirectory(ConnectorContract):
    @pytest.fixture(params=["reset", "change"])
    def bench(
        self,
        request: pytest.FixtureRequest,
        samba: SambaServer,
        samba_relay: Relay,
        fresh_name: Callable[[str], str],
    ) -> Bench:
        return SambaBench(samba, samba_relay, fresh_name("al"), request.param)
