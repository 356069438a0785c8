"""The store: begins, commits and rolls back transactions, and gives each its repositories."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from controller.model.audit import AuditEntry
from controller.model.errors import PwsyncError, Refused, StoreUnavailable, StoreUnusable
from controller.ports.account_directory import RuleResults
from controller.ports.audit import Audit, AuditKey
from controller.ports.changes import Changes
from controller.ports.clock import Clock
from controller.ports.credentials import Credentials, Fingerprints, Guesses
from controller.ports.deliveries import Deliveries
from controller.ports.events import Events
from controller.ports.lanes import Lanes, Policies, Sessions
from controller.ports.manifests import Reconciliations
from controller.ports.mappings import Mappings
from controller.ports.observations import Observations
from controller.ports.resources import Resources, Suspensions
from controller.ports.sealing import SealedValues
from controller.ports.store import Leases, Transaction
from controller.ports.tokens import Tokens
from controller.ports.verifications import Verifications
from controller.ports.windows_groups import WindowsGroups
from controller.store.audit import SqlAudit
from controller.store.changes import SqlChanges
from controller.store.columns import Instant
from controller.store.credentials import SqlCredentials
from controller.store.deliveries import SqlDeliveries
from controller.store.engine import BUSY_SECONDS, Engines
from controller.store.events import SqlEvents
from controller.store.failures import translated
from controller.store.fingerprints import SqlFingerprints
from controller.store.guesses import SqlGuesses
from controller.store.identity import identity_of
from controller.store.lanes import SqlLanes
from controller.store.leases import SqlLeases
from controller.store.mappings import SqlMappings
from controller.store.observations import SqlObservations
from controller.store.policies import SqlPolicies
from controller.store.reconciliations import SqlReconciliations
from controller.store.resources import SqlResources
from controller.store.rule_results import SqlRuleResults
from controller.store.sealed import SqlSealedValues
from controller.store.session import Session
from controller.store.sessions import SqlSessions
from controller.store.suspensions import SqlSuspensions
from controller.store.tokens import SqlTokens
from controller.store.turn import Turn
from controller.store.verifications import SqlVerifications
from controller.store.windows_groups import SqlWindowsGroups

# Compiling a query at run time (JIT) costs more than any query here.
_SERVER_TIME = (
    "SELECT (extract(epoch FROM transaction_timestamp()) * 1000000)::bigint AS now, set_config('jit', 'off', true)"
)
_BEGIN_READING = text(_SERVER_TIME).columns(now=Instant)
# A server may trade durability for speed by default; what is accepted here must survive its crash.
_BEGIN_WRITING = text(
    f"{_SERVER_TIME}, set_config('lock_timeout', '{BUSY_SECONDS}s', true),"
    " CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END"
).columns(now=Instant)


class SqlTransaction:
    """One atomic piece of work. The repositories are valid until it ends."""

    def __init__(self, session: Session, audit: SqlAudit) -> None:
        self._session = session
        self.now: datetime = session.now
        self.resources: Resources = SqlResources(session)
        self.suspensions: Suspensions = SqlSuspensions(session)
        self.reconciliations: Reconciliations = SqlReconciliations(session)
        self.policies: Policies = SqlPolicies(session)
        self.rule_results: RuleResults = SqlRuleResults(session)
        self.lanes: Lanes = SqlLanes(session)
        self.sessions: Sessions = SqlSessions(session)
        self.mappings: Mappings = SqlMappings(session)
        self.observations: Observations = SqlObservations(session)
        self.verifications: Verifications = SqlVerifications(session)
        self.windows_groups: WindowsGroups = SqlWindowsGroups(session)
        self.credentials: Credentials = SqlCredentials(session)
        self.sealed: SealedValues = SqlSealedValues(session)
        self.changes: Changes = SqlChanges(session)
        self.deliveries: Deliveries = SqlDeliveries(session)
        self.fingerprints: Fingerprints = SqlFingerprints(session)
        self.guesses: Guesses = SqlGuesses(session)
        self.events: Events = SqlEvents(session)
        self.audit: Audit = audit
        self.tokens: Tokens = SqlTokens(session)
        self.leases: Leases = SqlLeases(session)

    def exclusive(self, name: str) -> None:
        """Keep any other transaction that asks for the same *name* out until this one ends."""
        if not self._session.is_writable:
            raise RuntimeError("exclusive() belongs into a writing transaction")
        self._session.lock("exclusive", name)

    def identity(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Bytes kept once per store under *name*; *make* is called the first time.

        Raises:
            NotFound: In a reading transaction, when there are none yet.
        """
        return identity_of(self._session, name, make)


