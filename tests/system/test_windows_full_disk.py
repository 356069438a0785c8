"""The password filter for domain controllers, when the disk of its spool is full: a small one, mounted for it alone.

Wine's server opens the files, so it must see that disk too: it is started anew, and ended afterwards. No other test of
this file may have a process of Wine.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.sealing.capture import CaptureKey
from controller.sealing.keyring import Keyring
from tests.servers.fixtures import require_server
from tests.servers.lsass import build_lsass, running_lsass
from tests.servers.windows import Windows

pytestmark = pytest.mark.windows

PASSWORD = "Ünbreakable-\U0001f511-8421"
ERROR_DISK_FULL = 112
SMALL_DISK = 'mount -t tmpfs -o size=64k tmpfs "$1" && shift && exec "$@"'


def test_a_full_disk_costs_changes_but_nothing_else(windows: Windows, tmp_path: Path) -> None:
    require_server("unshare")
    if os.geteuid() != 0:
        message = "a small disk of its own needs root"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    key = str(CaptureKey.of(Keyring.generate(datetime.now(UTC)).newest))
    build_lsass(windows)
    windows.stop()
    try:
        prefix = ["unshare", "--mount", "sh", "-c", SMALL_DISK, "sh", str(tmp_path)]
        with running_lsass(windows, prefix) as lsass:
            lsass.set_anew(Domain="CORP", Key=key, Spool=windows.path(tmp_path), MinFreeMiB=0)
            for _ in range(30):
                lsass.change("alice", PASSWORD)
            counted = lsass.misses()
            assert (counted.error, counted.reason) == (ERROR_DISK_FULL, "diskFull")
            assert 0 < counted.total < 30
            assert lsass.order("empty", windows.path(tmp_path)) == str(30 - counted.total)
            lsass.change("alice", PASSWORD)
            assert lsass.misses() == counted
            assert lsass.order("empty", windows.path(tmp_path)) == "1"
    finally:
        windows.stop()
