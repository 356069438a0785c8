"""The command ``pwsync`` of the tests of a process: a small script that starts warm."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warm import client, server


@pytest.fixture(scope="session")
def warm_pwsync() -> Iterator[Path]:
    """The program ``pwsync`` for tests that type many commands, alone in its folder."""
    with tempfile.TemporaryDirectory() as name:  # a path short enough for the address of a socket
        folder = Path(name)
        address = folder / "socket"
        program = folder / "bin" / "pwsync"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{client.__file__}" "{address}" "$@"\n')
        program.chmod(0o755)
        command = [sys.executable, "-m", server.__name__, str(address)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield program
            process.stdin.close()