@dataclass(frozen=True, slots=True)
class SqlStore:
    """A database of either engine.

    SQLite takes one writer: threads of this process queue on a lock, other processes on SQLite's own.

    Attributes:
        clock: Tells the time of each transaction; without it PostgreSQL's server does (T5), or this process for SQLite.
        is_read_only: ``write`` refuses.
        audit_key: Tags what is audited; without it nothing can be.
    """

    engines: Engines
    clock: Clock | None = None
    is_read_only: bool = False
    audit_key: AuditKey | None = None
    _writer: Turn = field(default_factory=Turn)

    def with_audit_key(self, key: AuditKey) -> "SqlStore":
        """This store, in which things can be audited."""
        return replace(self, audit_key=key)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Begin a writing transaction; committed (durably) at the end, rolled back on an exception.

        Raises:
            StoreUnavailable: The store cannot be reached or stays busy.
            StoreUnusable: It was opened for reading only.
        """
        attempts: list[AuditEntry] = []
        try:
            with self._writing(attempts) as transaction:
                yield transaction
        except StoreUnavailable:
            raise
        except PwsyncError as error:
            self._note_failed(attempts, error)
            raise

    def _note_failed(self, attempts: list[AuditEntry], error: PwsyncError) -> None:
        """Audit what was tried in a transaction that was rolled back."""
        failure = error.reason if isinstance(error, Refused) else error.code
        if attempts:
            with self._writing([replace(tried, failure=tried.failure or failure) for tried in attempts]):
                pass  # they are written at its end

    @contextmanager
    def _writing(self, entries: list[AuditEntry]) -> Iterator[Transaction]:
        """A writing transaction that audits *entries*, and what is added to them, at its end."""
        if self.is_read_only:
            raise StoreUnusable(f"{self.engines.location} is open for reading only", hint="nothing may be written here")
        with translated(self.engines.location):
            if self.engines.is_postgresql:
                with self._transaction(self.engines.writing, entries, is_writable=True) as transaction:
                    yield transaction
            else:
                with (
                    self._writer.taken(),
                    self._transaction(self.engines.writing, entries, is_writable=True) as transaction,
                ):
                    yield transaction

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Begin a reading transaction: one consistent picture, never blocking writers.

        Raises:
            StoreUnavailable: The store cannot be reached.
        """
        with (
            translated(self.engines.location),
            self._transaction(self.engines.reading, [], is_writable=False) as transaction,
        ):
            yield transaction

    def close(self) -> None:
        """Give back all connections."""
        self.engines.dispose()

    @contextmanager
    def _transaction(self, engine: Engine, entries: list[AuditEntry], *, is_writable: bool) -> Iterator[SqlTransaction]:
        connection, now = self._begin(engine, is_writable=is_writable)
        with connection:  # rolls back what is not committed, and gives the connection back
            session = Session(connection, self.engines.location, now, is_writable)
            audit = SqlAudit(session, self.audit_key, entries)
            with session.at_end:
                yield SqlTransaction(session, audit)
                if not session.failures:
                    audit.flush()
            if is_writable and session.failures:
                raise session.failures[0]  # caught by the caller, but what it wrote before is lost
            connection.commit()

    def _begin(self, engine: Engine, *, is_writable: bool) -> tuple[Connection, datetime]:
        try:
            return self._begin_once(engine, is_writable=is_writable)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # The server was started anew while the connection lay in the pool. Nothing was sent yet.
        return self._begin_once(engine, is_writable=is_writable)

    def _begin_once(self, engine: Engine, *, is_writable: bool) -> tuple[Connection, datetime]:
        connection = engine.connect()
        try:
            return connection, self._time(connection, is_writable=is_writable)
        except BaseException:
            connection.close()
            raise

    def _time(self, connection: Connection, *, is_writable: bool) -> datetime:
        if self.engines.is_postgresql:
            now: datetime = connection.execute(_BEGIN_WRITING if is_writable else _BEGIN_READING).scalar_one()
        else:
            connection.begin()  # before the clock is read: a writer may have waited for its turn
            now = datetime.now(UTC)
        return now if self.clock is None else self.clock()
