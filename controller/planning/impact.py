"""What a plan means for people: who gains or loses synchronisation, in which directions, and whose credentials go."""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field
from typing import assert_never

from controller.model.accounts import WindowsAccount
from controller.model.topology import Adapter, Application, Key, Kind, Mapping, Resource, System
from controller.planning.change import Change, Create, Prune, Replace, Update
from controller.planning.digest import Tally

TO_TARGET = "Windows to target"
TO_DATABASE = "target to database"
TO_WINDOWS = "target to Windows"
DIRECT = "Windows to database"
Resources = ReadOnlyMapping[Key, Resource]


@dataclass(frozen=True, slots=True)
class Impact:
    """What becomes of the people of one application.

    Attributes:
        gain: Windows accounts whose passwords are synchronised from now on, with this application.
        lose: Likewise from now on no longer.
        before: In which directions passwords go.
        after: Likewise once the plan is applied.
        credentials: External accounts whose stored credentials are deleted, as far as there are any.
    """

    application: str
    gain: int
    lose: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    credentials: int


@dataclass(slots=True)
class _Moves:
    """What the changes do to one application and its mappings."""

    come: set[WindowsAccount] = field(default_factory=set)
    go: set[WindowsAccount] = field(default_factory=set)
    credentials: set[str] = field(default_factory=set)
    is_replaced: bool = False


def impacts(changes: Iterable[Change], actual: Resources, resulting: Resources, old: Tally, new: Tally) -> list[Impact]:
    """The impact on each application that *changes* concern, by name.

    Args:
        changes: What would be applied.
        actual: The objects that there are.
        resulting: The objects that there will be.
        old: Has counted the actual mappings.
        new: Has counted the desired ones.
    """
    moves = _moves(changes)
    names = sorted(moves.keys() | {key.name for key in (*actual, *resulting) if key.kind is Kind.APPLICATION})
    found = (_impact(name, moves.get(name, _Moves()), actual, resulting, old=old, new=new) for name in names)
    return [one for one in found if one.gain or one.lose or one.credentials or one.before != one.after]


def _moves(changes: Iterable[Change]) -> dict[str, _Moves]:
    moves: dict[str, _Moves] = {}
    for change in changes:
        before, after = _sides(change)
        if isinstance(change, Replace) and isinstance(after, Resource):
            moves.setdefault(after.name, _Moves()).is_replaced = True
        if isinstance(before, Mapping):
            of = moves.setdefault(before.application, _Moves())
            if before.enabled:
                of.go.add(before.windows)
            if not isinstance(change, Update):
                of.credentials.add(before.external)
        if isinstance(after, Mapping) and after.enabled:
            moves.setdefault(after.application, _Moves()).come.add(after.windows)
    return moves


def _sides(change: Change) -> tuple[Resource | Mapping | None, Resource | Mapping | None]:
    match change:
        case Create(after):
            return None, after
        case Prune(before):
            return before, None
        case Update(before, after) | Replace(before, after):
            return before, after
        case _:
            assert_never(change)


def _impact(name: str, moves: _Moves, actual: Resources, resulting: Resources, *, old: Tally, new: Tally) -> Impact:
    before, after = tuple(_directions(name, actual)), tuple(_directions(name, resulting))
    match bool(before), bool(after):
        case True, True:
            gain, lose = len(moves.come - moves.go), len(moves.go - moves.come)
        case True, False:
            gain, lose = 0, old.by_application[name]
        case False, True:
            gain, lose = new.by_application[name], 0
        case _:
            gain, lose = 0, 0
    credentials = old.by_application[name] if moves.is_replaced else len(moves.credentials)
    return Impact(name, gain, lose, before, after, credentials)


def _directions(name: str, resources: Resources) -> Iterator[str]:
    match resources.get(Key(Kind.SYSTEM, "default")), resources.get(Key(Kind.APPLICATION, name)):
        case Resource(spec=System() as switches), Resource(spec=Application(enabled=True) as application):
            if application.password_field is not None:
                yield from _of_application(application, switches, resources)
        case _:
            return


def _of_application(application: Application, switches: System, resources: Resources) -> Iterator[str]:
    if application.adapter is None:
        if application.direct_password_sync and switches.from_windows_to_adapters:
            yield DIRECT
        return
    match resources.get(Key(Kind.ADAPTER, application.adapter)):
        case Resource(spec=Adapter(enabled=True) as target):
            yield from _of_adapter(target, application, switches)
        case _:
            return


def _of_adapter(target: Adapter, application: Application, switches: System) -> Iterator[str]:
    if switches.from_windows_to_adapters and target.sync_to_adapter and not application.is_host_group:
        yield TO_TARGET
    if switches.from_adapters_to_database and target.sync_from_adapter:
        yield TO_DATABASE
    goes_on = switches.from_adapters_to_database and switches.from_adapters_to_windows
    if goes_on and target.change_windows_password and not application.is_host_group:
        yield TO_WINDOWS
