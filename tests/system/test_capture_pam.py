"""The real passwd and chpasswd change a password, and PAM calls our program: on a host with an /etc of its own."""

import sys
from pathlib import Path

import pytest

from controller.capture.pam import take_pam
from controller.model.errors import InvalidInput
from tests.servers.capture import forwarding, write_settings
from tests.servers.pam import USER, Host
from tests.system.controller_process import ControllerProcess, controller_process
from tests.unit.capture.bench import NOW, CaptureBench

pytestmark = pytest.mark.system
MANIFEST = f"""\
apiVersion: pwsync/v1
kind: System
metadata: {{name: default}}
spec: {{fromAdaptersToDatabase: true}}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {{name: CORP}}
spec: {{dnsName: corp.example.com}}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {{name: hosts}}
spec: {{syncFromAdapter: true, verifyOldPassword: false, access: {{users: [host]}}, connector: {{type: remote}}}}
---
apiVersion: pwsync/v1
kind: Application
metadata: {{name: HOSTS}}
spec: {{adapter: hosts}}
---
apiVersion: pwsync/v1
kind: Mapping
metadata: {{name: probe}}
spec: {{application: HOSTS, windowsAccount: 'CORP\\{USER}', externalAccount: {USER}}}
"""


def test_what_a_user_changes_with_passwd_and_root_with_chpasswd_reaches_the_controller(
    tmp_path: Path, warm_pwsync: Path
) -> None:
    folder = tmp_path / "host"
    folder.mkdir()
    (tmp_path / "manifests.yaml").write_text(MANIFEST)
    with controller_process(tmp_path, tmp_path / "manifests.yaml", {}, warm=warm_pwsync) as controller:
        controller.command("apply", str(controller.manifests), "--yes")
        controller.make_token("host")
        controller.start()
        settings, host = prepared(folder, controller)

        code, shown = host.passwd(host.initial, "Geheim-2031-user", "Geheim-2031-user")
        assert (code, "updated successfully" in shown) == (0, True), shown
        assert "Geheim" not in shown
        assert len(list((folder / "spool").glob("*.change"))) == 1
        assert host.passwd("not-the-password")[0] != 0
        assert host.chpasswd("Geheim-2032-\u00df") == 0
        assert len(list((folder / "spool").glob("*.change"))) == 2
        with forwarding(settings):
            controller.wait_for(lambda: stored(controller) == "Geheim-2032-\u00df", "the change to arrive")
        assert controller.stop() == 0
    assert USER not in Path("/etc/passwd").read_text()


def prepared(folder: Path, controller: ControllerProcess) -> tuple[Path, Host]:
    """The settings, and a host whose PAM calls the program that ``setup`` has written."""
    url = f"http://127.0.0.1:{controller.port}"
    settings = write_settings(
        folder, controller.command, url=url, token=controller.tokens["host"], more="adapter: hosts"
    )
    program = folder / "program"
    steps = controller.command("capture", "setup", "pam", "--config", str(settings), "--program", str(program))
    assert sys.executable in program.read_text()
    return settings, Host(folder, steps)


def stored(controller: ControllerProcess) -> str:
    """The credential of the user, as the database has it."""
    return controller.command("credentials", "show", "HOSTS", USER, "--reveal", expected=None).rstrip("\n")


def test_a_pam_that_is_too_old_is_told_and_nothing_is_taken(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path)

    with pytest.raises(InvalidInput, match="no new password") as found:
        take_pam(bench.capture, {"PAM_USER": USER, "PAM_TYPE": "password"}, b"", NOW)

    assert "1.6.0" in found.value.hint
    assert bench.spool.count() == 0
