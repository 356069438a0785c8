"""Names in ``access.users`` of applications of which nothing is known, or nothing new: told in plans and in status."""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass
from enum import Enum, auto

from controller.model.accounts import WindowsAccount
from controller.model.topology import Application, Domain, Key, Kind, Resource
from controller.planning.state import State
from controller.ports.store import Transaction
from controller.ports.windows_groups import GroupReading

_ITSELF = "so that only an account of this very name is a user"


class Cause(Enum):
    """Why nothing is known."""

    NO_DIRECTORY = auto()
    NOT_ASKED = auto()
    NO_ANSWER = auto()


@dataclass(frozen=True, slots=True)
class UnknownUsers:
    """One name of one application."""

    application: str
    name: WindowsAccount
    cause: Cause
    words: str

    def __str__(self) -> str:
        return f"users {self.name}: {self.words}"


def unknown_users(
    resources: ReadOnlyMapping[Key, Resource], readings: ReadOnlyMapping[WindowsAccount, GroupReading]
) -> Iterator[UnknownUsers]:
    """Yield what is not known, in order of the applications."""
    for key, resource in sorted(resources.items()):
        if isinstance(resource.spec, Application):
            for name in resource.spec.users:
                found = _unknown(name, resources.get(Key(Kind.DOMAIN, name.domain)), readings.get(name))
                if found is not None:
                    yield UnknownUsers(key.name, name, *found)


def _unknown(name: WindowsAccount, domain: Resource | None, reading: GroupReading | None) -> tuple[Cause, str] | None:
    match domain, reading:
        case ((None | Resource(spec=Domain(directory=None))), _):
            return Cause.NO_DIRECTORY, f"Domain/{name.domain} has no directory to ask, {_ITSELF}"
        case _, None:
            return Cause.NOT_ASKED, "the directory was not asked yet, changes wait for it"
        case _, GroupReading(read_at=None, problem=problem):
            return Cause.NO_ANSWER, f"{problem}; it was never read, {_ITSELF}"
        case _, GroupReading(read_at=read_at, members=members, problem=str(problem)) if problem and read_at:
            last = f"the last answer, {members:,} accounts at {read_at:%Y-%m-%d %H:%M:%SZ}, stays in force"
            return Cause.NO_ANSWER, f"{problem}; {last}"
        case _:
            return None


def user_warnings(tx: Transaction, desired: State) -> Iterator[str]:
    """One sentence for each name of the *desired* applications. New names are asked about when they are applied."""
    actual = tx.resources.read()
    named_before = {(k.name, n) for k, r in actual.items() if isinstance(r.spec, Application) for n in r.spec.users}
    found = [
        unknown
        for unknown in unknown_users(desired.resources, tx.windows_groups.readings())
        if unknown.cause is not Cause.NOT_ASKED or (unknown.application, unknown.name) in named_before
    ]
    doubtful = {(u.application, u.name) for u in found if u.cause is Cause.NO_DIRECTORY}
    mapped = {(m.application, m.windows) for m in desired.mappings} & doubtful if doubtful else set()
    yield from (f"Application/{u.application}: {u}" for u in found if (u.application, u.name) not in mapped)


def user_problems(tx: Transaction) -> dict[str, str]:
    """What is not known of the users of the actual applications, in words, by application."""
    problems: dict[str, list[str]] = {}
    for unknown in _unless_mapped(tx, unknown_users(tx.resources.read(), tx.windows_groups.readings())):
        problems.setdefault(unknown.application, []).append(str(unknown))
    return {application: "; ".join(words) for application, words in problems.items()}


def _unless_mapped(tx: Transaction, found: Iterable[UnknownUsers]) -> Iterator[UnknownUsers]:
    """Leave out names that are accounts, mapped themselves: no directory is needed for those."""
    for unknown in found:
        is_account = unknown.cause is Cause.NO_DIRECTORY and any(
            mapping.application == unknown.application for mapping in tx.mappings.of_windows(unknown.name)
        )
        if not is_account:
            yield unknown
