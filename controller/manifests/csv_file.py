"""CSV files of mapping sets: columns windows, external and, if wanted, enabled; a header names them."""

import csv
from collections.abc import Iterator
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING, Final, NamedTuple

from controller.manifests.problems import Place, Problem, did_you_mean, there_are

if TYPE_CHECKING:
    from _csv import Reader as _Reader

_REQUIRED: Final = ("windows", "external")
_COLUMNS: Final = (*_REQUIRED, "enabled")
_SWITCH: Final = {"true": True, "false": False}


class Row(NamedTuple):
    """One mapping as written, and its line."""

    windows: str
    external: str
    enabled: bool
    line: int


class CsvFile:
    """Reads one file.

    Attributes:
        file: Its name in messages.
        problems: What is wrong with its form; complete once ``rows`` has ended.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._text = text
        self._header: list[str] = []

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are well formed, in order; blank lines are passed over."""
        reader = csv.reader(self._stream(), strict=True)
        try:
            self._header = [name.strip() for name in next(reader, [])]
            if self._is_good_header():
                yield from self._body(reader)
        except csv.Error as error:
            self._complain(
                reader.line_num, 0, f"not valid CSV: {error}", "quote with double quotes, double those inside"
            )

    def place(self, line: int, column: str) -> Place:
        """Where a value stands; with quotes on the line, only where the line begins."""
        return self._place(line, self._header.index(column))

    def _body(self, reader: "_Reader") -> Iterator[Row]:
        windows, external = (self._header.index(name) for name in _REQUIRED)
        enabled = self._header.index("enabled") if "enabled" in self._header else None
        width, line = len(self._header), reader.line_num + 1
        for cells in reader:
            if len(cells) != width:
                if any(cell.strip() for cell in cells):
                    self._complain(
                        line, 0, f"{len(cells)} values, but the header has {width}", "quote values with commas"
                    )
            elif (switch := True if enabled is None else _SWITCH.get(cells[enabled].strip().lower())) is None:
                self._complain(line, enabled or 0, "enabled: must be true or false", "")
            else:
                yield Row(cells[windows], cells[external], switch, line)
            line = reader.line_num + 1

    def _stream(self) -> StringIO:
        return StringIO(self._text, newline="")  # line ends kept: a quoted value may hold some

    @cached_property
    def _lines(self) -> list[str]:
        """All lines. They take several times the memory of the text, and only places of mistakes need them."""
        return list(self._stream())

    def _is_good_header(self) -> bool:
        header = self._header
        if not set(header) & set(_COLUMNS):
            hint = "write windows,external or windows,external,enabled, separated by commas"
            self._complain(1, 0, "the first line does not name the columns", hint)
            return False
        for number, name in enumerate(header):
            if name not in _COLUMNS:
                hint = did_you_mean(name, _COLUMNS, there_are("there are", _COLUMNS))
                self._complain(1, number, f"unknown column {name[:40]!r}", hint)
            elif name in header[:number]:
                self._complain(1, number, f"the column {name} is given twice", "remove one of them")
        for name in _REQUIRED:
            if name not in header and not self.problems:
                self._complain(
                    1, 0, f"the column {name} is missing", "the first line must be windows,external[,enabled]"
                )
        return not self.problems

    def _complain(self, line: int, number: int, message: str, hint: str) -> None:
        self.problems.append(Problem(self._place(line, number), message, hint))

    def _place(self, line: int, number: int) -> Place:
        text = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        before = text.split(",")[:number] if '"' not in text else []
        return Place(self.file, max(line, 1), sum(len(cell) + 1 for cell in before) + 1)
