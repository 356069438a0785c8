"""The forwarder as a service of Windows under Wine, and the whole way: from the password filter to a target."""

import os
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.leaks import Leaks
from tests.servers.forwarder import SETTINGS, Answerer, ForwarderProcess, forwarder
from tests.servers.lsass import build_lsass, running_lsass
from tests.servers.windows import Value, Windows
from tests.system.controller_process import controller_process
from tests.system.staff import declare_staff, has_in_htpasswd

pytestmark = pytest.mark.windows
SPOOL = r"C:\ProgramData\pwsync\spool"
SERVICE = r"HKLM\SYSTEM\CurrentControlSet\Services\pwsync-forwarder"


@pytest.fixture(autouse=True, scope="module")
def awake(windows: Windows) -> Iterator[None]:
    with windows.awake():
        yield


@pytest.fixture
def dc(windows: Windows, tmp_path: Path) -> Iterator[ForwarderProcess]:
    with forwarder(windows, tmp_path) as made:
        yield made


def test_the_service_is_installed_started_stopped_and_removed(dc: ForwarderProcess) -> None:
    windows, controller = dc.windows, Answerer()
    dc.configure(controller.url, Spool=SPOOL)
    told = (0, "The service is there. Start it: sc start pwsync-forwarder\n")
    assert dc.tell("install") == told
    assert dc.tell("install") == told
    made = windows.run("reg", "query", SERVICE)
    assert re.search(r"ObjectName +REG_SZ +NT SERVICE\\pwsync-forwarder\n", made)
    assert re.search(r'ImagePath +REG_SZ +".*\\pwsync-forwarder.exe" service\n', made)
    folder = windows.drive_c / "ProgramData/pwsync/spool"
    assert folder.stat().st_mode & 0o007 == 0  # Wine maps rights to those of Unix as well as it can

    with controller.listening():
        windows.run("net", "start", "pwsync-forwarder")
        dc.put("alice", 1)
        (dc.spool / f"{1:020d}.change").rename(folder / f"{1:020d}.change")
        dc.wait_for(lambda: controller.accounts == ["alice"], "the service to send")
        windows.run("net", "stop", "pwsync-forwarder")
    assert not dc.status()["forwarding"]
    log = (folder / "forwarder.log").read_text()
    assert "INFO A change was handed over: account=CORP\\alice tracking_id=t-1\n" in log
    assert log.endswith("INFO The forwarder has stopped\n")

    windows.run("net", "start", "pwsync-forwarder")
    assert dc.tell("uninstall") == (0, "The service is removed. Spool, settings and token are left as they are.\n")
    assert not dc.status()["forwarding"]
    assert folder.is_dir()
    assert dc.tell("uninstall")[0] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_token_file_that_is_missing_or_of_somebody_else_is_refused(dc: ForwarderProcess) -> None:
    dc.configure(Answerer().url, Spool=SPOOL)
    token, nobody = dc.folder / "token", 65534
    os.chown(token, nobody, nobody)
    code, told = dc.tell("install")
    assert (code, told.partition(",")[0]) == (1, "error: the token file belongs to somebody else")
    token.unlink()
    assert dc.tell("install") == (1, "error: the token file cannot be found: error 2 of Windows\n")


def test_changes_that_were_not_captured_are_an_alarm_until_somebody_knows(dc: ForwarderProcess) -> None:
    dc.configure(Answerer().url, MetricsFile=dc.windows.path(dc.folder / "pwsync.prom"))
    missed: dict[str, Value] = {
        "Count": 2,
        "Error": 112,
        "Reason": "diskFull",
        "At": "2026-11-28T22:10:30.123456+00:00",
    }
    dc.windows.set_values(rf"{SETTINGS}\Misses", missed)
    dc.start()
    dc.wait_for_log("Changes were not captured: count=2 at=2026-11-28T22:10:30.123456+00:00 reason=diskFull error=112")
    (alarm,) = dc.status()["alarms"]
    assert alarm.startswith(
        "2 changes were not captured, the last at 2026-11-28T22:10:30.123456+00:00 (diskFull, error 112)"
    )
    assert "pwsync_capture_missed_total 2\n" in (dc.folder / "pwsync.prom").read_text()
    assert dc.tell("acknowledge") == (0, "")
    known = dc.status()
    assert (known["alarms"], known["notCaptured"]) == ([], 2)


def test_its_version_is_that_of_the_controller_and_other_words_are_explained(dc: ForwarderProcess) -> None:
    assert dc.tell("version") == (0, f"pwsync-forwarder {version('pwsync')}\n")
    code, told = dc.tell("statuses")
    assert (code, told.splitlines()[0]) == (2, "usage: pwsync-forwarder COMMAND")


def test_a_change_goes_all_the_way_from_the_password_filter_to_a_target(
    dc: ForwarderProcess, warm_pwsync: Path
) -> None:
    leaks = Leaks()
    first, last = leaks.password(), leaks.password("\u00df\U0001f511")
    manifests = dc.folder / "manifests"
    declare_staff(manifests, 1)
    build_lsass(dc.windows)
    with (
        controller_process(dc.folder, manifests, {}, warm=warm_pwsync) as controller,
        running_lsass(dc.windows) as lsass,
    ):
        controller.command("apply", str(manifests), "--yes")
        controller.make_token("dc1")
        key = controller.command("secret", "capture-key").strip()
        dc.configure(f"http://127.0.0.1:{controller.port}", Key=key)
        (dc.folder / "token").write_text(controller.tokens["dc1"])
        dc.start()
        lsass.change("User0", first)
        dc.wait_for_log("Captured changes wait")
        lsass.change("USER0", last)
        assert lsass.misses().total == 0

        controller.start()
        dc.wait_until_sent()
        dc.wait_for(lambda: _has(manifests, last), "the target to have the password")
        dc.wait_for_log("account=CORP\\User0 tracking_id=", "account=CORP\\USER0 tracking_id=")
        assert dc.status()["sent"] == 2
        assert dc.stop() == 0
        assert controller.stop() == 0
    (dc.folder / "token").unlink()
    assert leaks.in_files(dc.folder) == []


def _has(manifests: Path, password: str) -> bool:
    never_written = "user0:x\n"
    return (manifests / "staff.htpasswd").read_text() != never_written and has_in_htpasswd(manifests, "user0", password)
