"""Puts the parts together: the only place that knows which store, sealer and connectors there are."""

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from controller.connectors.registry import installed_connectors
from controller.model.errors import SettingsError
from controller.pipeline.administration import CredentialAdministration
from controller.pipeline.callers import Callers
from controller.pipeline.circuit import Circuit
from controller.pipeline.dispatch import LaneWorker
from controller.pipeline.intake import Intake
from controller.pipeline.router import Router
from controller.ports import ConnectorCatalogue, Sealer, Store
from controller.runtime.lanes import LaneConnector
from controller.runtime.reading import open_for_writing
from controller.runtime.references import resolve_secret
from controller.runtime.settings import Settings
from controller.runtime.workers import Workers
from controller.sealing.keyring import Keyring
from controller.sealing.keysource import load_keyring, load_or_create_keyring
from controller.sealing.sealer import KeyringSealer

CANARY = "canary"


def new_id() -> str:
    """Make an identifier that no one can guess."""
    return str(uuid.uuid4())


def jitter() -> float:
    """A number in [0, 1)."""
    return secrets.randbelow(1 << 30) / (1 << 30)


def utc_now() -> datetime:
    """This process's time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Installation:
    """One opened installation: its store, its keys, and the use cases on them."""

    settings: Settings
    store: Store
    sealer: Sealer
    catalogue: ConnectorCatalogue = field(default_factory=installed_connectors)

    @cached_property
    def intake(self) -> Intake:
        """Accepts reports."""
        return Intake(self.store, self.sealer, new_id)

    @cached_property
    def callers(self) -> Callers:
        """Checks tokens."""
        return Callers(self.store, new_id)

    @cached_property
    def credentials(self) -> CredentialAdministration:
        """Sets, clears and shows credentials."""
        return CredentialAdministration(self.store, self.sealer)

    @cached_property
    def router(self) -> Router:
        """Routes accepted changes."""
        return Router(self.store, self.sealer, new_id)

    def make_circuit(self) -> Circuit:
        """Make the circuit that the workers of one lane share."""
        return Circuit(jitter)

    def make_worker(self, lane: str, circuit: Circuit) -> LaneWorker:
        """Make a worker of a lane, with a connection of its own."""
        connections = LaneConnector(self.catalogue, resolve_secret)
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
        return Workers(self.store, self.router, self.make_worker, self.make_circuit)


@contextmanager
def open_installation(settings: Settings) -> Iterator[Installation]:
    """Open store and keys; both are made the first time.

    Raises:
        SettingsError: The state directory or key file cannot be used, or the key does not fit the database.
        StoreUnavailable: The store cannot be reached.
        StoreUnusable: The store's schema or content does not fit this program.
    """
    with open_for_writing(settings) as store:
        yield Installation(settings, store, KeyringSealer(open_keyring(settings, store)))


def open_keyring(settings: Settings, store: Store) -> Keyring:
    """Read the keyring and prove that it is the one that this store was sealed with.

    Raises:
        SettingsError: It is missing although the store has sealed values, or does not fit, or cannot be used.
    """
    path = settings.key_file
    keyring = load_keyring(path) if path.exists() or path.is_symlink() else None

    def make() -> bytes:
        return (keyring or load_or_create_keyring(path, utc_now())).make_canary()

    with store.write() as tx:
        canary = tx.identity(CANARY, make)
    if keyring is None and not path.exists():
        raise SettingsError(
            f"the key file {path} does not exist, but the database was sealed with it",
            hint="restore the key file from its backup",
        )
    keyring = keyring or load_keyring(path)
    keyring.verify_canary(canary)
    return keyring
