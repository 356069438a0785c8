"""Runs the commands of a page, one after another, in one shell, as a reader does."""

import os
import secrets
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

PATIENCE = 120.0


class Shell:
    """A shell that keeps its variables and background jobs between commands. Use it as a context manager."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._marker = f"end-{secrets.token_hex(8)}"
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, command: str) -> tuple[str, int]:
        """Run one command line; returns what it printed, standard error included, and its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        script = f"{command}\n__code=$?; printf '%s %s\\n' {self._marker} $__code; (exit $__code)\n"
        self._process.stdin.write(script.encode())
        self._process.stdin.flush()
        printed = bytearray()
        for line in self._process.stdout:
            before, marker, after = line.partition(self._marker.encode())
            printed += before
            if marker:
                return printed.decode(), int(after)
        raise AssertionError(f"the shell ended in: {command}\n{printed.decode()}")

    def close(self) -> None:
        """End the shell and everything that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


def environment_for(pwsync: Path, python: Path) -> dict[str, str]:
    """What a reader's shell has besides the usual: both programs, by the names of their files."""
    path = os.pathsep.join([str(pwsync.parent), str(python.parent), os.environ.get("PATH", os.defpath)])
    return {"PATH": path, "NO_COLOR": "1", "PWSYNC_STATE_DIR": "", "PWSYNC_DATABASE": ""}
