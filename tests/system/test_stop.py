"""SIGTERM: new work is turned away, what is under way is finished and settled, nothing that was accepted is lost."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from controller.store.opening import open_store
from tests.doubles.scraping import Scrape
from tests.leaks import Leaks, assert_none
from tests.servers.processes import free_port
from tests.system.controller_process import ControllerProcess, controller_process

MANIFESTS = """\
apiVersion: pwsync/v1
kind: System
metadata: {{name: default}}
spec: {{fromWindowsToAdapters: true, administrators: [ops]}}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {{name: CORP}}
spec: {{dnsName: corp.example.com, sources: [{{principal: dc1, type: domainController}}]}}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {{name: web}}
spec:
  syncToAdapter: true
  connector: {{type: htpasswd, file: "{file}"}}
---
apiVersion: pwsync/v1
kind: Application
metadata: {{name: WEB}}
spec: {{adapter: web}}
---
apiVersion: pwsync/v1
kind: Mapping
metadata: {{name: alice-web}}
spec: {{application: WEB, windowsAccount: "CORP\\\\alice", externalAccount: alice}}
"""
ALICE = "CORP\\alice"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """The target: a password file with one user."""
    folder = tmp_path / "target"
    folder.mkdir()
    file = folder / "htpasswd"
    file.write_text("alice:$2y$05$aaaaaaaaaaaaaaaaaaaaaOBpCvhQYFSMT1T1vQVJQ0yYQO3S6Y9dq\n")
    return file


@pytest.fixture
def controller(tmp_path: Path, password_file: Path, warm_pwsync: Path) -> Iterator[ControllerProcess]:
    """A controller that delivers to it, with metrics on an address of their own."""
    folder = tmp_path / "controller"
    (folder / "manifests").mkdir(parents=True)
    (folder / "manifests" / "all.yaml").write_text(MANIFESTS.format(file=password_file))
    with controller_process(folder, folder / "manifests", {}, warm=warm_pwsync) as made:
        made.run_options = ("--metrics-listen", f"127.0.0.1:{free_port()}", "--access-log")
        made.command("apply", str(made.manifests), "--yes")
        for principal in ("dc1", "ops"):
            made.make_token(principal)
        made.start()
        yield made


@contextmanager
def held_up(password_file: Path) -> Iterator[None]:
    """Within it the target answers nobody: the lock of its file is ours."""
    descriptor = os.open(f"{password_file}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def state_of(controller: ControllerProcess, tracking_id: str) -> list[str]:
    """States of the deliveries of a change, by the store's word."""
    store = open_store(f"sqlite:///{controller.state_dir / 'pwsync.db'}", read_only=True)
    with store.read() as tx:
        states = [delivery.state.value for delivery in tx.deliveries.of_change(tracking_id)]
    store.close()
    return states


def test_a_controller_that_is_told_to_stop_finishes_what_is_under_way_and_takes_no_more(
    controller: ControllerProcess, password_file: Path
) -> None:
    leaks = Leaks()
    with held_up(password_file):
        tracking_id = controller.report_windows(ALICE, leaks.password())
        controller.wait_for(lambda: state_of(controller, tracking_id) == ["inFlight"], "the attempt to begin")
        assert controller.process is not None
        controller.process.send_signal(signal.SIGTERM)
        controller.wait_for(lambda: controller.client.get("/readyz").status_code == 503, "it to be not ready")
        body = {"account": ALICE, "password": leaks.password()}
        headers = {"Authorization": f"Bearer {controller.tokens['dc1']}"}
        turned_away = controller.client.post("/v1/domains/CORP/changes", json=body, headers=headers)
        assert (turned_away.status_code, turned_away.json()["code"]) == (503, "stopping")
        assert turned_away.headers["Retry-After"]
        assert controller.change(tracking_id, by="dc1")["state"] == "accepted", "it answers who only asks"
        assert controller.process.poll() is None
    assert controller.process.wait(30) == 0
    assert state_of(controller, tracking_id) == ["confirmed"]
    assert_none(leaks.in_files(controller.folder))


def test_what_was_accepted_and_not_begun_is_delivered_by_the_next_one(
    controller: ControllerProcess, password_file: Path
) -> None:
    leaks = Leaks()
    with held_up(password_file):
        first = controller.report_windows(ALICE, leaks.password())
        controller.wait_for(lambda: state_of(controller, first) == ["inFlight"], "the attempt to begin")
        second = controller.report_windows(ALICE, leaks.password())
        assert controller.process is not None
        controller.process.send_signal(signal.SIGTERM)
        controller.wait_for(lambda: controller.client.get("/readyz").status_code == 503, "it to be not ready")
    assert controller.process.wait(30) == 0
    controller.start()
    assert controller.finished(second, by="dc1")["state"] == "completed"
    assert controller.stop() == 0


def test_a_running_controller_tells_its_metrics_on_their_own_address(controller: ControllerProcess) -> None:
    leaks = Leaks()
    tracking_id = controller.report_windows(ALICE, leaks.password())
    controller.finished(tracking_id, by="dc1")
    address = controller.run_options[1]
    answer = httpx.get(f"http://{address}/metrics")
    page = Scrape(answer.text)
    assert page.value("pwsync_reports_total", direction="windows", answer="accepted") == 1
    assert page.value("pwsync_delivery_attempts_total", lane="adapter/web", outcome="confirmed", code="") == 1
    assert page.value("pwsync_leader") == 1
    assert page.value("pwsync_reconcile_interval_seconds") == 300
    assert httpx.get(f"http://{address}/healthz").status_code == 404
    assert controller.client.get("/metrics").status_code == 401
    assert controller.stop() == 0
    log = controller.log.read_text()
    assert f'"tracking_id": "{tracking_id}"' in log
    assert '"event": "A request was answered"' in log
    assert_none([*leaks.in_text(answer.text + log), *leaks.in_files(controller.folder)])
