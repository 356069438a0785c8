"""A working folder in which tests type commands that run inside the test's own process."""

import io
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.cli.main import execute

QUICKSTART = Path(__file__).parents[3] / "manifests"


@dataclass(frozen=True)
class Result:
    """What one command did."""

    code: int
    out: str
    err: str


@dataclass
class Console:
    """Types commands in *folder*; nothing is ever typed on a terminal.

    Attributes:
        transcript: Everything that any command has printed.
    """

    folder: Path
    transcript: str = ""

    def pwsync(self, *arguments: str, stdin: str | bytes | None = b"") -> Result:
        """Run a command; *stdin* None is a closed one."""
        typed = stdin.encode() if isinstance(stdin, str) else stdin
        with _streams(typed) as (out, err):
            code = execute(arguments)
            sys.stdout.flush()
            sys.stderr.flush()
            result = Result(code, out.getvalue().decode(), err.getvalue().decode())
        self.transcript += result.out + result.err
        return result

    def expect(self, code: int, *arguments: str, stdin: str | bytes | None = b"") -> Result:
        """Run a command that must end with *code*."""
        result = self.pwsync(*arguments, stdin=stdin)
        assert result.code == code, f"{arguments}: {result}"
        return result

    def use_quickstart(self) -> None:
        """Copy the manifests of the quickstart into the folder."""
        shutil.copytree(QUICKSTART, self.folder / "manifests")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def alter_store(self, statement: str) -> None:
        """Change the store by hand, as nobody should."""
        with closing(sqlite3.connect(self.folder / ".pwsync" / "pwsync.db")) as connection, connection:
            connection.execute(statement)


@contextmanager
def _streams(typed: bytes | None) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    out, err = io.BytesIO(), io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        stdin = None if typed is None else io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8")
        patch.setattr(sys, "stdin", stdin)
        patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8"))
        patch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding="utf-8"))
        yield out, err
