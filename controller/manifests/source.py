"""Where manifests come from: files, folders read recursively, and standard input."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controller.manifests.problems import Place, Problem

STANDARD_INPUT: Final = "-"
_STANDARD_INPUT_NAME: Final = "<stdin>"
_SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Source:
    """One file of manifests, or standard input.

    Attributes:
        file: Its name in messages: the path as given by the user, continued inside folders.
        folder: Absolute; what relative paths in its manifests are relative to.
        text: The text of standard input; None for a file, which is read when its turn comes.
    """

    file: str
    folder: str
    text: str | None = None


def find_sources(paths: Sequence[str], stdin: str | None) -> Iterator[Source | Problem]:
    """Yield the sources of *paths* in order, each file once, and a problem for each path that leads nowhere."""
    seen: set[str] = set()
    for path in paths:
        for found in _of_path(path, stdin):
            if isinstance(found, Problem):
                yield found
            elif (identity := _identity(found)) not in seen:
                seen.add(identity)
                yield found


def shown(path: str) -> str:
    """How a path is named in messages."""
    return _STANDARD_INPUT_NAME if path == STANDARD_INPUT else path


def _identity(source: Source) -> str:
    return STANDARD_INPUT if source.text is not None else os.path.realpath(source.file)


def _of_path(path: str, stdin: str | None) -> Iterator[Source | Problem]:
    if path == STANDARD_INPUT:
        if stdin is None:
            yield Problem(Place(_STANDARD_INPUT_NAME), "standard input is not available here")
        else:
            yield Source(_STANDARD_INPUT_NAME, str(Path.cwd()), stdin)
    elif _is_folder(path):
        yield from _of_folder(path)
    elif os.path.lexists(path):
        yield Source(path, str(Path(path).absolute().parent))
    else:
        yield Problem(Place(path), "there is no such file or folder", "check the path; - reads standard input")


def _of_folder(path: str) -> Iterator[Source | Problem]:
    is_empty = True
    for found in _walk(path, frozenset()):
        is_empty = False
        yield found
    if is_empty:
        yield Problem(Place(path), "the folder holds no manifest", "manifests are files *.yaml or *.yml, not hidden")


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  # False where Path.is_dir raises: a name too long, no permission


def _walk(folder: str, above: frozenset[str]) -> Iterator[Source | Problem]:
    """Go down in sorted order; a folder that links to one of those above it is not entered again."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  # names, joined to the path as the user wrote it
    except OSError as error:
        yield Problem(Place(folder), f"the folder cannot be read: {error.strerror}", "check its permissions")
        return
    for name in names:
        path = str(Path(folder, name))
        if name.startswith("."):
            continue
        if _is_folder(path):
            yield from _walk(path, above | {real})
        elif name.endswith(_SUFFIXES):
            yield Source(path, str(Path(folder).absolute()))


def read_text(source: Source) -> str | Problem:
    """Return the text of a source, without its byte order mark."""
    if source.text is None:
        return read_file(source.file, source.file)
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        return _not_utf8(source.text[: error.start], source.file)
    return source.text.removeprefix("\ufeff")


def read_file(path: str, shown: str) -> str | Problem:
    """Return the text of a UTF-8 file without its byte order mark; *shown* names it in messages."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        return Problem(
            Place(shown), f"the file cannot be read: {error.strerror}", "check that it exists and its permissions"
        )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem(Place(shown), "the file is UTF-16, not UTF-8", "save it as UTF-8")
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return _not_utf8(raw[: error.start].decode(), shown)


def _not_utf8(before: str, file: str) -> Problem:
    return Problem(place_after(before.removeprefix("\ufeff"), file), "not UTF-8 text", "save the file as UTF-8")


def place_after(text: str, file: str, line: int = 0) -> Place:
    """The position that follows *text*, which is the beginning of the file, or of what follows *line* lines of it."""
    return Place(file, line + text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)
