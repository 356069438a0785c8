"""The console of each test."""

from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from tests.unit.cli.console import Console


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A console in an empty folder that hashes at the least cost. No command may fail in a way that nobody foresaw."""
    monkeypatch.chdir(tmp_path)
    salt = bcrypt.gensalt
    # The systems of the demo hash at a cost of 10: a second of each test.
    monkeypatch.setattr(bcrypt, "gensalt", lambda _cost: salt(4))
    for variable in ("PWSYNC_STATE_DIR", "PWSYNC_DATABASE", "PWSYNC_DEBUG"):
        monkeypatch.delenv(variable, raising=False)
    console = Console(tmp_path)
    yield console
    assert "unexpected" not in console.transcript


@pytest.fixture
def quickstart(console: Console) -> Console:
    """A console with the manifests of the quickstart."""
    console.use_quickstart()
    return console


@pytest.fixture
def applied(quickstart: Console) -> Console:
    """A console with the quickstart applied, and its systems made, by the demo."""
    quickstart.expect(0, "demo")
    return quickstart
