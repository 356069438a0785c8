"""A working folder in which tests type commands, each a process of its own; what they print is kept."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

QUICKSTART = Path(__file__).parents[2] / "manifests"
COST = "cost: 10"
PATIENCE = 60


@dataclass(frozen=True)
class Result:
    """What one command did."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Types commands in *folder*.

    Attributes:
        program: What starts a command that runs to its end; a started one is started as users start it.
        transcript: Everything that any command has printed.
    """

    folder: Path
    program: Path
    transcript: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def pwsync(self, *arguments: str, stdin: str | bytes = b"") -> Result:
        """Run a command to its end."""
        typed = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            env=self.environment(),
            input=typed,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return self._kept(done.returncode, done.stdout, done.stderr)

    def bash(self, script: str) -> Result:
        """Run a script in which ``pwsync`` is a command, to its end or its first error."""
        environment = self.environment()
        environment["PATH"] = f"{self.program.parent}{os.pathsep}{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return self._kept(done.returncode, done.stdout, done.stderr)

    def expect(self, code: int, *arguments: str, stdin: str | bytes = b"") -> Result:
        """Run a command that must end with *code*."""
        result = self.pwsync(*arguments, stdin=stdin)
        assert result.code == code, f"{arguments}: {result}"
        assert "Traceback" not in result.err
        return result

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command while a block of the test runs; it is killed at the end if it still runs."""
        process = subprocess.Popen(
            [sys.executable, "-m", "controller", *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            self.ended(process)

    def ended(self, process: subprocess.Popen[bytes], *, by: signal.Signals | None = None) -> Result:
        """Send a signal to a started command, wait for its end, and keep what it printed."""
        if by is not None:
            process.send_signal(by)
        if process.stdout is None or process.stdout.closed:
            return Result(process.returncode, "", "")
        out, err = process.communicate(timeout=PATIENCE)
        return self._kept(process.returncode, out, err)

    def environment(self) -> dict[str, str]:
        """The environment of the commands: without this process's settings."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PWSYNC_", "COV_", "PYTHONDONTWRITE"))}
        return kept | {"TERM": "xterm"} | self.variables

    def use_quickstart(self) -> None:
        """Copy the manifests of the quickstart into the folder."""
        copy_quickstart(self.folder / "manifests")

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

    def _kept(self, code: int, out: bytes, err: bytes) -> Result:
        result = Result(code, out.decode(), err.decode())
        self.transcript += result.out + result.err
        return result


def copy_quickstart(folder: Path) -> None:
    """Copy the manifests of the quickstart, with the least cost of bcrypt: each step doubles the time."""
    shutil.copytree(QUICKSTART, folder)
    costly = [path for path in folder.glob("*.yaml") if COST in path.read_text(encoding="utf-8")]
    assert costly
    for path in costly:
        path.write_text(path.read_text(encoding="utf-8").replace(COST, "cost: 4 "), encoding="utf-8")
