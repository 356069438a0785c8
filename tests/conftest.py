"""What holds for all tests: unit tests open no socket to a host; tests in ``system`` carry that mark."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import disable_socket

from tests.leaks import made_passwords_below

pytest_plugins = ["tests.doubles.recorded_events", "tests.servers.fixtures", "tests.warm.fixtures"]

_HERE = Path(__file__).parent


def pytest_configure() -> None:
    """Collect garbage seldom, and let commands be interrupted, also where the tests run in the background."""
    gc.set_threshold(50_000, 20, 20)  # as the commands do: a sixth of the time of all tests
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Unit tests may use pairs of Unix sockets (event loops do), and nothing that leaves the process."""
    if _HERE / "unit" in item.path.parents:
        disable_socket(allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def _no_password_in_any_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end, look for every password of the run in every file that it wrote: databases, logs, states."""
    yield
    leaks = made_passwords_below(tmp_path_factory.getbasetemp())
    if leaks:
        pytest.fail("passwords in clear:\n" + "\n".join(leaks))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a real server, and see that all tests say so of which only one is to run at a time."""
    for item in items:
        is_system = _HERE / "system" in item.path.parents
        if is_system or _HERE / "contracts" in item.path.parents:
            for server in {"samba", "windows"}.intersection(getattr(item, "fixturenames", ())):
                if item.get_closest_marker(server) is None:
                    raise pytest.UsageError(f"{item.nodeid} uses the fixture {server} without the mark of that name")
        if is_system:
            item.add_marker(pytest.mark.system)
