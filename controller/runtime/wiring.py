"""Puts the parts together: the only place that knows which store, sealer and connectors there are."""

import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import structlog

from controller.connectors.registry import installed_connectors
from controller.model.audit import AuditAction
from controller.model.errors import NotFound, SettingsError
from controller.pipeline.administration import CredentialAdministration
from controller.pipeline.admission import Admission
from controller.pipeline.callers import Callers
from controller.pipeline.circuit import Circuit
from controller.pipeline.dispatch import Connections, LaneWorker
from controller.pipeline.expiring import Expirations
from controller.pipeline.gate import Gate
from controller.pipeline.housekeeping import Housekeeping
from controller.pipeline.intake import Intake
from controller.pipeline.lookups import LookUps
from controller.pipeline.operations import Operations
from controller.pipeline.remembering import RememberedCallers
from controller.pipeline.remote import RemoteNotifications
from controller.pipeline.replay import Replay
from controller.pipeline.router import Router
from controller.pipeline.sessions import AdapterSessions
from controller.ports.clock import Clock
from controller.ports.connectors import ConnectorCatalogue
from controller.ports.replay import ReplayLog
from controller.ports.sealing import Sealer
from controller.ports.store import Store
from controller.replay.log import ReplayFiles
from controller.runtime.actors import local_actor, process_name
from controller.runtime.bells import Bells
from controller.runtime.event_log import LoggingStore
from controller.runtime.lanes import LaneConnector
from controller.runtime.metered import MeteredConnections
from controller.runtime.reading import open_for_writing
from controller.runtime.references import resolve_secret
from controller.runtime.settings import Settings
from controller.runtime.workers import Workers
from controller.sealing.following import FollowingSealer
from controller.sealing.keyring import Keyring
from controller.sealing.keysource import load_keyring, load_or_create_keyring
from controller.sealing.sealer import KeyringSealer
from controller.store.database import SqlStore

if TYPE_CHECKING:
    from controller.runtime.metrics import Metrics  # imported by 'run' alone: other commands measure nothing

CANARY = "canary"

log = structlog.get_logger()


def new_id() -> str:
    """Make an identifier that no one can guess."""
    return str(uuid.uuid4())


def jitter() -> float:
    """A number in [0, 1)."""
    return secrets.randbelow(1 << 30) / (1 << 30)


def utc_now() -> datetime:
    """This process's time."""
    return datetime.now(UTC)


def steady_clock() -> Clock:
    """Make a clock that starts with the system's time and runs evenly from there, also while the machine sleeps."""
    start, then = utc_now(), time.clock_gettime(time.CLOCK_BOOTTIME)
    return lambda: start + timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME) - then)


@dataclass(frozen=True)
class Installation:
    """One opened installation: its store, its keys, and the use cases on them.

    Attributes:
        replay_log: Where changes wait while the store is away; None when this process keeps none.
        metrics: What this process measures; None when it measures nothing.
    """

    settings: Settings
    store: Store
    sealer: Sealer
    catalogue: ConnectorCatalogue = field(default_factory=installed_connectors)
    replay_log: ReplayLog | None = None
    metrics: "Metrics | None" = None

    @cached_property
    def replay(self) -> Replay | None:
        """Keeps changes while the store is away."""
        return None if self.replay_log is None else Replay(self.store, self.replay_log, steady_clock())

    @cached_property
    def intake(self) -> Intake:
        """Accepts reports."""
        return Intake(self.store, self.sealer, new_id, self.replay)

    @cached_property
    def callers(self) -> Callers:
        """Checks tokens."""
        remembered = None if self.replay_log is None else RememberedCallers(steady_clock())
        return Callers(self.store, new_id, remembered)

    @cached_property
    def admission(self) -> Admission:
        """Lets callers read, as far as their roles go."""
        return Admission(self.store, steady_clock())

    @cached_property
    def credentials(self) -> CredentialAdministration:
        """Sets, clears and shows credentials."""
        return CredentialAdministration(self.store, self.sealer, new_id)

    @cached_property
    def operations(self) -> Operations:
        """What an operator does to the queue."""
        return Operations(self.store, self.sealer, new_id)

    @cached_property
    def router(self) -> Router:
        """Routes accepted changes."""
        return Router(self.store, self.sealer, new_id)

    @cached_property
    def bells(self) -> Bells:
        """Wakes remote adapters that wait for notifications."""
        return Bells()

    @cached_property
    def adapter_sessions(self) -> AdapterSessions:
        """Sessions of remote adapters."""
        return AdapterSessions(self.store, self.sealer, Gate(self.store), new_id=new_id, jitter=jitter)

    @cached_property
    def remote_notifications(self) -> RemoteNotifications:
        """Notifications of remote adapters."""
        return RemoteNotifications(self.sealer, Gate(self.store), new_id=new_id, jitter=jitter)

    @cached_property
    def lookups(self) -> LookUps:
        """Look-ups of credentials."""
        return LookUps(self.store, self.sealer)

    @cached_property
    def expirations(self) -> Expirations:
        """Reports of expired passwords."""
        return Expirations(Gate(self.store))

    def make_housekeeping(self) -> Housekeeping:
        """Make what gives up, drops and deletes what has become too old."""
        return Housekeeping(self.store, self.sealer, new_id, process_name())

    def make_circuit(self) -> Circuit:
        """Make the circuit that the workers of one lane share."""
        return Circuit(jitter)

    def make_worker(self, lane: str, circuit: Circuit) -> LaneWorker:
        """Make a worker of a lane, with a connection of its own."""
        connections: Connections = LaneConnector(self.catalogue, resolve_secret)
        if self.metrics is not None:
            connections = MeteredConnections(connections, self.metrics)
        return LaneWorker(
            self.store,
            self.sealer,
            new_id=new_id,
            jitter=jitter,
            circuit=circuit,
            lane=lane,
            connections=connections,
        )

    def make_workers(self) -> Workers:
        """Make the threads of the pipeline."""
        return Workers(
            self.store,
            self.router,
            self.make_worker,
            self.make_circuit,
            self.replay,
            bells=self.bells,
            watch=self.adapter_sessions.watch,
        )


