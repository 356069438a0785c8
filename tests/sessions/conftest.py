"""The shell of each session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sessions.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, warm_pwsync: Path) -> Iterator[Shell]:
    """A shell in an empty folder. No command of any session may fail with a traceback."""
    shell = Shell(tmp_path, warm_pwsync)
    yield shell
    assert "Traceback" not in shell.transcript
    assert "unexpected" not in shell.transcript


@pytest.fixture
def quickstart(shell: Shell) -> Shell:
    """A shell with the manifests of the quickstart."""
    shell.use_quickstart()
    return shell
