"""The real chpasswd changes a password, and PAM calls our program: in a mount namespace with an /etc of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.fixtures import require_server
from tests.unit.capture.bench import CaptureBench

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.system
EXPOSES_SINCE = (1, 6)
"""The Linux-PAM whose pam_exec hands over the new password in the stack 'password'."""
_SCRIPT = """\
set -eu
cp -a /etc "$1/etc"
mount --bind "$1/etc" /etc
useradd --no-create-home pwsyncprobe
cat "$1/steps" >>/etc/pam.d/common-password
if chpasswd <"$1/input"; then echo changed; else echo failed; fi
"""


def test_a_change_with_chpasswd_is_captured_or_fails_aloud_where_pam_is_too_old(tmp_path: Path) -> None:
    require_server("unshare", "chpasswd", "useradd")
    if os.geteuid() != 0:
        message = "another /etc needs root and a mount namespace"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    bench = CaptureBench(tmp_path)
    (tmp_path / "token").write_text("t")
    settings = tmp_path / "capture.yaml"
    settings.write_text(
        "apiVersion: pwsync/v1\nkind: Capture\nmetadata: {name: host}\nspec:\n"
        "  servers: ['http://127.0.0.1:1']\n  tokenFile: token\n  keyFile: key\n  spool: spool\n  domain: CORP\n"
    )
    setup = ["capture", "setup", "pam", "--config", str(settings), "--program", str(tmp_path / "program")]
    steps = _run([sys.executable, "-m", "controller", *setup]).stdout
    (tmp_path / "steps").write_text(steps)
    (tmp_path / "input").write_text("pwsyncprobe:Geheim-2031-\u00df\n")

    done = _run(["unshare", "--mount", "sh", "-c", _SCRIPT, "sh", str(tmp_path)])

    assert "pwsyncprobe" not in Path("/etc/passwd").read_text()
    if _pam_version() >= EXPOSES_SINCE:
        assert done.stdout.split() == ["changed"], done.stderr
        assert bench.waiting() == [("pwsyncprobe", "Geheim-2031-\u00df")]
    else:
        assert done.stdout.split() == ["failed"], done.stderr
        assert bench.spool.count() == 0


def _pam_version() -> tuple[int, ...]:
    version = _run(["dpkg-query", "--show", "--showformat=${Version}", "libpam-modules"]).stdout
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
