"""An installation in which one caller may do everything, for tools that call the API as its description says."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from controller.model.accounts import Account
from controller.model.actor import Actor
from controller.model.completion import Completion
from controller.model.notification import PasswordNotification
from controller.model.secret import Secret
from controller.model.topology import (
    REMOTE,
    Access,
    Application,
    ConnectorSpec,
    Domain,
    Kind,
    NotificationPolicy,
    Source,
)
from controller.pipeline.gate import AdapterCall
from controller.runtime.metrics import Metrics
from controller.sealing.capture import CaptureKey
from controller.web.metrics import MetricsPage
from controller.web.service import make_service
from controller.web.stopping import Stopping
from tests.doubles.api import ApiBench
from tests.doubles.pipeline import OPEN_ADAPTER

PRINCIPAL = "ops"
REMOTE_NAME = "host"
LOCAL_NAME = "racf"
SPARE_NAME = "strict"
"""May be disabled without harm to other calls."""
APPLICATION_NAME = "PAYROLL"


class OpenInstallation:
    r"""Domain CORP, adapters racf and host (a remote one); CORP\alice is ALICE1 on both. ops may call everything."""

    def __init__(self, folder: Path) -> None:
        self.api = ApiBench(folder)
        self._bench = self.api.bench
        access = Access(users=(PRINCIPAL,), receivers=(PRINCIPAL,))
        self._bench.put(Kind.DOMAIN, "CORP", Domain("corp.example.com", (Source(PRINCIPAL),)))
        self._bench.adapter(LOCAL_NAME, replace(OPEN_ADAPTER, access=access))
        remote = replace(OPEN_ADAPTER, access=access, connector=ConnectorSpec(REMOTE))
        self._bench.put(Kind.ADAPTER, REMOTE_NAME, replace(remote, notifications=NotificationPolicy(max_pending=1000)))
        self._bench.put(Kind.APPLICATION, "HOST", Application(adapter=REMOTE_NAME))
        readable = Application(adapter=LOCAL_NAME, access=Access(lookups=(PRINCIPAL,)))
        self._bench.put(Kind.APPLICATION, APPLICATION_NAME, readable)
        self._bench.map(APPLICATION_NAME, "alice", "ALICE1")
        self._bench.credentials.set(APPLICATION_NAME, "ALICE1", Secret("n3w"), by=Actor(PRINCIPAL))
        self._bench.map("HOST", "alice", "ALICE1")
        self._numbers = count()
        self.initialize()

    @property
    def token(self) -> str:
        """The token of the caller."""
        return self.api.tokens[PRINCIPAL]

    def sealed(self, account: Account, occurred_at: datetime) -> str:
        """A captured password, in base64."""
        key = CaptureKey.of(self._bench.sealer._keyring.newest)
        return base64.b64encode(key.seal(Secret("n3w"), account, occurred_at)).decode()

    def service(self) -> ASGIApp:
        """All that a controller answers, and the start and end of which the tools tell, but our server does not."""
        metrics = Metrics()
        page = MetricsPage(self.api.installation, metrics)
        made = make_service(self.api.installation, lambda: None, metrics=metrics, page=page, stopping=Stopping())

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                while (said := (await receive())["type"]) != "lifespan.shutdown":
                    await send({"type": f"{said}.complete"})
                await send({"type": "lifespan.shutdown.complete"})
            else:
                await made(scope, receive, send)

        return app

    def initialize(self) -> None:
        """Begin a session of the remote adapter."""
        self.api.installation.adapter_sessions.initialize(AdapterCall("initialize", REMOTE_NAME, PRINCIPAL))

    def session(self) -> str:
        """The session of the remote adapter, whoever began it."""
        with self._bench.store.read() as tx:
            found = tx.sessions.get(REMOTE_NAME)
        if found is None:
            self.initialize()
            return self.session()
        return found.id

    def change(self) -> str:
        """Report a change of an account that has no other one on its way, and route it."""
        number = next(self._numbers)
        self._bench.map("HOST", f"user{number}", f"USER{number}")
        tracking_id = self._bench.windows(f"user{number}", "n3w")
        self._bench.route()
        return tracking_id

    def offer(self) -> None:
        """See to it that there is a notification to receive."""
        self.change()
        self.initialize()  # it may have said that it is offline

    def delivery(self, *, is_parked: bool) -> str:
        """The id of a delivery that can be ended, and when it is parked retried too."""
        tracking_id = self.notification() if is_parked else self.change()
        if is_parked:
            call = AdapterCall("complete", REMOTE_NAME, PRINCIPAL, self.session())
            self.api.installation.remote_notifications.complete(call, Completion(tracking_id, error_code=1))
        return self._bench.deliveries(tracking_id)[0].id

    def notification(self) -> str:
        """The tracking ID of a notification that is to be completed."""
        self.offer()
        call = AdapterCall("receive", REMOTE_NAME, PRINCIPAL, self.session())
        found = self.api.installation.remote_notifications.receive(call)
        return found.tracking_id if isinstance(found, PasswordNotification) else ""


@contextmanager
def open_installation_at(folder: Path) -> Iterator[OpenInstallation]:
    """Such an installation, until the end of the block."""
    made = OpenInstallation(folder)
    try:
        yield made
    finally:
        made.api.close()
