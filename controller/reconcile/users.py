"""Finds out who the users of applications are (M1, A13): asks the directories of the domains, and keeps their answers.

Level-based: each round asks anew about every name that an application has in ``access.users``. An answer that does not
come, or that looks wrong, leaves the last one in force.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from dataclasses import dataclass, field

from controller.model.accounts import WindowsAccount
from controller.model.errors import ConnectorError, PwsyncError, Rejected
from controller.model.topology import Application, Domain, DomainDirectory, ReconcilePolicy, Resource, System
from controller.planning.change import Change, Prune
from controller.ports import GroupDirectory, GroupReading, OpenGroupDirectory, Store
from controller.reconcile.look_up import Answer, LookUp

NEVER_READ = GroupReading(None)


@dataclass(slots=True)
class Named:
    """Who applications name as their users, and where that can be asked.

    Attributes:
        applications: By account or group: the names of the applications, sorted.
        directories: By domain; a domain without one is not here.
        policy: Its prune threshold holds for members too.
    """

    applications: dict[WindowsAccount, list[str]] = field(default_factory=dict)
    directories: dict[str, DomainDirectory] = field(default_factory=dict)
    policy: ReconcilePolicy = field(default_factory=ReconcilePolicy)

    @property
    def askable(self) -> list[WindowsAccount]:
        """The names in whose domain there is a directory, in order."""
        return sorted(name for name in self.applications if name.domain in self.directories)


class Users:
    """Keeps what is known of the users of applications as the directories tell it."""

    def __init__(self, store: Store, open_directory: OpenGroupDirectory) -> None:
        self._store = store
        self._open_directory = open_directory

    def refresh(self, changes: Iterable[Change] = (), *, force: bool = False) -> list[str]:
        """Ask about every name there is, and take the answers over; tell what could not be taken over, in words.

        No transaction is open while a directory is asked.

        Args:
            changes: Of a plan that is about to be applied: its names are asked about beforehand, so that no change of
                a password comes between and finds them unknown.
            force: Takes over what would be held.

        Raises:
            StoreUnavailable: The store cannot be reached.
            StoreUnusable: A row cannot be read.
        """
        with self._store.read() as tx:
            named = _named([*tx.resources.read().values(), *_coming(changes)])
            known = tx.windows_groups.readings()
        gone = known.keys() - set(named.askable)
        if gone:
            with self._store.write() as tx:
                for name in gone:
                    tx.windows_groups.forget(name)
        problems = (
            (name, self._look_up(name, known, named, force=force).take_over(answer))
            for name, answer in self._ask(named)
        )
        return [f"users {name}: {problem}" for name, problem in problems if problem]

    def _look_up(
        self, name: WindowsAccount, known: ReadOnlyMapping[WindowsAccount, GroupReading], named: Named, *, force: bool
    ) -> LookUp:
        before, limit = known.get(name, NEVER_READ), named.policy.max_prune_percent
        return LookUp(self._store, name, before, named.applications[name], limit, force)

    def _ask(self, named: Named) -> Iterator[tuple[WindowsAccount, Answer]]:
        for domain, directory in sorted(named.directories.items()):
            names = [name for name in named.askable if name.domain == domain]
            yield from self._ask_one(domain, directory, names)

    def _ask_one(
        self, domain: str, directory: DomainDirectory, names: list[WindowsAccount]
    ) -> Iterator[tuple[WindowsAccount, Answer]]:
        if not names:
            return
        try:
            opened = self._open_directory(domain, directory)
        except PwsyncError as error:
            yield from ((name, error) for name in names)
            return
        with closing(opened):
            yield from _answers(opened, names)


def _answers(directory: GroupDirectory, names: Iterable[WindowsAccount]) -> Iterator[tuple[WindowsAccount, Answer]]:
    """Ask one name after another; a directory that is away is not waited for again."""
    away: PwsyncError | None = None
    for name in names:
        if away is not None:
            yield name, away
            continue
        try:
            answer: Answer = directory.members(name)
        except Rejected as error:
            answer = error
        except ConnectorError as error:
            answer = away = error
        yield name, answer


def _coming(changes: Iterable[Change]) -> Iterator[Resource]:
    for change in changes:
        if not isinstance(change, Prune) and isinstance(change.after, Resource):
            yield change.after


def _named(resources: Iterable[Resource]) -> Named:
    """Gather the names; of two versions of an object the later one tells the directory and the policy."""
    applications: dict[WindowsAccount, set[str]] = {}
    named = Named()
    for resource in resources:
        match resource.spec:
            case Application(users=users):
                for name in users:
                    applications.setdefault(name, set()).add(resource.name)
            case Domain(directory=DomainDirectory() as directory):
                named.directories[resource.name] = directory
            case Domain():
                named.directories.pop(resource.name, None)
            case System(reconcile=policy):
                named.policy = policy
            case _:
                continue
    named.applications = {name: sorted(names) for name, names in applications.items()}
    return named
