"""The whole pipeline on a real store, with directories in memory and a clock that tests move."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.change import PasswordChange
from controller.model.constraints import Capabilities
from controller.model.delivery import Delivery
from controller.model.events import RecordedEvent
from controller.model.filters import PasswordFilter
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.secret import Secret
from controller.model.topology import (
    Adapter,
    Application,
    ConnectorSpec,
    Domain,
    DomainDirectory,
    Key,
    Kind,
    Mapping,
    Resource,
    Source,
    Spec,
    System,
)
from controller.pipeline.administration import CredentialAdministration
from controller.pipeline.circuit import Circuit
from controller.pipeline.dispatch import LaneWorker
from controller.pipeline.following import CredentialDatabase
from controller.pipeline.housekeeping import Housekeeping
from controller.pipeline.intake import Caller, Intake, Report
from controller.pipeline.operations import Operations
from controller.pipeline.router import Router
from controller.pipeline.topology import Topology
from controller.ports.connectors import Connector
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer
from controller.store.opening import open_store
from tests.doubles.emptied import emptied_store
from tests.doubles.memory import MemoryConnector, MemoryDirectory

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOCAL = Caller("tester", is_local=True)
DIRECTORY = DomainDirectory(
    LdapEndpoint(
        url="ldaps://dc1.corp.example.com", bind=Bind(user="svc", password_from=SecretReference(env="UNUSED"))
    ),
    "DC=corp,DC=example,DC=com",
)
ALL_ON = System(from_windows_to_adapters=True, from_adapters_to_database=True, from_adapters_to_windows=True)
OPEN_ADAPTER = Adapter(
    connector=ConnectorSpec("memory"), sync_to_adapter=True, sync_from_adapter=True, verify_old_password=False
)
FULL_ADAPTER = replace(OPEN_ADAPTER, change_windows_password=True)


@dataclass
class PipelineBench:
    """One installation under test.

    Attributes:
        folder: Where its store is, unless it is *in_memory*.
        directories: By lane; a lane without one is away.
        capabilities: By lane, where they differ from the usual.
    """

    folder: Path = Path()
    now: datetime = START
    in_memory: bool = False
    directories: dict[str, MemoryDirectory] = field(default_factory=dict)
    capabilities: dict[str, Capabilities] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        url = f"sqlite:///{self.folder / 'bench.db'}"
        opened = emptied_store(self._tell) if self.in_memory else open_store(url, clock=self._tell)
        self.sealer = KeyringSealer(Keyring.generate(START))
        with opened.write() as tx:
            tx.audit.begin(self.sealer)
        self.store: Store = opened.with_audit_key(self.sealer)
        self.workers: dict[str, LaneWorker] = {}
        self.restart()

    def _tell(self) -> datetime:
        return self.now

    def restart(self) -> None:
        """Forget everything that is only in memory, as after a crash."""
        self.intake = Intake(self.store, self.sealer, self.new_id)
        self.router = Router(self.store, self.sealer, self.new_id)
        self.credentials = CredentialAdministration(self.store, self.sealer, self.new_id)
        self.operations = Operations(self.store, self.sealer, self.new_id)
        self.workers = {}

    def new_id(self) -> str:
        """Ids in a row."""
        return f"id-{next(self._ids):06}"

    def close(self) -> None:
        """Give back the store."""
        if not self.in_memory:
            self.store.close()

    def put(self, kind: Kind, name: str, spec: Spec) -> None:
        """Declare one object."""
        with self.store.write() as tx:
            tx.resources.put(Resource(kind, name, spec))

    def remove(self, kind: Kind, name: str) -> None:
        """Take one object away."""
        with self.store.write() as tx:
            tx.resources.remove(Key(kind, name))

    def system(self, system: System = ALL_ON) -> None:
        """Declare the switches."""
        self.put(Kind.SYSTEM, "default", system)

    def domain(self, name: str = "CORP", *, has_directory: bool = True, **fields: Any) -> None:
        """Declare a domain, with users alice and bob (password ``old``)."""
        directory = DIRECTORY if has_directory else None
        sources = (Source("dc1"),)
        spec = Domain(dns_name=f"{name.lower()}.example.com", sources=sources, directory=directory, **fields)
        self.put(Kind.DOMAIN, name, spec)
        self.directories.setdefault(f"domain/{name}", MemoryDirectory(accounts={"alice": "old", "bob": "old"}))

    def adapter(self, name: str, adapter: Adapter = OPEN_ADAPTER, *accounts: str) -> MemoryDirectory:
        """Declare an adapter and its application of the same name; the accounts' password is ``old``."""
        self.put(Kind.ADAPTER, name, adapter)
        self.put(Kind.APPLICATION, name.upper(), Application(adapter=name))
        return self.directories.setdefault(f"adapter/{name}", MemoryDirectory(accounts=dict.fromkeys(accounts, "old")))

    def password_filter(self, name: str, password_filter: PasswordFilter) -> None:
        """Declare a filter."""
        self.put(Kind.PASSWORD_FILTER, name, password_filter)

    def map(self, application: str, windows: str, external: str, *, enabled: bool = True) -> None:
        r"""Declare a mapping of a user of CORP, or of ``DOMAIN\\user``."""
        account = WindowsAccount.parse(windows if "\\" in windows else f"CORP\\{windows}")
        with self.store.write() as tx:
            tx.mappings.put([Mapping(application, account, external, enabled=enabled)])

    def windows(self, name: str, password: str, *, at: datetime | None = None, by: Caller = LOCAL) -> str:
        """Report a Windows change."""
        account = WindowsAccount.parse(name if "\\" in name else f"CORP\\{name}")
        return self.intake.accept(Report(account, Secret(password), occurred_at=at), by)

    def external(
        self,
        adapter: str,
        name: str,
        password: str,
        *,
        old: str | None = None,
        at: datetime | None = None,
        by: Caller = LOCAL,
    ) -> str:
        """Report an external change."""
        old_password = None if old is None else Secret(old)
        report = Report(ExternalAccount.parse(adapter, name), Secret(password), old_password, at)
        return self.intake.accept(report, by)

    def route(self) -> None:
        """Route all accepted changes."""
        while self.router.route_next():
            pass

    def deliver(self, lane: str, *, most: int = 1000) -> int:
        """Deliver what is due in one lane."""
        worker = self.worker(lane)
        made = 0
        while made < most and worker.step():
            made += 1
        worker.finish()
        return made

    def worker(self, lane: str) -> LaneWorker:
        """The worker of a lane."""
        if lane not in self.workers:
            self.workers[lane] = self.new_worker(lane)
        return self.workers[lane]

    def new_worker(self, lane: str) -> LaneWorker:
        """Another worker of a lane."""
        return LaneWorker(
            self.store,
            self.sealer,
            new_id=self.new_id,
            jitter=lambda: 0.0,
            circuit=Circuit(lambda: 0.0),
            lane=lane,
            connections=_BenchConnections(self),
        )

    def settle(self) -> None:
        """Route and deliver until nothing is due now."""
        while True:
            self.route()
            with self.store.read() as tx:
                due = [lane for lane, when in sorted(tx.deliveries.next_due().items()) if when <= tx.now]
            if sum(self.deliver(lane) for lane in due) == 0:
                return

    def keep_house(self, holder: str = "bench") -> int:
        """Do all housekeeping that is due; tells how many steps it took."""
        return sum(1 for _ in Housekeeping(self.store, self.sealer, self.new_id, holder).steps())

    def wait(self, duration: timedelta) -> None:
        """Let time pass."""
        self.now += duration

    def change(self, tracking_id: str) -> PasswordChange:
        """Read a change."""
        with self.store.read() as tx:
            change = tx.changes.get(tracking_id)
        assert change is not None
        return change

    def outcome(self, tracking_id: str) -> tuple[str, str]:
        """State and reason of a change."""
        change = self.change(tracking_id)
        return change.state.value, change.reason

    def deliveries(self, tracking_id: str) -> list[Delivery]:
        """Deliveries of a change."""
        with self.store.read() as tx:
            return tx.deliveries.of_change(tracking_id)

    def events(self, name: str = "") -> list[RecordedEvent]:
        """Events, newest first."""
        with self.store.read() as tx:
            return tx.events.find(EventQuery(name=name, limit=10_000))

    def password(self, lane: str, account: str) -> str:
        """What the directory really has."""
        return self.directories[lane].accounts[account]

    def stored(self, application: str, account: str) -> str | None:
        """The stored external password in clear."""
        password = self.credentials.show(application, account, reveals=True, by=Actor("test")).password
        return None if password is None else password.reveal()

    def set_stored_windows(self, name: str, password: str) -> None:
        """Store a Windows password, as an administrator's command does."""
        with self.store.write() as tx:
            CredentialDatabase(tx, self.sealer, Topology()).set_windows(
                WindowsAccount.parse(f"CORP\\{name}"), Secret(password)
            )

    def stored_windows(self, name: str) -> str | None:
        """The stored Windows password in clear."""
        with self.store.read() as tx:
            secret = CredentialDatabase(tx, self.sealer, Topology()).windows_password(
                WindowsAccount.parse(f"CORP\\{name}")
            )
        return None if secret is None else secret.reveal()


@dataclass
class _BenchConnections:
    bench: PipelineBench

    def connect(self, topology: Topology, lane: str) -> Connector:
        kind, _, name = lane.partition("/")
        needs_old = kind == "domain" and topology.domains[name].needs_old_password
        capabilities = self.bench.capabilities.get(lane, Capabilities(needs_old_password=needs_old))
        return MemoryConnector(self.bench.directories[lane], capabilities)

    def close(self) -> None:
        """Nothing to give back."""


@contextmanager
def pipeline_bench(folder: Path) -> Iterator[PipelineBench]:
    """A bench whose store is closed at the end."""
    bench = PipelineBench(folder)
    try:
        yield bench
    finally:
        bench.close()
