"""What goes to standard output (results) and to standard error (messages), and when it may be coloured.

``-o json`` writes JSON in ASCII to standard output and nothing else there. Lists are ``{"items": [...]}``. Fields are
only ever added. Times are RFC 3339 in UTC.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

from controller.model.secret import Secret


class Listing(StrEnum):
    """Forms of a list."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


class Report(StrEnum):
    """Forms of one result."""

    TEXT = "text"
    JSON = "json"


def say(message: str) -> None:
    """Write a message for a person to standard error, after the results so far, where both go to one place."""
    hand_over()
    sys.stderr.write(f"{harmless_lines(message)}\n")


def hand_over() -> None:
    """Give what was written to standard output to its reader now."""
    with suppress(OSError):  # the end of the command flushes again, and tells
        sys.stdout.flush()


def show(text: str, *, end: str = "\n") -> None:
    """Write a result for a person to standard output."""
    write(harmless_lines(text) + end)


def write(text: str) -> None:
    """Write *text* to standard output exactly as it is."""
    sys.stdout.write(text)


def reveal(secret: Secret) -> None:
    """Write a secret that was asked for to standard output: in UTF-8, so that no character of it is replaced.

    On a terminal, control and direction characters are escaped, and a message says so.
    """
    text = secret.reveal()
    shown = harmless_lines(text).replace("\n", "\\n") if sys.stdout.isatty() else text
    sys.stdout.flush()
    sys.stdout.buffer.write(shown.encode("utf-8") + b"\n")
    if shown != text:
        say("It has characters that a terminal cannot show; they are escaped. Into a file or pipe it goes exactly.")


def show_json(value: Any) -> None:  # noqa: ANN401  # any JSON value
    """Write a result for a script to standard output, in the printable characters of ASCII."""
    write(json.dumps(value, indent=2, allow_nan=False).replace("\x7f", "\\u007f") + "\n")


def show_yaml(documents: Iterable[dict[str, Any]]) -> None:
    """Write documents to standard output."""
    from controller.manifests.export import dump_yaml

    write(dump_yaml(documents))


def harmless_lines(text: str) -> str:
    """*text* without control and direction characters but line ends: nobody's name rewrites a terminal."""
    return "".join(
        c if c == "\n" or c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text
    )


def may_colour(stream: TextIO) -> bool:
    """Whether ANSI colours belong there: a terminal, and no NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table to standard output. Off a terminal no cell is ever wrapped or cut."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    is_terminal = sys.stdout.isatty()
    table = Table(box=None if not is_terminal else box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=not is_terminal)
    for row in rows:
        table.add_row(*(Text(harmless_lines(cell).replace("\n", "\\n")) for cell in row))
    console = Console(
        file=sys.stdout,
        width=None if is_terminal else _UNBOUNDED,
        no_color=not may_colour(sys.stdout),
        force_terminal=may_colour(sys.stdout),
        highlight=False,
        emoji=False,
    )
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        write(f"{line.rstrip()}\n")


_UNBOUNDED = 10_000


def yes_no(value: bool) -> str:
    """A truth value in a table."""
    return "yes" if value else "no"


def short_instant(moment: datetime | None) -> str:
    """A time in a table: UTC, to the second."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
