"""An installation in which every role is held by a principal of that name, and by nobody else."""

from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette

from controller.model.accounts import ExternalAccount
from controller.model.actor import Actor
from controller.model.secret import Secret
from controller.model.topology import REMOTE, Access, Application, ConnectorSpec, Domain, Kind, Source
from controller.pipeline.roles import Role
from controller.ports.deliveries import DeliveryQuery
from controller.runtime.metrics import Metrics
from controller.web.metrics import MetricsPage
from controller.web.service import make_service
from controller.web.stopping import Stopping
from tests.doubles.pipeline import ALL_ON, DIRECTORY, FULL_ADAPTER
from tests.doubles.status_pages import PagesBench

STRANGER, DISABLED = "stranger", ("disabledUser", "disabledReceiver")
PASSWORD = "n3w-Passw0rd"


@dataclass
class RolesBench(PagesBench):
    r"""Adapter far with application FAR (``CORP\alice`` is A1), near with NEAR (``CORP\bob`` is B1); shut is disabled.

    The roles are held over CORP, far and FAR. near, NEAR and shut name others.

    Attributes:
        tracking_ids: Of a change of alice that the source reported, and of A1 that far's user reported.
    """

    tracking_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.system(
            replace(
                ALL_ON, administrators=(Role.ADMINISTRATOR,), affiliate_administrators=(Role.AFFILIATE_ADMINISTRATOR,)
            )
        )
        self.bench.put(Kind.DOMAIN, "CORP", Domain("corp.example.com", (Source(Role.SOURCE),), DIRECTORY, "reset"))
        self._declare("far", _access(Role.ADAPTER_ADMINISTRATOR, Role.ADAPTER_USER, Role.ADAPTER_RECEIVER))
        self._declare("near", _access("nearAdministrator", "nearUser", "nearReceiver"))
        self._declare("shut", _access("shutAdministrator", *DISABLED), enabled=False)
        access = Access(administrators=(Role.APPLICATION_ADMINISTRATOR,), lookups=(Role.CREDENTIAL_READER,))
        owned = Application(adapter="far", access=access)
        self.bench.put(Kind.APPLICATION, "FAR", owned)
        self.bench.map("FAR", "alice", "A1")
        self.bench.map("NEAR", "bob", "B1")
        self.bench.credentials.set("FAR", "A1", Secret(PASSWORD), by=Actor("tester"))
        everybody = (*Role, STRANGER, *DISABLED, "nearUser", "nearAdministrator", "shutAdministrator")
        self.tokens |= {name: self.token(name) for name in everybody}
        metrics = Metrics()
        page = MetricsPage(self.installation, metrics)
        service: Any = make_service(self.installation, self._wake, metrics=metrics, page=page, stopping=Stopping())
        while not isinstance(service, Starlette):
            service = service._app
        self.app = service
        self.app.state.pages.stop()  # no live page stays open
        reports = (("/v1/domains/CORP/changes", r"CORP\alice", Role.SOURCE), (_reports("far"), "A1", Role.ADAPTER_USER))
        self.tracking_ids = tuple(self.reported(*report) for report in reports)

    def _declare(self, name: str, access: Access, *, enabled: bool = True) -> None:
        remote = ConnectorSpec(REMOTE)
        self.bench.adapter(name, replace(FULL_ADAPTER, connector=remote, access=access, enabled=enabled))

    def deliveries_of(self, adapter: str) -> list[str]:
        """Ids of the deliveries of an adapter, whatever became of them."""
        with self.bench.store.read() as tx:
            found = tx.deliveries.find(DeliveryQuery(lane=ExternalAccount(adapter, "").lane))
        return [delivery.id for delivery in found]

    def reported(self, path: str, account: str, by: str) -> str:
        """Report a change; returns its tracking ID once it is routed."""
        answer = self.post(path, {"account": account, "password": f"{PASSWORD}-{account}"}, by=by)
        assert answer.status_code == 202, answer.text
        self.bench.settle()
        tracking_id: str = answer.json()["trackingId"]
        return tracking_id


def _access(administrator: str, user: str, receiver: str) -> Access:
    return Access((administrator,), (user,), (receiver,))


def _reports(adapter: str) -> str:
    return f"/v1/adapters/{adapter}/changes"
