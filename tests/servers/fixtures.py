"""Fixtures of real servers, started when the first test asks, and shared by the tests of one process."""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.ds389 import Ds389Server, running_ds389
from tests.servers.proxy import Relay
from tests.servers.samba import SambaServer, running_samba
from tests.servers.slapd import SlapdServer, running_slapd
from tests.servers.windows import COMPILER, Windows, running_windows, wine

_numbers = itertools.count(1)


def require_server(*binaries: str) -> None:
    """Skip the test when a server is not installed; in CI (environment variable ``CI``) fail instead."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    missing = [binary for binary in binaries if shutil.which(binary, path=search) is None]
    if not missing:
        os.environ["PATH"] = search
        return
    message = f"not installed: {', '.join(missing)} (tests/servers/install installs them)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def fresh_name() -> Callable[[str], str]:
    """Makes account names that no other test has."""
    return lambda prefix: f"{prefix}{os.getpid()}n{next(_numbers)}"


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapdServer]:
    """An OpenLDAP server for tests that leave it running and its policy as it is."""
    require_server("slapd", "ldapsearch")
    with running_slapd(tmp_path_factory.mktemp("slapd")) as server:
        yield server


@pytest.fixture
def own_slapd(tmp_path: Path) -> Iterator[SlapdServer]:
    """An OpenLDAP server of the test's own, which it may pause, stop and configure."""
    require_server("slapd", "ldapsearch")
    folder = tmp_path / "slapd"
    folder.mkdir()
    with running_slapd(folder) as server:
        yield server


@pytest.fixture(scope="session")
def ds389(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ds389Server]:
    """A 389 Directory Server for tests that leave it running and its policy as it is."""
    require_server("ns-slapd", "ldapsearch", "certutil", "pk12util")
    with running_ds389(tmp_path_factory.mktemp("ds389")) as server:
        yield server


@pytest.fixture
def ds389_relay(ds389: Ds389Server) -> Iterator[Relay]:
    """A relay in front of its LDAPS port."""
    with closing(Relay(int(ds389.ldaps_url.rpartition(":")[2]))) as relay:
        yield relay


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SambaServer]:
    """A Samba domain controller. Tests that use it carry ``pytest.mark.samba``."""
    require_server("samba", "samba-tool", "ldapsearch")
    if os.geteuid() != 0:
        message = "a domain controller needs root for its ports and file attributes"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with running_samba(tmp_path_factory.mktemp("samba")) as server:
        yield server


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """An installation of Wine, with what the programs for domain controllers are when built."""
    require_server(COMPILER, wine() or "wine64")
    with running_windows(tmp_path_factory.mktemp("windows")) as installation:
        yield installation


@pytest.fixture
def slapd_relay(slapd: SlapdServer) -> Iterator[Relay]:
    """A relay in front of slapd's LDAPS port."""
    with closing(Relay(int(slapd.ldaps_url.rpartition(":")[2]))) as relay:
        yield relay


@pytest.fixture
def samba_relay(samba: SambaServer) -> Iterator[Relay]:
    """A relay in front of the domain controller's LDAPS port."""
    with closing(Relay(samba.ldaps_port)) as relay:
        yield relay
