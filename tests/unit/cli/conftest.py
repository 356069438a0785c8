"""The console of each test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import pytest

from tests.unit.cli.console import Console


@contextmanager
def _console(folder: Path) -> Iterator[Console]:
    """A console in a folder that hashes at the least cost. No command may fail in a way that nobody foresaw."""
    salt = bcrypt.gensalt
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # The systems of the demo hash at a cost of 10: a second of each test.
        patch.setattr(bcrypt, "gensalt", lambda _cost: salt(4))
        for variable in ("PWSYNC_STATE_DIR", "PWSYNC_DATABASE", "PWSYNC_DEBUG"):
            patch.delenv(variable, raising=False)
        console = Console(folder)
        yield console
    assert "unexpected" not in console.transcript


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A console in an empty folder."""
    with _console(tmp_path) as console:
        yield console


@pytest.fixture
def quickstart(console: Console) -> Console:
    """A console with the manifests of the quickstart."""
    console.use_quickstart()
    return console


@pytest.fixture(scope="session")
def played_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where the quickstart was applied, and its systems made, by the demo; and a copy of what that left."""
    above = tmp_path_factory.mktemp("demo")
    folder, left = above / "folder", above / "left"
    folder.mkdir()
    with _console(folder) as console:
        console.use_quickstart()
        console.expect(0, "demo")
    shutil.copytree(folder, left)
    return folder, left


@pytest.fixture
def applied(played_demo: tuple[Path, Path]) -> Iterator[Console]:
    """A console with the quickstart as the demo has left it, always in the same place: the store has its paths."""
    folder, left = played_demo
    shutil.rmtree(folder)
    shutil.copytree(left, folder)
    with _console(folder) as console:
        yield console
