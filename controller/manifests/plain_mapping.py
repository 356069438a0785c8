r"""Mapping documents that are written plainly, recognised without the parser: 100,000 of them take a second, not seven.

Recognised is a small part of YAML in which there is no doubt: the fields of a Mapping in their usual order, each on a
line or in braces, values of ASCII without quotes that have no special character, or in quotes and without escapes but
``\\``.
Everything else is left to the parser, and so is saying what is wrong.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from controller.manifests.document import Document, Path
from controller.manifests.loading import Loader
from controller.manifests.problems import Place
from controller.manifests.scalars import resolve

BOUNDARY: Final = "\n---\n"
"""Ends a document wherever it stands: YAML 1.1 (9.1.2) has nothing in which it would mean anything else."""
_VALUE: Final = r"""(?:[A-Za-z0-9_\\][A-Za-z0-9_.\\/@+-]*|'[ -&(-~]*'|"(?:[ !#-\[\]-~]|\\\\)*")"""
_SWITCH: Final = "true|false"
_DOCUMENT: Final = re.compile(
    rf"""apiVersion:[ ]pwsync/v1\n
    kind:[ ]Mapping\n
    (?:metadata:(?:[ ]\{{name:[ ]({_VALUE})\}}|\n[ ]+name:[ ]({_VALUE}))\n)?
    spec:(?:
        [ ]\{{
        application:[ ]({_VALUE}),[ ]
        windowsAccount:[ ]({_VALUE}),[ ]
        externalAccount:[ ]({_VALUE})
        (?:,[ ]enabled:[ ]({_SWITCH}))?\}}
    |
        \n(?P<indent>[ ]+)application:[ ]({_VALUE})
        \n(?P=indent)windowsAccount:[ ]({_VALUE})
        \n(?P=indent)externalAccount:[ ]({_VALUE})
        (?:\n(?P=indent)enabled:[ ]({_SWITCH}))?
    )(?:\n(?=---\n)|\n?\Z)""",
    re.VERBOSE,
)
_OTHERS: Final = ("\r", "\x85", "\u2028", "\u2029", "\n%")
"""Other ends of lines than one, and directives, which reach beyond their document."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that no part of a YAML stream may hold (YAML 1.1, 5.1): the parser then refuses the whole of it."""


class PlainMapping(NamedTuple):
    """A Mapping document that was recognised. Whether its names are valid has not been looked at.

    Attributes:
        name: That of the document, if it has one.
        line: Lines of the file before it.
    """

    name: str | None
    application: str
    windows: str
    external: str
    enabled: bool
    file: str
    folder: str
    text: str
    line: int

    def document(self) -> Document:
        """The same from the parser, with the positions of its parts."""
        (document,) = Loader(self.file, self.folder).documents(self.text, self.line)
        return document

    def place(self, path: Path = ()) -> Place:
        """Where the value at *path* stands."""
        return self.document().place(path)


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a file that the parser has to read.

    Attributes:
        start: Where it begins in the text.
        line: Lines of the file before it.
    """

    text: str
    start: int
    line: int


def recognise(text: str, file: str, folder: str) -> Iterator[PlainMapping | Passage]:
    """Divide the text of a file into Mapping documents that are written plainly, and passages in between."""
    if text.startswith("%") or any(other in text for other in _OTHERS) or _UNPRINTABLE.search(text):
        yield Passage(text, 0, 0)
        return
    position, line, begin, begin_line = 0, 0, 0, 0
    while position < len(text):
        content = position + 4 if text.startswith("---\n", position) else position
        match = _DOCUMENT.match(text, content)
        end = match.end() if match is not None else _end_of_document(text, content)
        begins = line + (content > position)
        plain = _plain_mapping(match, file, folder, begins) if match is not None else None
        following = line + text.count("\n", position, end)
        if plain is not None:
            if begin < position:
                yield Passage(text[begin:position], begin, begin_line)
            yield plain
            begin, begin_line = end, following
        position, line = end, following
    if begin < len(text) or not text:
        yield Passage(text[begin:], begin, begin_line)


def _end_of_document(text: str, start: int) -> int:
    """Where the next document begins, or the text ends."""
    found = text.find(BOUNDARY, max(start - 1, 0))
    return len(text) if found == -1 else found + 1


def _plain_mapping(match: "re.Match[str]", file: str, folder: str, line: int) -> PlainMapping | None:
    beside, below, *in_braces, indent, application, windows, external, switch = match.groups()
    if indent is None:
        application, windows, external, switch = in_braces
    written = beside or below
    name = _read(written) if written else None
    of, account, other = _read(application), _read(windows), _read(external)
    if of is None or account is None or other is None or (written and name is None):
        return None  # a value that is no text: the parser says so
    return PlainMapping(name, of, account, other, switch != "false", file, folder, match[0], line)


def _read(written: str) -> str | None:
    """The text that is written; None when it is no text."""
    if written[0] == "'":
        return written[1:-1]
    if written[0] == '"':
        return written[1:-1].replace("\\\\", "\\")
    value = resolve(written)
    return value if type(value) is str else None
