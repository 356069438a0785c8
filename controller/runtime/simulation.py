"""Simulation put together: a scratch store in memory, filled from the real one (only read) or from manifests."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never

from controller.connectors.ldap.active_directory import directory_options
from controller.connectors.registry import installed_connectors
from controller.manifests.filter_effects import limits_of
from controller.model.accounts import Account, ExternalAccount
from controller.model.constraints import Capabilities, Constraints
from controller.model.errors import NotFound
from controller.model.policy import PolicyReading
from controller.model.secret import Secret
from controller.model.topology import Adapter, Domain
from controller.pipeline.following import CredentialDatabase
from controller.pipeline.simulation import Simulation
from controller.pipeline.surroundings import look_around, rebuild
from controller.pipeline.topology import Topology, TopologyReader
from controller.planning.filter_trials import FilterTrial, try_filter
from controller.planning.policy_effects import declaration_of
from controller.planning.rule_mappings import derive
from controller.planning.rules import rule_warnings, rules_of, with_derived
from controller.planning.state import State
from controller.ports.clock import NewId
from controller.ports.connectors import ConnectorCatalogue
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction
from controller.reconcile.policies import ask, reading_from
from controller.runtime.lanes import make_connector, spec_of
from controller.runtime.policies import KnownPolicies
from controller.runtime.reading import make_rule_reader, open_for_reading
from controller.runtime.references import resolve_secret
from controller.runtime.settings import Settings
from controller.runtime.wiring import CANARY, utc_now
from controller.sealing.keyring import Keyring
from controller.sealing.keysource import load_keyring
from controller.sealing.sealer import KeyringSealer
from controller.store.opening import scratch_store

_NOT_ASKED = "whom it maps is not known; --online asks its directory"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one change is simulated.

    Attributes:
        store: In memory; holds what the real store, or the manifests, say around the account.
        policies: Of the targets, as far as they are known.
        doubts: What is not known about mappings that rules derive, in words.
    """

    store: Store
    sealer: Sealer
    catalogue: ConnectorCatalogue
    policies: KnownPolicies
    doubts: Sequence[str] = ()

    @property
    def simulation(self) -> Simulation:
        """Plays a report."""
        return Simulation(self.store, self.sealer, _counted_ids(), self._capabilities, self.policies.refusal)

    def stored_password(self, account: ExternalAccount) -> Secret | None:
        """The stored external password, which the right old password would equal.

        Raises:
            SealBroken: It cannot be opened.
        """
        with self.store.read() as tx:
            topology = TopologyReader().read(tx)
            mappings = tx.mappings.of_external(topology.applications_of(account.adapter), account.name)
            credentials = CredentialDatabase(tx, self.sealer, topology)
            found = (credentials.external_password(mapping) for mapping in mappings)
            return next((password for password in found if password is not None), None)

    def trials(self, adapters: set[str]) -> Sequence[FilterTrial]:
        """Try the filters of *adapters*, in the order of their names."""
        with self.store.read() as tx:
            topology = TopologyReader().read(tx)
        return [
            try_filter(name, spec, topology.filters, self._constraints(name, spec))
            for name, spec in sorted(topology.adapters.items())
            if name in adapters
            and spec.connector.type in self.catalogue.names()
            and (spec.filter is None or spec.filter in topology.filters)
        ]

    def _constraints(self, name: str, adapter: Adapter) -> Constraints:
        policy = self.policies.constraints(ExternalAccount(name, "").lane)
        return limits_of(adapter, self.catalogue).tightened(policy)

    def _capabilities(self, topology: Topology, lane: str) -> Capabilities:
        return capabilities_of(self.catalogue, spec_of(topology, lane))


def capabilities_of(catalogue: ConnectorCatalogue, spec: Adapter | Domain) -> Capabilities:
    """What the connector of an adapter, or of a domain's directory, can do. Nothing is reached for.

    Raises:
        NotFound: No such connector type, or the domain has no directory.
    """
    match spec:
        case Adapter(connector=declared):
            type_ = catalogue.get(declared.type)
            return type_.capabilities(type_.options.model_validate(dict(declared.options)))
        case Domain():
            if spec.directory is None:
                raise NotFound("the domain has no directory")
            options = directory_options(spec.directory, spec.password_change)
            return catalogue.get("activeDirectory").capabilities(options)
        case _:
            assert_never(spec)


@contextmanager
def stage_from_store(settings: Settings, account: Account, *, is_online: bool = False) -> Iterator[Stage]:
    """Look at the real store, once and without writing, and build the scratch store from what is around *account*.

    With *is_online* the targets are asked for their policies; else those are used that the store knows.

    Raises:
        SettingsError: The key file does not fit the store, or cannot be used.
        StoreUnavailable: The store cannot be reached.
        StoreUnusable: The store's schema or content does not fit this program.
    """
    with open_for_reading(settings) as real, real.read() as tx:
        sealer = KeyringSealer(_keyring(settings, tx))
        now, picture, readings = tx.now, look_around(tx, account), tx.policies.read()
    store = scratch_store(clock=lambda: now)
    try:
        with store.write() as tx:
            rebuild(tx, picture)
        yield _stage(store, sealer, {} if is_online else readings, is_online=is_online)
    finally:
        store.close()


@contextmanager
def stage_from_state(state: State, *, is_online: bool = False) -> Iterator[Stage]:
    """Build the scratch store from manifests: no password is known, and nothing waits in any queue.

    With *is_online* the targets are asked for their policies, and the directories for what mapping rules derive; else
    none of that is known.
    """
    now = utc_now()
    state, doubts = _with_rules(state, is_online=is_online)
    store = scratch_store(clock=lambda: now)
    try:
        with store.write() as tx:
            for resource in state.resources.values():
                tx.resources.put(resource)
            tx.mappings.put(state.mappings)
        yield replace(_stage(store, KeyringSealer(Keyring.generate(now)), {}, is_online=is_online), doubts=doubts)
    finally:
        store.close()


def _with_rules(state: State, *, is_online: bool) -> tuple[State, list[str]]:
    rules = rules_of(state.resources)
    if not is_online:
        return state, [f"MappingRule/{name}: {_NOT_ASKED}" for name in sorted(rules)]
    derived = derive(rules, make_rule_reader().read(state.resources), state.mappings, ())
    return with_derived(state, derived), list(rule_warnings(derived.results))


def _stage(store: Store, sealer: Sealer, readings: Mapping[str, PolicyReading], *, is_online: bool) -> Stage:
    catalogue = installed_connectors()
    connect = partial(make_connector, catalogue, resolve_secret)

    def look(lane: str, account: str) -> PolicyReading | None:
        with store.read() as tx:
            spec = spec_of(TopologyReader().read(tx), lane)
        declaration, known = declaration_of(spec), readings.get(lane)
        if is_online:
            return reading_from(ask(connect, spec, account), declaration, utc_now())
        return known if known is not None and known.declaration == declaration else None

    return Stage(store, sealer, catalogue, KnownPolicies(look))


def _keyring(settings: Settings, tx: Transaction) -> Keyring:
    """The keyring of the store; one for the moment when nothing was ever sealed there."""
    try:
        canary = tx.identity(CANARY, bytes)
    except NotFound:
        return Keyring.generate(tx.now)
    keyring = load_keyring(settings.key_file)
    keyring.verify_canary(canary)
    return keyring


def _counted_ids() -> NewId:
    numbers = itertools.count(1)
    return lambda: f"simulated-{next(numbers)}"
