"""Desired state that was read in one place, as if it had been read in another.

Relative paths of manifests are stored as absolute ones. Of a repository each revision stands in a folder of its own; if
objects named that folder, each commit would change every object that names a file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from controller.manifests.problems import ManifestErrors, Place, Problem
from controller.model.options import LdapEndpoint
from controller.model.topology import Adapter, Domain, DomainDirectory, Resource
from controller.planning.state import State


@dataclass(frozen=True, slots=True)
class Move:
    """What is read from one folder stands in another.

    Attributes:
        read_from: Where the files are.
        stored_as: The folder that objects name.
        shown_as: How messages call it.
    """

    read_from: Path
    stored_as: Path
    shown_as: str


def relocated(state: State, moves: Sequence[Move]) -> State:
    """*state* with the paths of files as they are stored."""
    if not moves:
        return state
    resources = {key: _relocated(resource, moves) for key, resource in state.resources.items()}
    return replace(state, resources=resources)


def _relocated(resource: Resource, moves: Sequence[Move]) -> Resource:
    match resource.spec:
        case Adapter(connector=connector) as adapter:
            options = _moved(dict(connector.options), moves)
            return replace(resource, spec=replace(adapter, connector=replace(connector, options=options)))
        case Domain(directory=DomainDirectory(endpoint=endpoint) as directory) as domain:
            options = _moved(endpoint.model_dump(by_alias=True), moves)
            moved = LdapEndpoint.model_validate(options, by_alias=True, by_name=False)
            return replace(resource, spec=replace(domain, directory=replace(directory, endpoint=moved)))
        case _:
            return resource


def _moved(value: Any, moves: Sequence[Move]) -> Any:  # noqa: ANN401  # any JSON
    match value:
        case dict():
            return {name: _moved(item, moves) for name, item in value.items()}
        case list() | tuple():
            return [_moved(item, moves) for item in value]
        case str():
            return next((moved for move in moves if (moved := _path(value, move)) is not None), value)
        case _:
            return value


def _path(text: str, move: Move) -> str | None:
    inside = f"{move.read_from.resolve()}/"
    return str(move.stored_as / text.removeprefix(inside)) if text.startswith(inside) else None


def renamed_errors(error: ManifestErrors, moves: Sequence[Move]) -> ManifestErrors:
    """The same problems, with the files called as the user calls them."""
    return ManifestErrors(renamed(error.problems, moves))


def renamed(problems: Iterable[Problem], moves: Sequence[Move]) -> list[Problem]:
    """*problems*, with the files called as the user calls them, in their messages too."""
    return [_renamed(problem, moves) for problem in problems]


def _renamed(problem: Problem, moves: Sequence[Move]) -> Problem:
    place, message = problem.place, problem.message
    for move in moves:
        for folder in (move.read_from, move.read_from.resolve()):
            place = replace(place, file=_called(place.file, folder, move.shown_as))
            message = message.replace(f"{folder}/", "")
    return Problem(Place(place.file, place.line, place.column), message, problem.hint)


def _called(file: str, folder: Path, shown_as: str) -> str:
    if file == str(folder):
        return shown_as
    return f"{shown_as}:{file.removeprefix(f'{folder}/')}" if file.startswith(f"{folder}/") else file
