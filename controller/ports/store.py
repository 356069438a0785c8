"""Where everything durable stands, and the transaction that reaches all of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from controller.ports.account_directory import RuleResults
from controller.ports.audit import Audit
from controller.ports.changes import Changes
from controller.ports.credentials import Credentials, Fingerprints, Guesses
from controller.ports.deliveries import Deliveries
from controller.ports.events import Events
from controller.ports.lanes import Lanes, Policies, Sessions
from controller.ports.manifests import Reconciliations
from controller.ports.mappings import Mappings
from controller.ports.observations import Observations
from controller.ports.resources import Resources, Suspensions
from controller.ports.sealing import SealedValues
from controller.ports.tokens import Tokens
from controller.ports.verifications import Verifications
from controller.ports.windows_groups import WindowsGroups


class Leases(Protocol):
    """Who may act, decided by the database (decision 10)."""

    def acquire(self, name: str, holder: str, duration: timedelta) -> int | None:
        """Take or renew a lease. Returns its fencing token, which grows with each new holder, or None."""

    def release(self, name: str, holder: str) -> None:
        """Give it back; no error when it is not held."""


class Transaction(Protocol):
    """One atomic piece of work on the store."""

    now: datetime
    resources: Resources
    suspensions: Suspensions
    reconciliations: Reconciliations
    policies: Policies
    rule_results: RuleResults
    lanes: Lanes
    sessions: Sessions
    mappings: Mappings
    observations: Observations
    verifications: Verifications
    windows_groups: WindowsGroups
    credentials: Credentials
    sealed: SealedValues
    changes: Changes
    deliveries: Deliveries
    fingerprints: Fingerprints
    guesses: Guesses
    events: Events
    audit: Audit
    tokens: Tokens
    leases: Leases

    def exclusive(self, name: str) -> None:
        """Keep any other transaction that asks for the same *name* out until this one ends."""

    def identity(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Bytes kept once per store under *name*, such as the keyring's canary; *make* is called the first time."""


class Store(Protocol):
    """Where everything durable stands: SQLite or PostgreSQL, with the same semantics."""

    def write(self) -> AbstractContextManager[Transaction]:
        """Begin a writing transaction; committed (durably) at the end, rolled back on an exception.

        Raises:
            StoreUnavailable: The store cannot be reached or stays busy.
        """

    def read(self) -> AbstractContextManager[Transaction]:
        """Begin a reading transaction: one consistent picture, never blocking writers."""

    def close(self) -> None:
        """Give back all connections."""
