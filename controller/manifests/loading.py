"""YAML text into documents, straight from the events of the C parser, with the position of every node.

PyYAML's own constructors cost twice as much, convert what should stay text (``0123``, ``NO``), forget positions and
let the last of two equal keys win.
"""

from array import array
from collections.abc import Iterator
from typing import Any, Final

import yaml

from controller.manifests.document import Document, pack, unpack
from controller.manifests.problems import Place, Problem
from controller.manifests.scalars import resolve
from controller.manifests.source import place_after
from controller.model.accounts import ESCAPED

MAX_DEPTH: Final = 64
MAX_ALIASED: Final = 10_000
"""Nodes of one file that may come from aliases, so that no few lines stand for billions."""

_PARSER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events, only slower, without libyaml
_STR: Final = {"!", "tag:yaml.org,2002:str"}
_COLLECTIONS: Final = {None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_NO_KEY: Final = object()


class _Stop(Exception):
    """The rest of the file cannot be read."""


class _Frame:
    """A dictionary or list that is being filled."""

    __slots__ = ("anchor", "drops_value", "key", "key_start", "start", "value")

    def __init__(self, value: dict[Any, Any] | list[Any], start: int, anchor: str | None) -> None:
        self.value = value
        self.start = start
        self.anchor = anchor
        self.key: Any = _NO_KEY
        self.key_start = 0
        self.drops_value = False


class Loader:
    """Reads the documents of one file.

    Attributes:
        problems: What is wrong with the text; complete once ``documents`` has ended.
        is_complete: False when the file could not be read to its end.
    """

    def __init__(self, file: str, folder: str) -> None:
        self.file = file
        self.folder = folder
        self.problems: list[Problem] = []
        self.is_complete = True
        self._aliased = 0
        self._line = 0
        self._begin()

    def documents(self, text: str, line: int = 0) -> Iterator[Document]:
        """Yield the documents that have content, in order; after a mistake in the syntax no more come.

        *text* is that of the file, or a part of it that so many lines precede.
        """
        self._line = line
        try:
            for event in yaml.parse(text, Loader=_PARSER):
                if type(event) is yaml.DocumentEndEvent:
                    if self._root is not None:
                        yield Document(self._root, self._positions, self.file, self.folder)
                    self._begin()
                elif handle := _HANDLERS.get(type(event)):
                    handle(self, event)
        except _Stop:
            self.is_complete = False
        except yaml.MarkedYAMLError as error:
            self.is_complete = False
            self.problems.append(_syntax_problem(error, self.file, self._line))
        except yaml.reader.ReaderError as error:
            self.is_complete = False
            before = text.encode()[: error.position].decode(errors="ignore")
            place = place_after(before, self.file, self._line)
            problem = Problem(place, f"not valid YAML: {error.reason}", "remove the character")
            self.problems.append(problem)

    def _begin(self) -> None:
        self._root: Any = None
        self._positions = array("Q")
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}

    def scalar(self, event: yaml.ScalarEvent) -> None:
        """Take a scalar."""
        start = self._note(event)
        if event.implicit[0] and event.tag is None:
            value = resolve(event.value)
        else:
            value = event.value
            if event.tag is not None and event.tag not in _STR:
                self._refuse_tag(start)
        self._finish(value, start, event.anchor, event)

    def start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        """Begin a dictionary or list."""
        start = self._note(event)
        if len(self._stack) >= MAX_DEPTH:
            self._complain(start, f"nested deeper than {MAX_DEPTH} levels", "")
            raise _Stop
        if event.tag not in _COLLECTIONS:
            self._refuse_tag(start)
        value: dict[Any, Any] | list[Any] = {} if type(event) is yaml.MappingStartEvent else []
        self._stack.append(_Frame(value, start, event.anchor))

    def end(self, event: yaml.MappingEndEvent | yaml.SequenceEndEvent) -> None:
        """Finish a dictionary or list."""
        frame = self._stack.pop()
        self._finish(frame.value, frame.start, frame.anchor, event)

    def alias(self, event: yaml.AliasEvent) -> None:
        """Take what an anchor of the same document stands for."""
        if event.anchor not in self._anchors:
            start = self._note(event)
            self._complain(start, f"there is no finished anchor &{event.anchor} before this alias", "")
            self._finish(None, start, None, event)
            return
        value, first, last = self._anchors[event.anchor]
        self._aliased += last - first
        if self._aliased > MAX_ALIASED:
            self._complain(
                self._note(event), f"aliases stand for more than {MAX_ALIASED} nodes", "write the values out"
            )
            raise _Stop
        start = len(self._positions)
        self._positions.extend(self._positions[first:last])
        self._finish(value, start, None, event)

    def _note(self, event: yaml.Event) -> int:
        mark: Any = event.start_mark  # never absent in events of a parser
        self._positions.append(pack(self._line + mark.line, mark.column))
        return len(self._positions) - 1

    def _finish(self, value: Any, start: int, anchor: str | None, event: yaml.Event) -> None:  # noqa: ANN401  # any YAML
        if anchor is not None:
            self._anchors[anchor] = (value, start, len(self._positions))
        if not self._stack:
            self._root = value
            return
        frame = self._stack[-1]
        if type(frame.value) is list:
            frame.value.append(value)
        elif frame.key is _NO_KEY:
            self._take_key(frame, value, start, event)
        else:
            self._take_value(frame, value)

    def _take_key(self, frame: _Frame, key: Any, start: int, event: yaml.Event) -> None:  # noqa: ANN401  # any YAML
        frame.key, frame.key_start = key, start
        if type(key) is str and key not in frame.value:
            return
        frame.drops_value = True
        if type(key) is str:
            self._complain(start, f"{key!r} is given twice here", "remove one of them")
        elif isinstance(event, yaml.ScalarEvent) and event.value == "<<":
            self._complain(start, "merge keys (<<) are not supported", "write the fields out, or alias a whole value")
        else:
            self._complain(start, "a field name must be text", "quote it")

    def _take_value(self, frame: _Frame, value: Any) -> None:  # noqa: ANN401  # any YAML
        if frame.drops_value:
            self._forget_positions(frame.key_start)
        else:
            frame.value[frame.key] = value
        frame.key, frame.drops_value = _NO_KEY, False

    def _forget_positions(self, start: int) -> None:
        """Keep the positions in step with the values; anchors inside the dropped part go with it."""
        del self._positions[start:]
        self._anchors = {name: kept for name, kept in self._anchors.items() if kept[2] <= start}

    def _refuse_tag(self, start: int) -> None:
        self._complain(start, "tags are not supported", "remove the word that begins with an exclamation mark")

    def _complain(self, index: int, message: str, hint: str) -> None:
        self.problems.append(Problem(unpack(self._positions[index], self.file), message, hint))


_HANDLERS: Final[dict[type[yaml.Event], Any]] = {
    yaml.ScalarEvent: Loader.scalar,
    yaml.MappingStartEvent: Loader.start,
    yaml.SequenceStartEvent: Loader.start,
    yaml.MappingEndEvent: Loader.end,
    yaml.SequenceEndEvent: Loader.end,
    yaml.AliasEvent: Loader.alias,
}


def _syntax_problem(error: yaml.MarkedYAMLError, file: str, line: int) -> Problem:
    """Say where and what, in the parser's words, without the excerpt of the text that it would add."""
    mark: Any = error.problem_mark  # never absent in errors of a parser
    what = ", ".join(part for part in (error.context, error.problem) if part)
    place = Place(file, line + mark.line + 1, mark.column + 1)
    return Problem(place, f"not valid YAML: {what}", _syntax_hint(error.problem))


def _syntax_hint(problem: str | None) -> str:
    match problem:
        case "found character that cannot start any token":
            return "indent with spaces, not tabs; quote text that begins with @, ` or %"
        case "mapping values are not allowed in this context":
            return "quote text that contains a colon and a space; check the indentation"
        case str() if "escape character" in problem or "hex" in problem:
            return ESCAPED
        case _:
            return ""
