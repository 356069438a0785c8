"""What holds for all tests: unit tests open no socket to a host; tests in ``system`` carry that mark."""

from pathlib import Path

import pytest
from pytest_socket import disable_socket

pytest_plugins = ["tests.servers.fixtures"]

_HERE = Path(__file__).parent


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Unit tests may use pairs of Unix sockets (event loops do), and nothing that leaves the process."""
    if _HERE / "unit" in item.path.parents:
        disable_socket(allow_unix_socket=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a real server."""
    for item in items:
        if _HERE / "system" in item.path.parents:
            item.add_marker(pytest.mark.system)
