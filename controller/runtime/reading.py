"""Reading alone: manifests, and a store that is only looked at. Imports little, so that ``plan`` starts at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from controller.connectors.registry import installed_connectors
from controller.manifests.compile import Compiled
from controller.manifests.problems import Problem
from controller.manifests.reader import read_manifests
from controller.model.actor import Actor
from controller.model.topology import DomainDirectory
from controller.planning.state import State
from controller.ports.account_directory import AccountDirectory
from controller.ports.store import Store
from controller.ports.windows_groups import GroupDirectory
from controller.reconcile.reconciler import ReadDesired, Reconciler
from controller.reconcile.rule_reading import RuleReader
from controller.reconcile.users import Users
from controller.runtime.references import is_there, resolve_secret
from controller.runtime.settings import Settings
from controller.store.database import SqlStore
from controller.store.location import Location
from controller.store.opening import open_store

PATIENCE = timedelta(minutes=5)
"""How long a command waits for all directories that mapping rules ask, as long as they answer at all."""
ROUND_PATIENCE = timedelta(seconds=10)
"""How long a round of the controller waits for them; what comes later is used in the next round."""


def compile_manifests(paths: Sequence[str], *, stdin: str | None = None) -> Compiled:
    """Read the manifests at *paths*; *stdin* is the text behind ``-``.

    Raises:
        ManifestErrors: With every problem of every file.
    """
    return read_manifests(paths, installed_connectors(), stdin=stdin)


def missing_outside(compiled: Compiled) -> list[Problem]:
    """Warnings of files and environment variables that manifests name and that are not there, in order of place."""
    hint = "it must be there where the controller runs"
    return sorted(
        Problem(found.place, f"{found.field}: {found.reference} does not exist here", hint)
        for found in compiled.outside
        if not is_there(found.reference)
    )


def read_desired_from(paths: Sequence[str], *, stdin: str | None = None, looks_outside: bool = False) -> ReadDesired:
    """Make the function that reads the desired state at *paths*, anew with each call.

    With *looks_outside* it warns of files and variables that are not there.
    """

    def read_desired() -> tuple[State, list[str]]:
        compiled = compile_manifests(paths, stdin=stdin)
        missing = missing_outside(compiled) if looks_outside else []
        return compiled.state, [str(warning) for warning in (*compiled.warnings, *missing)]

    return read_desired


def make_reconciler(
    store: Store,
    paths: Sequence[str],
    *,
    stdin: str | None = None,
    by: Actor,
    looks_outside: bool = False,
    limit: timedelta = PATIENCE,
) -> Reconciler:
    """Make the reconciler of the manifests at *paths*; *stdin* is the text behind ``-``.

    The directories that mapping rules ask are waited for no longer than *limit* in each round.
    """
    read_desired = read_desired_from(paths, stdin=stdin, looks_outside=looks_outside)
    return Reconciler(store, read_desired, by=by, rules=make_rule_reader(limit))


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
        StoreUnavailable: The store cannot be reached.
        StoreUnusable: The store's schema does not fit this program.
    """
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
