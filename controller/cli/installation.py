"""Which installation a command works on, who works on it, and which manifests it reads."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.model.errors import InvalidInput
from controller.runtime.settings import Settings, settings_of

if TYPE_CHECKING:
    from controller.runtime.desired import Reading

DEFAULT_MANIFESTS = "manifests"
STANDARD_INPUT = "-"

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATH]...",
        help="Files or folders of manifests, '-' for standard input, git+https://HOST/REPOSITORY?ref=main&path=FOLDER "
        "[manifests].",
    ),
]


@dataclass(frozen=True, slots=True)
class Manifests:
    """Where the manifests are, and the text behind ``-``."""

    paths: tuple[str, ...]
    stdin: str | None = None


def chosen_settings(context: typer.Context) -> Settings:
    """The settings that the global options, the environment and the defaults give."""
    given = context.find_root().obj or (None, None, None, None, None)
    state_dir, database, replay_dir, key_file, signers = given
    return settings_of(state_dir, database, replay_dir, key_file=key_file, git_allowed_signers=signers)


def hoisted(arguments: Sequence[str]) -> list[str]:
    """*arguments* with the global options in front, so that they may stand after the command too."""
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            rest += [argument, *remaining]
        elif argument in _WITH_VALUE:
            value = next(remaining, None)
            if value is None:
                return [argument]  # alone, so that it is told that its value is missing
            front += [argument, value]
        elif argument.partition("=")[0] in _WITH_VALUE:
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


_WITH_VALUE = frozenset({"--state-dir", "--database", "--replay-dir", "--key-file", "--git-allowed-signers"})


def chosen_manifests(paths: Sequence[str] | None) -> Manifests:
    """The manifests that a command was given, else the folder ``manifests`` of the working directory.

    Raises:
        InvalidInput: None were given and there is no such folder.
    """
    if paths:
        return Manifests(tuple(paths), _read_standard_input() if STANDARD_INPUT in paths else None)
    if not Path(DEFAULT_MANIFESTS).exists():
        raise InvalidInput(
            f"there is no folder {DEFAULT_MANIFESTS!r} in {Path.cwd()}",
            hint="name the manifests: a file, a folder, or '-' for standard input",
        )
    return Manifests((DEFAULT_MANIFESTS,))


def reading_of(
    manifests: Manifests, settings: Settings, *, keeps: bool = False, looks_outside: bool = False
) -> "Reading":
    """Make what reads *manifests*; with *keeps*, what it fetches stays in the state directory.

    Raises:
        InvalidInput: The address of a repository cannot be used.
    """
    from controller.runtime.desired import Paths as Given
    from controller.runtime.desired import Reading

    return Reading(Given(manifests.paths, manifests.stdin), settings, keeps=keeps, looks_outside=looks_outside)


def _read_standard_input() -> str:
    """Standard input as text; what is not UTF-8 stays as surrogates, which the reader of manifests reports."""
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape") if sys.stdin else ""
