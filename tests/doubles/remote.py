"""A remote adapter on a bench: its calls, made directly to the use cases."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from controller.model.accounts import ExternalAccount
from controller.model.completion import Completion
from controller.model.delivery import Delivery
from controller.model.errors import PwsyncError
from controller.model.notification import Notification, PasswordNotification
from controller.model.session import AdapterSession
from controller.model.topology import REMOTE, Access, Adapter, ConnectorSpec, Kind, NotificationPolicy
from controller.pipeline.expiring import Expirations
from controller.pipeline.gate import AdapterCall, CallName, Gate
from controller.pipeline.remote import RemoteNotifications
from controller.pipeline.sessions import AdapterSessions, StatusReport
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench

AGENT = "agent"
RETRY = timedelta(minutes=1)
REMOTE_ADAPTER = replace(
    OPEN_ADAPTER,
    connector=ConnectorSpec(REMOTE),
    access=Access(users=(AGENT,), receivers=(AGENT,)),
    notifications=NotificationPolicy(retry_count=3, retry_delay=RETRY),
)


@dataclass
class RemoteBench:
    r"""The adapter ``racf``, remote, with application RACF; CORP\alice is ALICE1 on it, CORP\bob is BOB1.

    Attributes:
        session: Of the newest initialization.
    """

    bench: PipelineBench
    session: str = ""
    gate: Gate = field(init=False)

    def __post_init__(self) -> None:
        self.bench.adapter("racf", REMOTE_ADAPTER)
        self.bench.map("RACF", "alice", "ALICE1")
        self.bench.map("RACF", "bob", "BOB1")
        self.restart()

    def restart(self) -> None:
        """A new controller process."""
        self.bench.restart()
        self.gate = Gate(self.bench.store)
        made: dict[str, Any] = {"new_id": self.bench.new_id, "jitter": lambda: 0.0}
        self.sessions = AdapterSessions(self.bench.store, self.bench.sealer, self.gate, **made)
        self.notifications = RemoteNotifications(self.bench.sealer, self.gate, **made)
        self.expirations = Expirations(self.gate)

    def declare(self, **fields: Any) -> Adapter:
        """Declare the adapter otherwise."""
        adapter = replace(REMOTE_ADAPTER, **fields)
        self.bench.put(Kind.ADAPTER, "racf", adapter)
        return adapter

    def call(
        self, name: CallName, *, by: str = AGENT, session: str | None = None, adapter: str = "racf"
    ) -> AdapterCall:
        """A call in the newest session, if no other is named."""
        return AdapterCall(name, adapter, by, self.session if session is None else session)

    def initialize(self) -> bool:
        """Begin a session; tell whether it is a reconnect."""
        session, is_reconnect = self.sessions.initialize(self.call("initialize"))
        self.session = session.id
        return is_reconnect

    def shut_down(self) -> int:
        """End it."""
        return self.sessions.shut_down(self.call("shutDown"))

    def change(self, user: str, password: str) -> str:
        """Report a Windows change and route it."""
        tracking_id = self.bench.windows(user, password)
        self.bench.route()
        return tracking_id

    def receive(self) -> Notification | None:
        """Receive, without waiting."""
        return self.notifications.receive(self.call("receive"))

    def take(self) -> PasswordNotification:
        """Receive a password change; there must be one."""
        found = self.receive()
        assert isinstance(found, PasswordNotification)
        return found

    def complete(self, tracking_id: str, error_code: int = 0, message: str = "", account: str = "") -> Delivery:
        """Complete a notification."""
        return self.notifications.complete(self.call("complete"), Completion(tracking_id, error_code, message, account))

    def report_status(self, *, is_online: bool, error_code: int = 0, message: str = "") -> None:
        """Report a status."""
        self.sessions.report_status(self.call("reportStatus"), StatusReport(is_online, error_code, message))

    def expire(self, account: str, *, by: str = AGENT, adapter: str = "racf") -> list[str]:
        """Report an expired password."""
        return self.expirations.report(
            self.call("reportExpired", by=by, adapter=adapter), ExternalAccount(adapter, account)
        )

    def stored_session(self) -> AdapterSession | None:
        """What the store knows."""
        with self.bench.store.read() as tx:
            return tx.sessions.get("racf")

    def is_online(self) -> bool:
        """Whether the store says that the adapter's lane is online."""
        with self.bench.store.read() as tx:
            known = tx.lanes.get("adapter/racf")
            return known is None or known.is_online

    def refusals(self) -> list[tuple[str, str]]:
        """Call and reason of each refused one, oldest first."""
        found = self.bench.events("adapterCallRefused")
        return [(event.fields["call"], event.fields["reason"]) for event in reversed(found)]


def code_of(error: PwsyncError) -> str:
    """The stable name of an error."""
    return error.code
