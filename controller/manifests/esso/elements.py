"""XML read safely: no document type, so no entities but the five of XML itself, nothing from elsewhere, no bombs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.parsers import expat

from controller.manifests.problems import ManifestErrors, Place, Problem

MAX_DEPTH: Final = 16
MAX_TEXT: Final = 65_536
"""Characters of one element."""
WHAT: Final = "the files of Enterprise SSO"
"""What has the problems."""
_CHUNK: Final = 65_536


@dataclass(slots=True)
class Element:
    """An element below the root of a file; names of elements and attributes in lower case."""

    name: str
    attributes: dict[str, str]
    place: Place
    children: list["Element"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its text, without space around it."""
        return "".join(self.pieces).strip()


def read_elements(path: str) -> Iterator[Element]:
    """Yield the elements below the root of a file, one by one, so that a million of them need not be in memory.

    Raises:
        ManifestErrors: The file cannot be read, is not XML, or not a file of Enterprise SSO.
    """
    reading = _Reading(path)
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield from reading.feed(chunk)
            yield from reading.feed(b"", is_last=True)
    except OSError as error:
        problem = Problem(Place(path), f"the file cannot be read: {error.strerror}", "check its path and permissions")
        raise ManifestErrors([problem], what=WHAT) from error


class _Reading:
    """Takes a file piece by piece."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: list[Element] = []
        self._done: list[Element] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refuse_document_type

    def feed(self, chunk: bytes, *, is_last: bool = False) -> list[Element]:
        """Take a piece; return the elements that it completes."""
        self._done = []
        try:
            self._parser.Parse(chunk, is_last)
        except expat.ExpatError as error:
            place = Place(self._path, error.lineno, error.offset + 1)
            problem = Problem(place, f"not valid XML: {expat.ErrorString(error.code)}")
            raise ManifestErrors([problem], what=WHAT) from None
        return self._done

    def _place(self) -> Place:
        return Place(self._path, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)

    def _refuse(self, message: str, hint: str = "") -> ManifestErrors:
        return ManifestErrors([Problem(self._place(), message, hint)], what=WHAT)

    def _refuse_document_type(self, *_: object) -> None:
        raise self._refuse("document types and entities are not read", "remove the line that begins with <!DOCTYPE")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.lower()
        if not self._open and name != "sso":
            raise self._refuse(f"the root is <{name[:40]}>, not <sso>", "give a file of ssomanage, ssops or ssoconfig")
        if len(self._open) >= MAX_DEPTH:
            raise self._refuse(f"elements are nested deeper than {MAX_DEPTH} levels")
        lower = {key.lower(): value.strip() for key, value in attributes.items()}
        self._open.append(Element(name, lower, self._place()))

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        if len(self._open) == 1:
            self._done.append(element)
        elif self._open:
            self._open[-1].children.append(element)

    def _text(self, text: str) -> None:
        if len(self._open) < 2:  # noqa: PLR2004  # space between the elements below the root
            return
        element = self._open[-1]
        element.pieces.append(text)
        if sum(map(len, element.pieces)) > MAX_TEXT:
            problem = Problem(element.place, f"the text of <{element.name}> is longer than {MAX_TEXT:,} characters")
            raise ManifestErrors([problem], what=WHAT)
