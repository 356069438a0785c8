"""Finds out who the users of applications are (M1, A13): asks the directories of the domains, and keeps their answers.

Level-based: each round asks anew about every name that an application has in ``access.users``. An answer that does not
come, or that looks wrong, leaves the last one in force.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from controller.model import events
from controller.model.accounts import WindowsAccount
from controller.model.errors import AccountUnknown, ConnectorError, PwsyncError
from controller.model.events import Event, EventType
from controller.model.topology import Application, Domain, DomainDirectory, ReconcilePolicy, Resource, System
from controller.planning.change import Change, Prune
from controller.planning.safety import exceeds
from controller.ports import GroupDirectory, GroupReading, OpenGroupDirectory, Store

Answer = frozenset[WindowsAccount] | PwsyncError
"""The accounts behind a name, or why they are not known."""
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
            (name, _LookUp(self._store, name, known.get(name, NEVER_READ), named, force).take_over(answer))
            for name, answer in self._ask(named)
        )
        return [f"users {name}: {problem}" for name, problem in problems if problem]

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
        except AccountUnknown as error:
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


@dataclass(frozen=True, slots=True)
class _LookUp:
    """One name that was asked about."""

    store: Store
    name: WindowsAccount
    before: GroupReading
    named: Named
    force: bool

    def take_over(self, answer: Answer) -> str:
        """Make *answer* the one in force, if it is one and does not look wrong; else tell why not."""
        if isinstance(answer, PwsyncError):
            return self._keep(events.WINDOWS_GROUP_UNREAD, str(answer))
        with self.store.read() as tx:
            current = tx.windows_groups.members(self.name)
        removed, limit = current - answer, self.named.policy.max_prune_percent
        if exceeds(len(removed), len(current), limit) and not self.force:
            gone = f"{len(removed):,} of {len(current):,} accounts are gone"
            hint = f"maxPrunePercent is {limit}; if it is meant, 'pwsync apply --force' takes it over"
            return self._keep(events.WINDOWS_GROUP_HELD, f"{gone} ({hint})")
        self._replace(answer - current, removed, len(answer))
        return ""

    def _keep(self, type_: EventType, problem: str) -> str:
        """Leave what is known as it is; an event tells of each problem once."""
        if problem != self.before.problem:
            with self.store.write() as tx:
                tx.windows_groups.note(self.name, replace(self.before, problem=problem))
                tx.events.add(self._event(type_, problem=problem))
        return problem

    def _replace(self, added: frozenset[WindowsAccount], removed: set[WindowsAccount], count: int) -> None:
        with self.store.write() as tx:
            tx.windows_groups.add(self.name, sorted(added))
            tx.windows_groups.remove(self.name, sorted(removed))
            tx.windows_groups.note(self.name, GroupReading(tx.now, count))
            if added or removed:
                tx.events.add(self._event(events.WINDOWS_GROUP_CHANGED, added=len(added), removed=len(removed)))

    def _event(self, type_: EventType, **fields: object) -> Event:
        fields = {"applications": self.named.applications[self.name], **fields}
        return Event(type_, account=str(self.name), fields=fields)
