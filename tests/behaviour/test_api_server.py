"""The server on a real socket: what it refuses to listen on, how it bounds connections, how it stops."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from controller.model.errors import SettingsError
from controller.store.opening import open_store
from controller.web import protocol, server
from controller.web.listening import Certificate, Listen
from controller.web.server import serve
from tests.doubles.api import WINDOWS, ApiBench
from tests.servers.certificates import Authority

T = TypeVar("T")
LOOPBACK = Listen("127.0.0.1", 0)
ALICE = {"account": r"CORP\alice", "password": "n3w"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path)
    yield bench
    bench.close()


def while_serving(api: ApiBench, client: Callable[[str, int], T], listen: Listen = LOOPBACK, **options: Any) -> T:
    """Serve in this thread while *client* runs in another; stop by a signal when it has ended."""
    with ThreadPoolExecutor(1) as threads:
        running = []

        def begin(host: str, port: int) -> None:
            future = threads.submit(client, host, port)
            future.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGTERM))
            running.append(future)

        serve(api.app, listen, on_listening=begin, on_stop=lambda: None, **options)
        return running[0].result()


def connect(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), timeout=20)


def read_all(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_a_report_arrives_over_the_network_and_the_server_does_not_name_itself(api: ApiBench) -> None:
    def client(host: str, port: int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {api.tokens['dc1']}"}
        return httpx.post(f"http://{host}:{port}{WINDOWS}", json=ALICE, headers=headers)

    answer = while_serving(api, client)

    assert answer.status_code == 202
    assert "Server" not in answer.headers
    assert api.count_changes() == 1


def test_port_0_is_any_free_one_and_its_number_is_told(api: ApiBench) -> None:
    assert while_serving(api, lambda host, port: (host, port > 0)) == ("127.0.0.1", True)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_it_listens_on_ipv6(api: ApiBench) -> None:
    status = while_serving(
        api, lambda _, port: httpx.get(f"http://[::1]:{port}/healthz").status_code, Listen.parse("[::1]:0")
    )

    assert status == 200


def test_with_a_certificate_it_speaks_tls(api: ApiBench, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    issued = authority.issue("127.0.0.1")
    trusted = ssl.create_default_context(cafile=str(authority.ca_file))
    certificate = Certificate(issued.certificate_file, issued.key_file)

    answer = while_serving(
        api,
        lambda host, port: httpx.get(f"https://{host}:{port}/healthz", verify=trusted),
        certificate=certificate,
    )

    assert answer.status_code == 200


def test_clear_text_for_others_to_hear_is_refused(api: ApiBench) -> None:
    with pytest.raises(SettingsError, match="clear text") as caught:
        while_serving(api, lambda *_: None, Listen("0.0.0.0", 0))  # noqa: S104  # the point of this test

    assert "--tls-certificate" in caught.value.hint


def test_clear_text_may_be_allowed_where_something_else_encrypts(api: ApiBench) -> None:
    status = while_serving(
        api,
        lambda _, port: httpx.get(f"http://127.0.0.1:{port}/healthz").status_code,
        Listen("0.0.0.0", 0),  # noqa: S104  # the point of this test
        allows_clear_text=True,
    )

    assert status == 200


def test_an_address_in_use_is_named(api: ApiBench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = Listen("127.0.0.1", other.getsockname()[1])
        with pytest.raises(SettingsError, match=f"{listen}: the address is in use"):
            while_serving(api, lambda *_: None, listen)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "192.0.2.1"])
def test_an_address_that_is_not_of_this_machine_is_refused(api: ApiBench, host: str) -> None:
    with pytest.raises(SettingsError, match="cannot listen on"):
        while_serving(api, lambda *_: None, Listen(host, 0), allows_clear_text=True)


def test_a_certificate_that_cannot_be_used_is_named(api: ApiBench, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    one, other = authority.issue("127.0.0.1"), authority.issue("localhost")
    unusable = [
        Certificate(tmp_path / "missing.pem", one.key_file),
        Certificate(one.certificate_file, other.key_file),
        Certificate(one.key_file, one.key_file),
    ]
    for certificate in unusable:
        with pytest.raises(SettingsError, match="cannot be used") as caught:
            while_serving(api, lambda *_: None, certificate=certificate)
        assert str(certificate.certificate_file) in caught.value.message


def test_an_upload_that_is_too_large_still_gets_its_answer(api: ApiBench) -> None:
    def client(host: str, port: int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {api.tokens['dc1']}", "Content-Type": "application/json"}
        return httpx.post(f"http://{host}:{port}{WINDOWS}", content=b" " * 5_000_000, headers=headers)

    assert while_serving(api, client).status_code == 413


@pytest.mark.parametrize("head", [b"X-A: " + b"a" * 2_000_000, b"X-A: a\r\n" * 250_000, b"\r\n" * 1_000_000])
def test_a_head_without_end_is_cut_off(api: ApiBench, head: bytes) -> None:
    def client(host: str, port: int) -> bytes:
        with connect(host, port) as connection:
            try:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: c\r\n" + head)
            except (BrokenPipeError, ConnectionResetError):
                return b"cut off"
            return read_all(connection)

    answer = while_serving(api, client)

    assert answer in {b"cut off", b""} or b"HTTP/1.1 400 " in answer  # a reset connection may lose the answer


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"\r\n", b"GET /healthz HTTP/1.1\r\nHost: c\r\n\r\nGET / HT", b"POST / HTTP/1.1\r\n"]
)
def test_a_connection_that_asks_nothing_is_closed(api: ApiBench, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 1)

    def client(host: str, port: int) -> bytes:
        with connect(host, port) as connection:
            connection.sendall(sent)
            return read_all(connection)

    while_serving(api, client)  # returns only because the server closes


def test_an_upload_whose_answer_was_given_is_not_read_for_ever(api: ApiBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.2)

    def client(host: str, port: int) -> bytes:
        head = f"POST {WINDOWS} HTTP/1.1\r\nHost: c\r\nContent-Length: 1000\r\n\r\nx"
        with connect(host, port) as connection:
            connection.sendall(head.encode())
            first = connection.recv(65536)
            connection.sendall(b"x")
            return first + read_all(connection)

    assert while_serving(api, client).startswith(b"HTTP/1.1 401 ")


def test_what_is_not_http_is_refused(api: ApiBench) -> None:
    def client(host: str, port: int) -> bytes:
        with connect(host, port) as connection:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            return read_all(connection)

    assert while_serving(api, client).startswith(b"HTTP/1.1 400 ")


@dataclass
class Controller:
    """A process of ``api_process``."""

    process: subprocess.Popen[str]
    token: str
    host: str
    port: int

    def hear(self) -> dict[str, Any]:
        """The next thing that it says."""
        return _hear(self.process)

    def begin_report(self, body: bytes) -> socket.socket:
        """Send the head of a report and wait until the server asks for the body: from then on it is under way."""
        connection = connect(self.host, self.port)
        head = (
            f"POST {WINDOWS} HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        return connection

    def report(self) -> str:
        """Report a change; returns its tracking ID."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.post(f"http://{self.host}:{self.port}{WINDOWS}", json=ALICE, headers=headers)
        return str(answer.json()["trackingId"])

    def wait_until_closed(self) -> None:
        """Return when nobody can connect any more."""
        deadline = time.monotonic() + 20
        while True:
            try:
                connect(self.host, self.port).close()
            except OSError:
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)


