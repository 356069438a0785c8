"""Hostile requests against a controller as it is run: it refuses all of them, and stays as it was.

``tests/benchmarks/hostile`` sends more.
"""

import contextlib
import os
import re
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.servers.certificates import Authority
from tests.system.controller_process import ControllerProcess, controller_process
from tests.system.hostile_requests import SECRET, Hostile, HostileRequests

COUNT = int(os.environ.get("PWSYNC_HOSTILE", "2000"))
WARM_UP = 1000
GROWTH = 24 * 1024
"""KiB by which memory may differ after a warm-up: what the allocator keeps, and what waits for the garbage collector,
which comes every ten seconds. No more for more requests."""
SLOW_ONES = 50
CLEAR_TEXT = 20
"""Each so many-th request is sent as clear text to a controller that speaks TLS."""
NEVER_ACCEPTED = {
    "bad Unicode",
    "bad credentials",
    "broken frames",
    "deep nesting",
    "no HTTP",
    "oversized",
    "repeated keys",
    "truncated",
}
MANIFESTS = """\
apiVersion: pwsync/v1
kind: System
metadata: {name: default}
spec: {fromWindowsToAdapters: true, fromAdaptersToDatabase: true, administrators: [mallory]}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec: {dnsName: corp.example.com, sources: [{principal: mallory, type: domainController}]}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: web}
spec:
  syncToAdapter: true
  syncFromAdapter: true
  access: {users: [mallory], receivers: [mallory]}
  connector: {type: remote}
"""


@pytest.fixture
def controller(tmp_path: Path, warm_pwsync: Path) -> Iterator[ControllerProcess]:
    folder = tmp_path / "controller"
    (folder / "manifests").mkdir(parents=True)
    (folder / "manifests" / "all.yaml").write_text(MANIFESTS)
    authority = Authority(tmp_path / "ca")
    issued = authority.issue("127.0.0.1")
    tls = ("--tls-certificate", str(issued.certificate_file), "--tls-key", str(issued.key_file))
    trusted = ssl.create_default_context(cafile=authority.ca_file)
    with controller_process(folder, folder / "manifests", {}, warm=warm_pwsync) as made:
        made.client.close()
        made.client = httpx.Client(base_url=f"https://127.0.0.1:{made.port}", verify=trusted, timeout=30)
        made.run_options = (*tls, "--rate-limit", "0", "--access-log")
        made.command("apply", str(made.manifests), "--yes")
        made.make_token("mallory")
        made.start()
        yield made


def connected(port: int, *, is_encrypted: bool = True) -> socket.socket:
    """A connection, of somebody who does not care whose certificate that is."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    if not is_encrypted:
        return connection
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    return careless.wrap_socket(connection)


def send_no_more(connection: socket.socket) -> None:
    """Cut the sending half off below TLS, without a word."""
    with socket.socket(fileno=os.dup(connection.fileno())) as below:
        below.shutdown(socket.SHUT_WR)


def answer_to(port: int, request: Hostile, *, is_encrypted: bool) -> tuple[str, int]:
    """Kind of the request and status of its answer; 0 when the connection was closed without one."""
    received = b""
    with contextlib.suppress(OSError), connected(port, is_encrypted=is_encrypted) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            connection.sendall(request.sent)
        if request.is_cut:
            send_no_more(connection)
        while chunk := connection.recv(65536):
            received += chunk
    found = re.match(rb"HTTP/1\.1 ([0-9]{3})", received)
    return request.kind, int(found[1]) if found else 0


def attacked(controller: ControllerProcess, count: int, seed: int) -> Counter[tuple[str, int]]:
    """Send *count* hostile requests, eight at a time, some without TLS; kinds and statuses of the answers."""
    requests = HostileRequests(controller.tokens["mallory"], seed).make(count)
    with ThreadPoolExecutor(8) as threads:
        return Counter(
            threads.map(
                lambda numbered: answer_to(controller.port, numbered[1], is_encrypted=numbered[0] % CLEAR_TEXT != 0),
                enumerate(requests),
            )
        )


@contextlib.contextmanager
def slow_ones(controller: ControllerProcess) -> Iterator[None]:
    """Connections that have begun a request, or a handshake, and say no more."""
    with contextlib.ExitStack() as at_end:
        for number in range(SLOW_ONES):
            is_encrypted = number % 2 == 0
            connection = at_end.enter_context(connected(controller.port, is_encrypted=is_encrypted))
            connection.sendall(b"POST /v1/domains/CORP/changes HTTP/1.1\r\nHo" if is_encrypted else b"\x16\x03\x01")
        yield


def memory(controller: ControllerProcess) -> int:
    """KiB of memory that the controller holds."""
    assert controller.process is not None
    status = Path(f"/proc/{controller.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.timeout(max(300, COUNT // 10))
def test_hostile_requests_are_refused_and_leave_no_trace(controller: ControllerProcess) -> None:
    with slow_ones(controller):
        warm = attacked(controller, WARM_UP, seed=1)
        before = memory(controller)
        answers = warm + attacked(controller, COUNT - WARM_UP, seed=2)
        after = memory(controller)

    assert [answer for answer in answers if answer[1] >= 500] == []
    assert {kind for kind, status in answers if 0 < status < 300} & NEVER_ACCEPTED == set()
    assert sum(number for (_, status), number in answers.items() if 400 <= status < 500) > COUNT / 2
    assert after - before < GROWTH, f"{before} KiB, then {after} KiB"
    log = controller.log.read_text()
    assert "Traceback" not in log
    assert '"level": "error"' not in log
    assert SECRET not in log
    assert controller.report_windows("CORP\\alice", "n3w", by="mallory")
    assert controller.stop() == 0
