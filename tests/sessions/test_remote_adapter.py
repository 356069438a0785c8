"""Sessions with remote adapters: the controller and the adapters of ``examples`` are processes of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.model.actor import Actor
from controller.runtime.settings import settings_of
from controller.runtime.wiring import open_installation
from tests.servers.fixtures import require_server
from tests.sessions.shell import Shell
from tests.sessions.test_run import call

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "adapters"
PASSWORD = "Sömething-New-77"
OLDEST_NODE = 18
MANIFEST = """\
apiVersion: pwsync/v1
kind: System
metadata: {name: default}
spec: {fromWindowsToAdapters: true, fromAdaptersToDatabase: true}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec:
  dnsName: corp.example.com
  sources: [{principal: dc1}]
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: host}
spec:
  syncToAdapter: true
  syncFromAdapter: true
  access: {users: [agent], receivers: [agent]}
  notifications: {retryDelay: 1s}
  connector: {type: remote}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: HOST}
spec: {adapter: host}
---
apiVersion: pwsync/v1
kind: Mapping
spec: {application: HOST, windowsAccount: 'CORP\\alice', externalAccount: ALICE1}
"""
GROUP = """\
apiVersion: pwsync/v1
kind: AdapterGroup
metadata: {name: mainframe}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: mainframe}
spec:
  access: {receivers: [agent]}
  connector: {type: remote}
"""
PROGRAMS = {
    "python": [sys.executable, str(EXAMPLES / "loopback" / "loopback.py")],
    "node": ["node", str(EXAMPLES / "node" / "adapter.mjs")],
}
in_each_language = pytest.mark.parametrize("language", PROGRAMS, indirect=True)


class Site:
    """A controller that runs, and a folder that is the system of its adapter ``host``."""

    def __init__(self, shell: Shell, process: subprocess.Popen[bytes], language: str) -> None:
        assert process.stdout is not None
        self.shell = shell
        self.process = process
        self.language = language
        self.url = process.stdout.readline().decode().split()[-1]
        with open_installation(settings_of(shell.folder / ".pwsync", environ={})) as installation:
            made = {
                n: installation.callers.create(n, valid_for=None, by=Actor("test"))[1].reveal()
                for n in ("dc1", "agent")
            }
        self.dc1 = made["dc1"]
        shell.write("agent.token", f"{made['agent']}\n")
        self.folder = shell.folder / "accounts"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "ALICE1").touch()

    def command(self, *words: str, name: str = "host") -> list[str]:
        """The command line of the adapter's program."""
        where = [self.url, name, str(self.shell.folder / "agent.token"), str(self.folder)]
        return [*PROGRAMS[self.language], words[0], *where, *words[1:]]

    @contextmanager
    def adapter(self, name: str = "host") -> Iterator[subprocess.Popen[bytes]]:
        """An adapter that runs until the end of the block."""
        environment = self.shell.environment()
        command = self.command("serve", name=name)
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def passwd(self, old: str, new: str) -> subprocess.CompletedProcess[str]:
        """Alice changes the password in the adapter's system."""
        command, typed = self.command("passwd", "ALICE1"), f"{old}\n{new}\n"
        environment = self.shell.environment()
        return subprocess.run(
            command, input=typed, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=60, check=False
        )

    def report(self, password: str) -> str:
        """Alice has a new Windows password."""
        body = {"account": "CORP\\alice", "password": password}
        status, answer = call(f"{self.url}/v1/domains/CORP/changes", self.dc1, body)
        assert status == 202
        tracking_id: str = answer["trackingId"]
        return tracking_id

    def change(self, tracking_id: str) -> Any:
        """What the API says of a change."""
        return call(f"{self.url}/v1/changes/{tracking_id}", self.dc1)[1]

    def hang(self) -> Path:
        """Let the adapter's system hang: whoever reads the account waits. Returns where its answer can be written."""
        account = self.folder / "ALICE1"
        account.unlink()
        os.mkfifo(account)
        return account

    def mend(self) -> None:
        """Let the system hang no longer."""
        (self.folder / "ALICE1").unlink()
        (self.folder / "ALICE1").touch()


def said(process: subprocess.Popen[bytes]) -> str:
    """The next line of an adapter."""
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def set_line(tracking_id: str, attempt: int = 1) -> str:
    """What an adapter says when it is handed a password."""
    return f"A password is to be set: tracking_id={tracking_id} account=ALICE1 attempt={attempt}"


def completed_line(tracking_id: str) -> str:
    """What an adapter says when the controller has taken its word."""
    return f"The notification is completed: tracking_id={tracking_id} error_code=0 state=confirmed"


def begun(process: subprocess.Popen[bytes], *, reconnected: bool = False) -> None:
    """The adapter has its session."""
    assert said(process).lower() == f"the session has begun: reconnected={str(reconnected).lower()}"


@pytest.fixture
def language(request: pytest.FixtureRequest) -> str:
    """The language of the example; Python unless a test is for each."""
    chosen: str = getattr(request, "param", "python")
    if chosen == "node":
        require_server("node")
        version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
            pytest.skip(f"Node.js {version.strip()} is older than {OLDEST_NODE}, the first one with fetch")
    return chosen


