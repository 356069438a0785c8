"""What unit tests of several layers need."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.compiled_once import statements_compiled_once
from tests.doubles.schema_copy import schemas_by_copy

__all__ = ["schemas_by_copy", "statements_compiled_once"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine can enter; those of ``tmp_path`` are for their owner alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
