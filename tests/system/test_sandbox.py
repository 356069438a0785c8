"""The sandbox of examples/samba-ad-openldap starts, its README does what it shows, and nothing is left behind."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documentation.pages import ROOT, fits, steps
from tests.documentation.shell import Shell, environment_for
from tests.servers.fixtures import require_server
from tests.servers.processes import free_port
from tests.servers.samba import LOCK_IS_HELD, SambaServer

pytestmark = pytest.mark.samba
EXAMPLE = ROOT / "examples" / "samba-ad-openldap"
READY = "Ctrl-C here"


@pytest.fixture
def sandbox(samba: SambaServer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the example whose sandbox runs. The ports are fixed, so the tests' own domain controller makes room."""
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.pem", "sandbox.sh", "__pycache__"))
    temporary = tmp_path_factory.mktemp("s")  # short: Samba's sockets stand below it
    before = sorted(folder.rglob("*"))
    samba.process.stop()
    process = subprocess.Popen(
        [sys.executable, str(folder / "sandbox.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, LOCK_IS_HELD: "yes", "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if READY in line:
                break
        assert any(READY in line for line in printed), "".join(printed)
        yield folder
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, process.stdout.read()
        assert sorted(folder.rglob("*")) == before
        assert list(temporary.iterdir()) == []
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        if process.stdout is not None:
            process.stdout.close()
        samba.process.start()


@pytest.mark.timeout(420)
def test_the_readme_of_the_example_does_what_it_shows(sandbox: Path, warm_pwsync: Path) -> None:
    require_server("bash", "curl", "ldapwhoami", "iconv")
    port = free_port()
    with Shell(sandbox, environment_for(warm_pwsync, Path(sys.executable))) as shell:
        for step in steps(EXAMPLE / "README.md"):
            printed, code = shell.run(step.command.replace(":8080", f":{port}"))
            shown = "\n".join(step.expected)
            assert code == step.code, f"{step.place}: {step.command}: exit code {code}\n{printed}"
            assert fits(step.expected, printed), f"{step.place}: {step.command}\n{printed}\n--- shown:\n{shown}"
