"""Sessions on a terminal: questions, passwords without echo, colours, interrupts, closed pipes."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from tests.sessions.shell import PATIENCE, Shell


class Terminal:
    """A pseudo terminal on which one command runs."""

    def __init__(self, shell: Shell, arguments: Sequence[str]) -> None:
        self.seen = ""
        self._main, side = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "controller", *arguments],
            cwd=shell.folder,
            env=shell.environment(),
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
        )
        os.close(side)

    def expect(self, words: str) -> None:
        """Read until *words* have appeared."""
        while words not in self.seen:
            chunk = os.read(self._main, 4096)
            assert chunk, self.seen
            self.seen += chunk.decode()

    def type(self, text: str) -> None:
        """Type."""
        os.write(self._main, text.encode())

    def end(self) -> int:
        """Read to the end; returns the exit code."""
        with suppress(OSError):  # EIO: the other side is closed (Linux)
            while chunk := os.read(self._main, 4096):
                self.seen += chunk.decode()
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE)
        os.close(self._main)


@contextmanager
def terminal(shell: Shell, *arguments: str) -> Iterator[Terminal]:
    """Run a command on a terminal."""
    opened = Terminal(shell, arguments)
    try:
        yield opened
    finally:
        shell.transcript += opened.seen
        opened.close()


@pytest.mark.parametrize(("answer", "code", "words"), [("y\n", 0, "14 created"), ("\n", 1, "Nothing was applied.")])
def test_apply_asks_and_does_what_is_answered(quickstart: Shell, answer: str, code: int, words: str) -> None:
    with terminal(quickstart, "apply") as typed:
        typed.expect("Apply this plan? [y/N] ")
        typed.type(answer)
        assert typed.end() == code
        assert words in typed.seen


def test_a_plan_has_colours_on_a_terminal_unless_they_are_not_wanted(quickstart: Shell) -> None:
    with terminal(quickstart, "plan") as typed:
        assert typed.end() == 0
        assert "\x1b[32m" in typed.seen
    quickstart.variables["NO_COLOR"] = "1"
    with terminal(quickstart, "plan") as typed:
        assert typed.end() == 0
        assert "\x1b[" not in typed.seen
    assert "\x1b[" not in quickstart.expect(0, "plan").out


def test_a_password_is_asked_for_twice_and_never_echoed(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    with terminal(quickstart, "change", "windows", "CORP\\alice", "--wait") as typed:
        typed.expect("New password: ")
        typed.type("Geheim-1234\n")
        typed.expect("The same again: ")
        typed.type("Geheim-1234\n")
        assert typed.end() == 0
        assert "The change is completed." in typed.seen
    with terminal(quickstart, "change", "windows", "CORP\\alice") as typed:
        typed.expect("New password: ")
        typed.type("Geheim-1234\n")
        typed.expect("The same again: ")
        typed.type("Geheim-1235\n")
        assert typed.end() == 1
        assert "the two passwords differ" in typed.seen
    assert "Geheim" not in quickstart.transcript


def test_control_c_ends_a_command_with_130(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    with quickstart.started("change", "windows", "CORP\\alice", "--wait", "--timeout", "1h") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"Some-Password-1\n")
        process.stdin.flush()
        process.stdout.readline()  # the tracking ID: the change is durable, and cannot arrive
        assert quickstart.ended(process, by=signal.SIGINT).code == 130


def test_a_reader_that_goes_away_is_no_error(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    with quickstart.started("get", "mappings", "-o", "json") as process:
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=PATIENCE)
    assert err == b""
