"""Finds out who the users of applications are (M1, A13): asks the directories of the domains, and keeps their answers.

Level-based: each round asks anew about every name that an application has in ``access.users``. An answer that does not
come, or that looks wrong, leaves the last one in force.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field
from datetime import timedelta

from controller.model.accounts import WindowsAccount
from controller.model.topology import Application, Domain, DomainDirectory, ReconcilePolicy, Resource, System
from controller.planning.change import Change, Prune
from controller.ports.store import Store
from controller.ports.windows_groups import GroupReading, OpenGroupDirectory
from controller.reconcile.inquiry import Inquiry, Told, TooLate
from controller.reconcile.look_up import LookUp

NEVER_READ = GroupReading(None)
SOON = timedelta(seconds=10)
"""How long a command waits for all directories together."""


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
    """Keeps what is known of the users of applications as the directories tell it. Used by one thread at a time."""

    def __init__(self, store: Store, open_directory: OpenGroupDirectory) -> None:
        self._store = store
        self._inquiry = Inquiry(open_directory)
        self._turn = 0
        self._turns: dict[WindowsAccount, int] = {}

    def stop(self) -> None:
        """From another thread: end a refresh at once. What was not answered by then is not noted."""
        self._inquiry.stop()

    def refresh(
        self, changes: Iterable[Change] = (), *, force: bool = False, limit: timedelta = SOON, only_new: bool = False
    ) -> list[str]:
        """Ask about every name there is, and take the answers over; tell what could not be taken over, in words.

        No transaction is open while a directory is asked. Afterwards something is known of each name that was to be
        asked about: an answer, or why there is none.

        Args:
            changes: Of a plan that is about to be applied: its names are asked about beforehand, so that no change of
                a password comes between and has to wait for them.
            force: Takes over what would be held.
            limit: How long all directories together are waited for. What they leave open comes first the next time.
            only_new: Asks only about names of which nothing is known yet.

        Raises:
            StoreUnavailable: The store cannot be reached.
            StoreUnusable: A row cannot be read.
        """
        with self._store.read() as tx:
            named = _named([*tx.resources.read().values(), *_coming(changes)])
            known = tx.windows_groups.readings()
        self._forget(known.keys() - set(named.askable))
        names = [name for name in named.askable if not (only_new and name in known)]
        problems = (
            (name, self._look_up(name, known, named, force=force).take_over(answer))
            for name, answer in self._ask(named, names, limit)
        )
        return sorted(f"users {name}: {problem}" for name, problem in problems if problem)

    def _forget(self, gone: set[WindowsAccount]) -> None:
        if gone:
            with self._store.write() as tx:
                for name in gone:
                    tx.windows_groups.forget(name)
                    self._turns.pop(name, None)

    def _look_up(
        self, name: WindowsAccount, known: ReadOnlyMapping[WindowsAccount, GroupReading], named: Named, *, force: bool
    ) -> LookUp:
        before, limit = known.get(name, NEVER_READ), named.policy.max_prune_percent
        return LookUp(self._store, name, before, named.applications[name], limit, force)

    def _ask(self, named: Named, names: list[WindowsAccount], limit: timedelta) -> Iterator[Told]:
        self._turn += 1
        by_domain: dict[str, list[WindowsAccount]] = {}
        for name in sorted(names, key=lambda name: (self._turns.get(name, 0), name)):
            by_domain.setdefault(name.domain, []).append(name)
        late: set[str] = set()
        for name, answer in self._inquiry.ask(by_domain, named.directories, limit):
            is_late = isinstance(answer, TooLate)
            if not is_late or name.domain not in late:  # the first late one of a domain was being asked about
                self._turns[name] = self._turn
            if is_late:
                late.add(name.domain)
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
