"""Accounts are looked at where they are, beside the reconcile loop: after each of its rounds."""

from functools import partial
from random import SystemRandom
from threading import Event, Thread

from controller.ports.connectors import ConnectorCatalogue
from controller.ports.sealing import Sealer
from controller.ports.store import Store
from controller.reconcile.observer import Observer
from controller.reconcile.verifying import Verifier
from controller.runtime.lanes import make_connector
from controller.runtime.references import resolve_secret
from controller.runtime.workers import warn


class ObserverRounds:
    """Looks in a thread of its own, so that a directory that does not answer holds up nothing else."""

    def __init__(self, store: Store, sealer: Sealer, catalogue: ConnectorCatalogue) -> None:
        self._wanted = Event()
        self._is_stopping = Event()
        self._observer = make_observer(store, sealer, catalogue, self._is_stopping)
        self._thread = Thread(target=self._run, name="pwsync-observer", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wake(self) -> None:
        """Say that a round of the reconcile loop has ended."""
        self._wanted.set()

    def stop(self) -> None:
        """End; a target that is being asked is waited for as long as it takes to give it up."""
        self._is_stopping.set()
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        while self._wanted.wait() and not self._is_stopping.is_set():
            self._wanted.clear()
            try:
                self._observer.look()
            except Exception as error:  # noqa: BLE001  # a defect must not end the rounds for good
                warn("The accounts of mappings are looked at later", error)


def make_observer(
    store: Store, sealer: Sealer, catalogue: ConnectorCatalogue, stopping: Event | None = None
) -> Observer:
    """Make what looks at the accounts of *store*, and tries their stored passwords where the System wants it."""

    def may_go_on() -> bool:
        return stopping is None or not stopping.is_set()

    connect = partial(make_connector, catalogue, resolve_secret)
    return Observer(store, connect, Verifier(store, sealer, SystemRandom().random, may_go_on), may_go_on)