@pytest.fixture
def site(shell: Shell, language: str) -> Iterator[Site]:
    """A controller with the remote adapter ``host``."""
    shell.write("manifests/host.yaml", MANIFEST)
    with shell.started("run", "--listen", "127.0.0.1:0", "--log-format", "json") as process:
        yield Site(shell, process, language)


@in_each_language
def test_a_change_reaches_the_adapter_and_the_stored_credential_follows(site: Site) -> None:
    with site.adapter() as former:
        begun(former)
        with site.adapter() as adapter:
            begun(adapter, reconnected=True)
            assert former.wait(60) == 3, "the newer one is served; at once, although this one waits for a notification"
            assert former.stderr is not None
            assert "another session by now" in former.stderr.read().decode()
            tracking_id = _live_through_changes(site, adapter)
            adapter.send_signal(signal.SIGTERM)
            assert said(adapter) == "The session has ended: returned=0"
            assert adapter.wait(60) == 0
    result = site.shell.ended(site.process, by=signal.SIGTERM)
    assert result.code == 0
    assert site.shell.expect(0, "credentials", "show", "HOST", "ALICE1", "--reveal").out == "Her-Own-1234\n"
    timeline = site.shell.expect(0, "describe", "change", tracking_id).out
    assert "deliveryHandedOut" in timeline
    assert PASSWORD not in result.out + result.err + timeline


def _live_through_changes(site: Site, adapter: subprocess.Popen[bytes]) -> str:
    """A Windows change, one in the adapter's system, and one that the system refuses; returns the first one's ID."""
    tracking_id = site.report(PASSWORD)
    assert [said(adapter), said(adapter)] == [set_line(tracking_id), completed_line(tracking_id)]
    done = site.passwd(PASSWORD, "Her-Own-1234")
    assert (done.returncode, done.stderr) == (0, "")
    told = done.stdout.strip()
    lines = [said(adapter), said(adapter)]
    assert lines == [set_line(told), completed_line(told)], "so soon after a write of ours, the last one is made sure"
    refused = site.report("tiny")
    assert said(adapter) == set_line(refused)
    assert said(adapter).endswith("error_code=1 state=parked")
    assert site.change(refused)["deliveries"][0]["message"].endswith("shorter than 8 characters")
    return tracking_id


def test_what_a_killed_adapter_had_not_confirmed_comes_again(site: Site) -> None:
    site.hang()
    with site.adapter() as first:
        begun(first)
        tracking_id = site.report(PASSWORD)
        assert said(first) == set_line(tracking_id)
        first.kill()
    site.mend()
    with site.adapter() as second:
        begun(second, reconnected=True)
        assert [said(second), said(second)] == [set_line(tracking_id, 2), completed_line(tracking_id)]
    assert site.change(tracking_id)["state"] == "completed"


def test_an_adapter_that_is_told_to_end_finishes_what_it_has_begun(site: Site) -> None:
    account = site.hang()
    with site.adapter() as adapter:
        begun(adapter)
        tracking_id = site.report(PASSWORD)
        assert said(adapter) == set_line(tracking_id)
        adapter.send_signal(signal.SIGTERM)
        account.write_text("", encoding="ascii")  # the system answers at last
        assert said(adapter) == completed_line(tracking_id)
        assert said(adapter) == "The session has ended: returned=0"
        assert adapter.wait(60) == 0
    assert account.is_file()


@in_each_language
def test_an_adapter_outlives_its_controller(site: Site) -> None:
    with site.adapter() as adapter:
        begun(adapter)
        port = site.url.rpartition(":")[2]
        assert site.shell.ended(site.process, by=signal.SIGTERM).code == 0
        assert said(adapter).startswith("The adapter waits")
        with site.shell.started("run", "--listen", f"127.0.0.1:{port}", "--log-format", "json") as again:
            tracking_id = Site(site.shell, again, site.language).report(PASSWORD)
            line = said(adapter)
            while line.startswith("The adapter waits"):
                line = said(adapter)
            assert [line, said(adapter)] == [set_line(tracking_id), completed_line(tracking_id)]


@in_each_language
def test_wrong_arguments_are_named_before_anything_is_asked(language: str, tmp_path: Path) -> None:
    missing = tmp_path / "accounts"
    for words, complaint in (
        ((), "usage: "),
        (("serve", "http://127.0.0.1:1", "host", "agent.token", str(missing)), f"there is no folder {missing}"),
    ):
        done = subprocess.run([*PROGRAMS[language], *words], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert complaint in done.stderr


@pytest.mark.parametrize("language", ["node"], indirect=True)
def test_a_waiting_group_adapter_is_told_of_what_is_applied_elsewhere(site: Site) -> None:
    def apply(host: str) -> None:
        """Of other files than the controller watches: it would come first now and then."""
        site.shell.write("elsewhere/host.yaml", host)
        site.shell.expect(0, "apply", "elsewhere", "--yes")

    site.shell.write("elsewhere/group.yaml", GROUP)
    apply(MANIFEST)
    with site.adapter("mainframe") as adapter:
        begun(adapter)
        assert said(adapter) == "The adapters in the group are:"
        apply(MANIFEST.replace("  syncToAdapter", "  group: mainframe\n  syncToAdapter"))
        assert said(adapter) == "An adapter was added to the group: host"
        apply(MANIFEST)
        assert said(adapter) == "An adapter was deleted from the group: host"
