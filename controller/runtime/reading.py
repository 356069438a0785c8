"""Reading alone: manifests, and a store that is only looked at. Imports little, so that ``plan`` starts at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from controller.connectors.registry import installed_connectors
from controller.manifests.compile import Compiled
from controller.manifests.filter_effects import limits_of
from controller.model.actor import Actor
from controller.model.topology import DomainDirectory
from controller.planning.policy_effects import Limits
from controller.ports.account_directory import AccountDirectory
from controller.ports.store import Store
from controller.ports.windows_groups import GroupDirectory
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.rule_reading import RuleReader
from controller.reconcile.users import Users
from controller.runtime.desired import LastingReading, Paths, Reading
from controller.runtime.references import resolve_secret
from controller.runtime.settings import Settings
from controller.store.database import SqlStore
from controller.store.location import Location
from controller.store.opening import open_store

PATIENCE = timedelta(minutes=5)
"""How long a command waits for all directories that mapping rules ask, as long as they answer at all."""
ROUND_PATIENCE = timedelta(seconds=10)
"""How long a round of the controller waits for them; what comes later is used in the next round."""


def compile_manifests(paths: Sequence[str], settings: Settings, *, stdin: str | None = None) -> Compiled:
    """Read the manifests at *paths*; *stdin* is the text behind ``-``.

    Raises:
        ManifestErrors: With every problem of every file.
        ManifestsUnavailable: A repository cannot be read.
        ManifestsRefused: A revision must not be used.
    """
    return Reading(Paths(tuple(paths), stdin), settings).compile()


def make_reconciler(
    store: Store, reading: Reading | LastingReading, *, by: Actor, limit: timedelta = PATIENCE
) -> Reconciler:
    """Make the reconciler of what *reading* reads."""
    rules = make_rule_reader(limit)
    return Reconciler(store, reading.read, by=by, source=reading, limits=connector_limits(), rules=rules)


def make_onlooker(store: Store, reading: LastingReading, *, by: Actor) -> Reconciler:
    """Make the reconciler of who only looks at what another one reads."""
    rules = make_rule_reader(ROUND_PATIENCE)
    return Reconciler(store, reading.read_in_force, by=by, source=reading, limits=connector_limits(), rules=rules)


def make_rule_reader(limit: timedelta = PATIENCE) -> RuleReader:
    """Make what asks the directories about mapping rules."""
    return RuleReader(open_account_directory, limit)


def open_account_directory(domain: str, directory: DomainDirectory) -> AccountDirectory:
    """Make the look-up of a domain's accounts; ldap3 is imported only here.

    Raises:
        SettingsError: Its URL cannot be used, or a secret that it needs is not there.
    """
    from controller.connectors.ldap.account_directory import open_directory

    return open_directory(domain, directory, resolve_secret)


def connector_limits() -> Limits:
    """What the installed connectors take; it raises NotFound for a type that is not among them."""
    return partial(limits_of, catalogue=installed_connectors())


def make_users(store: Store) -> Users:
    """Make what asks the directories who the users of applications are."""
    return Users(store, open_group_directory)


def open_group_directory(domain: str, directory: DomainDirectory) -> GroupDirectory:
    """Make the look-up of a domain's directory; ldap3 is imported only here.

    Raises:
        SettingsError: Its URL cannot be used, or a secret that it needs is not there.
    """
    from controller.connectors.ldap.group_members import open_directory

    return open_directory(domain, directory, resolve_secret)


def name_store(settings: Settings) -> str:
    """The store of these settings in words, for messages; no password of its URL is in them.

    Raises:
        SettingsError: The URL cannot be read.
    """
    location = Location.parse(settings.database)
    is_missing = location.file is not None and not location.file.exists()
    return f"{location}{', which does not exist yet' if is_missing else ''}"


@contextmanager
def open_for_reading(settings: Settings) -> Iterator[Store]:
    """Open the store without writing anything, ever; one that does not exist yet is empty.

    Raises:
        SettingsError: The state directory is none.
        StoreUnavailable: The store cannot be reached.
        StoreUnusable: The store's schema does not fit this program.
    """
    settings.check_state_dir()
    store = open_store(settings.database, read_only=True)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def open_for_writing(settings: Settings) -> Iterator[SqlStore]:
    """Open the store, and make it the first time; keys are not touched, so that nothing can be audited yet.

    Raises:
        SettingsError: The state directory cannot be used.
        StoreUnavailable: The store cannot be reached.
        StoreUnusable: The store's schema or content does not fit this program.
    """
    settings.make_state_dir()
    store = open_store(settings.database)
    try:
        yield store
    finally:
        store.close()