def _hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    heard: dict[str, Any] = json.loads(process.stdout.readline())
    return heard


@contextmanager
def controller_process(state_dir: Path) -> Iterator[Controller]:
    command = [sys.executable, "-m", "tests.behaviour.api_process", str(state_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            token = _hear(process)["token"]
            yield Controller(process, token, **_hear(process))
        finally:
            process.kill()


def test_a_report_under_way_is_answered_before_the_server_stops(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    with controller_process(state_dir) as controller, sqlite3.connect(state_dir / "pwsync.db") as busy:
        controller.report()
        raw = json.dumps(ALICE).encode()
        with controller.begin_report(raw) as connection:
            busy.execute("BEGIN IMMEDIATE")
            connection.sendall(raw)
            controller.process.send_signal(signal.SIGTERM)
            assert controller.hear() == {"state": "stopping"}
            controller.wait_until_closed()
            assert controller.process.poll() is None

            busy.execute("ROLLBACK")
            answer = read_all(connection)

        assert answer.startswith(b"HTTP/1.1 202 ")
        assert b"connection: close" in answer
        assert controller.hear() == {"state": "stopped"}
        assert controller.process.wait(20) == 0
    busy.close()
    tracking_id = json.loads(answer.rpartition(b"\r\n\r\n")[2])["trackingId"]
    _assert_stored(state_dir, tracking_id)


def test_what_was_answered_with_202_survives_a_kill(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    with controller_process(state_dir) as controller:
        tracking_ids = [controller.report() for _ in range(3)]
        controller.process.kill()

    for tracking_id in tracking_ids:
        _assert_stored(state_dir, tracking_id)


def test_an_interrupt_stops_it_too(tmp_path: Path) -> None:
    with controller_process(tmp_path / "state") as controller:
        controller.process.send_signal(signal.SIGINT)

        assert controller.hear() == {"state": "stopping"}
        assert controller.hear() == {"state": "stopped"}
        assert controller.process.wait(20) == 0


def _assert_stored(state_dir: Path, tracking_id: str) -> None:
    store = open_store(f"sqlite:///{state_dir / 'pwsync.db'}", read_only=True)
    with store.read() as tx:
        assert tx.changes.get(tracking_id) is not None
    store.close()


def test_many_reports_at_once_all_become_durable(api: ApiBench) -> None:
    def client(host: str, port: int) -> list[int]:
        headers = {"Authorization": f"Bearer {api.tokens['dc1']}"}
        everyone_ready = threading.Barrier(32)

        def report(number: int) -> int:
            everyone_ready.wait(20)
            body = {"account": f"CORP\\user{number}", "password": "n3w"}
            return httpx.post(f"http://{host}:{port}{WINDOWS}", json=body, headers=headers, timeout=60).status_code

        with ThreadPoolExecutor(32) as threads:
            return list(threads.map(report, range(32)))

    assert while_serving(api, client) == [202] * 32
    assert api.count_changes() == 32
    assert 0 < api.accepted <= 32  # those that shared a commit were told of together
