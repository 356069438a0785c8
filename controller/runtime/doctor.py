"""``pwsync doctor``: checks every channel that is applied, without changing or trying a password."""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import PwsyncError
from controller.model.policy import PasswordPolicy
from controller.model.session import KEEP_ALIVE, AdapterSession
from controller.model.topology import Adapter, Domain
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.connectors import ConnectorCatalogue
from controller.ports.mappings import MappingQuery
from controller.ports.store import Store, Transaction
from controller.reconcile.policies import Connect, ask
from controller.runtime.lanes import make_connector
from controller.runtime.references import resolve_secret

SAMPLE = 5
"""Mapped accounts of each target that are looked at."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found about one target."""

    target: str
    findings: tuple[Finding, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing failed; what could not be found out speaks against nobody."""
        return all(finding.verdict is not Verdict.FAILED for finding in self.findings)


@dataclass(frozen=True, slots=True)
class _Target:
    lane: str
    spec: Adapter | Domain
    accounts: tuple[str, ...]
    session: AdapterSession | None


def diagnose(store: Store, catalogue: ConnectorCatalogue, targets: Iterable[str] = ()) -> Iterator[Diagnosis]:
    """Check the channels of all targets, or of those (``adapter/NAME``, ``domain/NAME``) that are named, in order.

    Raises:
        StoreUnavailable: The store cannot be reached.
        StoreUnusable: A row of it cannot be read.
    """
    wanted = set(targets)
    with store.read() as tx:
        found, now = [t for t in _targets(tx) if not wanted or t.lane in wanted], tx.now
    connect = partial(make_connector, catalogue, resolve_secret)
    for target in found:
        yield Diagnosis(target.lane, tuple(_findings(target, connect, now)))


def target_names(store: Store) -> list[str]:
    """The names of all targets that can be checked."""
    with store.read() as tx:
        return [target.lane for target in _targets(tx)]


def _findings(target: _Target, connect: Connect, now: datetime) -> Iterator[Finding]:
    if isinstance(target.spec, Adapter) and target.spec.is_remote:
        yield _of_session(target.session, now)
        return
    has_failed = False
    try:
        with closing(connect(target.spec)) as connector:
            for finding in connector.diagnose(target.accounts):
                has_failed |= finding.verdict is Verdict.FAILED
                yield finding
    except PwsyncError as error:
        has_failed = True
        yield Finding("settings", Verdict.FAILED, error.message, error.hint)
    except Exception as error:  # noqa: BLE001  # a defect of a connector must not hide the others; its text may hold secrets
        has_failed = True
        what = f"the connector failed unexpectedly ({type(error).__name__})"
        yield Finding("connector", Verdict.FAILED, what, "report it to its author")
    if not has_failed:
        yield _of_policy(ask(connect, target.spec))


def _of_session(session: AdapterSession | None, now: datetime) -> Finding:
    start = "start the adapter's process; it initializes its session over the HTTP API"
    if session is None:
        return Finding("session", Verdict.FAILED, "the remote adapter has no session", start)
    heard = f"it was last heard at {session.heard_at:%Y-%m-%d %H:%M:%SZ}"
    if now - session.heard_at > KEEP_ALIVE:
        return Finding("session", Verdict.FAILED, heard, start)
    return Finding("session", Verdict.OK, heard)


def _of_policy(answer: PasswordPolicy | PwsyncError | None) -> Finding:
    match answer:
        case PasswordPolicy():
            return Finding("policy", Verdict.OK, f"the password policy is read from {answer.source}")
        case None:
            return Finding("policy", Verdict.OK, "it has no password policy of its own")
        case _:
            return Finding("policy", Verdict.UNKNOWN, f"could not find out: {answer.message}", answer.hint)


def _targets(tx: Transaction) -> Iterator[_Target]:
    topology, sessions = TopologyReader().read(tx), tx.sessions.read()
    samples = _samples(tx, topology)
    for name, adapter in sorted(topology.adapters.items()):
        lane = ExternalAccount(name, "").lane
        if adapter.enabled:
            yield _Target(lane, adapter, samples.get(lane, ()), sessions.get(name))
    for name, domain in sorted(topology.domains.items()):
        lane = WindowsAccount(name, "").lane
        if domain.directory is not None:
            yield _Target(lane, domain, samples.get(lane, ()), None)


def _samples(tx: Transaction, topology: Topology) -> ReadOnlyMapping[str, tuple[str, ...]]:
    """Some mapped accounts of each target: the first ones of each application."""
    found: dict[str, dict[str, None]] = {}
    for application, spec in sorted(topology.applications.items()):
        for mapping in tx.mappings.find(MappingQuery(applications=(application,), limit=SAMPLE)):
            found.setdefault(mapping.windows.lane, {})[mapping.windows.name] = None
            if spec.adapter is not None:
                found.setdefault(ExternalAccount(spec.adapter, "").lane, {})[mapping.external] = None
    return {lane: tuple(islice(names, SAMPLE)) for lane, names in found.items()}
