"""Sessions with remote adapters: the controller and the adapters are processes of their own."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.shell import Shell
from tests.sessions.test_run import call

ROOT = Path(__file__).parents[2]
PASSWORD = "Sömething-New-77"
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


class Site:
    """A controller that runs, and a folder for its adapters."""

    def __init__(self, shell: Shell, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self.shell = shell
        self.process = process
        self.url = process.stdout.readline().decode().split()[-1]
        self.dc1 = shell.expect(0, "token", "create", "dc1").out.strip()
        shell.write("agent.token", shell.expect(0, "token", "create", "agent").out)
        self.passwords = shell.folder / "passwords"

    @contextmanager
    def adapter(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """An adapter that runs until the end of the block."""
        arguments = [self.url, "host", str(self.shell.folder / "agent.token"), str(self.passwords), *options]
        command = [sys.executable, "-m", "tests.sessions.loopback_adapter", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=self.shell.environment()) as process:
            try:
                yield process
            finally:
                process.kill()

    def report(self, password: str) -> str:
        """Alice has a new password."""
        body = {"account": "CORP\\alice", "password": password}
        status, answer = call(f"{self.url}/v1/domains/CORP/changes", self.dc1, body)
        assert status == 202
        tracking_id: str = answer["trackingId"]
        return tracking_id

    def change(self, tracking_id: str) -> Any:
        """What the API says of a change."""
        return call(f"{self.url}/v1/changes/{tracking_id}", self.dc1)[1]


def said(process: subprocess.Popen[bytes]) -> list[str]:
    """The next line of an adapter."""
    assert process.stdout is not None
    return process.stdout.readline().decode().split()


@pytest.fixture
def site(shell: Shell) -> Iterator[Site]:
    """A controller with the remote adapter ``host``."""
    shell.write("manifests/host.yaml", MANIFEST)
    with shell.started("run", "--listen", "127.0.0.1:0", "--log-format", "json") as process:
        yield Site(shell, process)


def test_a_change_reaches_the_adapter_and_the_stored_credential_follows(site: Site) -> None:
    with site.adapter() as adapter:
        assert said(adapter) == ["connected"]
        tracking_id = site.report(PASSWORD)
        assert said(adapter) == ["received", tracking_id, "1", "False"]
        assert said(adapter) == ["completed", "confirmed"]
        result = site.shell.ended(site.process, by=signal.SIGTERM)
        assert said(adapter) == ["shutdown"], "a waiting adapter is told that the controller stops"
        assert adapter.wait(60) == 0
    assert site.passwords.read_text(encoding="utf-8") == f"ALICE1 {PASSWORD}\n"
    assert site.shell.expect(0, "credentials", "show", "HOST", "ALICE1", "--reveal").out == f"{PASSWORD}\n"
    assert result.code == 0
    timeline = site.shell.expect(0, "describe", "change", tracking_id).out
    assert "deliveryHandedOut" in timeline
    assert PASSWORD not in result.out + result.err + timeline


def test_what_a_killed_adapter_had_not_confirmed_comes_again(site: Site) -> None:
    with site.adapter("--hold") as first:
        assert said(first) == ["connected"]
        tracking_id = site.report(PASSWORD)
        assert said(first) == ["received", tracking_id, "1", "False"]
        first.kill()
    with site.adapter() as second:
        assert said(second) == ["reconnected"]
        assert said(second) == ["received", tracking_id, "2", "True"]
        assert said(second) == ["completed", "confirmed"]
    assert site.change(tracking_id)["state"] == "completed"


def test_what_an_adapter_leaves_when_it_shuts_down_comes_again(site: Site) -> None:
    with site.adapter("--hold", "--once") as first:
        assert said(first) == ["connected"]
        tracking_id = site.report(PASSWORD)
        assert said(first)[:2] == ["received", tracking_id]
        assert said(first) == ["returned", "1"]
        assert first.wait(60) == 0
    with site.adapter() as second:
        assert said(second) == ["connected"]
        assert said(second) == ["received", tracking_id, "2", "True"]


def test_of_two_processes_of_an_adapter_the_newer_one_is_served(site: Site) -> None:
    with site.adapter() as first:
        assert said(first) == ["connected"]
        with site.adapter() as second:
            assert said(second) == ["reconnected"]
            assert said(first) == ["wrongSession"], "at once, although it waits for a notification"
            assert first.wait(60) == 3
            tracking_id = site.report(PASSWORD)
            assert said(second)[:2] == ["received", tracking_id]
            assert said(second) == ["completed", "confirmed"]


def test_a_session_outlives_the_controller(site: Site) -> None:
    with site.adapter("--hold") as adapter:
        assert said(adapter) == ["connected"]
        tracking_id = site.report(PASSWORD)
        assert said(adapter)[:2] == ["received", tracking_id]
        site.process.kill()
    site.shell.ended(site.process)
    with site.shell.started("run", "--listen", "127.0.0.1:0", "--log-format", "json") as again:
        site = Site(site.shell, again)
        with site.adapter() as adapter:
            assert said(adapter) == ["reconnected"]
            assert said(adapter) == ["received", tracking_id, "2", "True"]
            assert said(adapter) == ["completed", "confirmed"]