@contextmanager
def open_installation(
    settings: Settings, *, keeps_changes: bool = False, logs_events: bool = False, metrics: "Metrics | None" = None
) -> Iterator[Installation]:
    """Open store and keys; both are made the first time.

    With *keeps_changes*, changes are accepted while the store is away, and those kept earlier are taken over.
    With *logs_events*, its events go to the log as well, and are counted where there are *metrics*.

    Raises:
        SettingsError: The state directory or key file cannot be used, or the key does not fit the database.
        StoreUnavailable: The store cannot be reached.
        StoreUnusable: The store's schema or content does not fit this program.
    """
    with open_for_writing(settings) as opened:
        listeners = () if metrics is None else (metrics.note_event,)
        sealer = FollowingSealer(settings.key_file, open_keyring(settings, opened), _tell_key_problem)
        audited = opened.with_audit_key(sealer)
        store = LoggingStore(audited, *listeners) if logs_events else audited
        replay_log = open_replay_log(settings, sealer) if keeps_changes else None
        try:
            yield Installation(settings, store, sealer, replay_log=replay_log, metrics=metrics)
        finally:
            if replay_log is not None:
                replay_log.close()


def _tell_key_problem(error: SettingsError) -> None:
    log.warning("The key file has changed and cannot be used; the keys in memory stay in use", problem=str(error))


def open_replay_log(settings: Settings, sealer: Sealer) -> ReplayLog | None:
    """Open the replay files; None, with a warning in the log, when another process has them.

    Raises:
        SettingsError: Their folder cannot be used, or is open to others.
    """
    found = ReplayFiles.open(settings.replay_dir, sealer)
    if found is None:
        log.warning("Another process keeps changes here; this one keeps none", folder=str(settings.replay_dir))
    return found


def open_keyring(settings: Settings, store: SqlStore) -> Keyring:
    """Read the keyring and prove that it is the one that this store was sealed with.

    Raises:
        SettingsError: It is missing although the store has sealed values, or does not fit, or cannot be used.
    """
    path = settings.key_file
    keyring = load_keyring(path) if path.exists() or path.is_symlink() else None
    canary = canary_of(store)
    if canary is None:
        keyring = keyring or load_or_create_keyring(path, utc_now())
        canary = _take_into_use(store, keyring)
    if keyring is None and not path.exists():
        raise SettingsError(
            f"the key file {path} does not exist, but the database was sealed with it",
            hint="restore the key file from its backup",
        )
    keyring = keyring or load_keyring(path)
    keyring.verify_canary(canary)
    return keyring


def canary_of(store: Store) -> bytes | None:
    """By which the keyring of a store is known; None before there was one."""
    with store.read() as tx:
        try:
            return tx.identity(CANARY, bytes)
        except NotFound:
            return None


def _take_into_use(store: SqlStore, keyring: Keyring) -> bytes:
    """Make the canary of a new store, and begin its audit; returns the canary of another keyring that was quicker."""
    key, made = KeyringSealer(keyring), keyring.make_canary()
    with store.with_audit_key(key).write() as tx:
        is_new: list[bool] = []

        def make() -> bytes:
            is_new.append(True)
            return made

        canary = tx.identity(CANARY, make)
        if is_new:
            tx.audit.begin(key)
            tx.audit.add(local_actor(), AuditAction.SECRET_GENERATE, keyring.newest.id.hex(), "taken into use")
    return canary
