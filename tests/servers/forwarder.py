"""The forwarder of a Windows domain controller under Wine, and a controller of which a test says what it answers."""

import json
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from controller.sealing.capture import CaptureKey
from controller.sealing.keyring import Keyring
from tests.servers.processes import free_port
from tests.servers.windows import Value, Windows

SETTINGS = r"SOFTWARE\pwsync\Capture"
PATIENCE = 60.0
KEY = str(CaptureKey.of(Keyring.generate(datetime.now(UTC)).newest))
"""Some key: only the filter uses it."""
TAKEN = (202, {"trackingId": "t-1"})

Answer = tuple[int, Any]


@dataclass
class Answerer:
    """A controller, reduced to what a test says that it answers.

    Attributes:
        answer: What to answer for an account; None: the connection breaks.
        accounts: Of all reports, in the order of their arrival, as they are spelt.
        calls: Path, headers and body of the same.
        certificate: With which it speaks TLS.
    """

    answer: Callable[[str], Answer | None] = lambda _: TAKEN
    accounts: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    certificate: ssl.SSLContext | None = None
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}" if self.certificate is None else f"https://localhost:{self.port}"

    def take(self, path: str, headers: dict[str, str], content: bytes) -> Answer | None:
        """Note a report, and answer it."""
        body = json.loads(content)
        account = body["account"].partition("\\")[2]
        self.calls.append((path, headers, body))
        self.accounts.append(account)
        return self.answer(account)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within the block it answers; before and after there is nothing at its port."""
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        server.daemon_threads = True
        if self.certificate is not None:
            server.socket = self.certificate.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(PATIENCE)
            server.server_close()


def _handler(controller: Answerer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one segment for each answer
        disable_nagle_algorithm = True

        def do_POST(self) -> None:  # what the library calls
            # Wine sends head and body apart, and the second waits for the first to be acknowledged.
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            content = self.rfile.read(int(self.headers["Content-Length"]))
            answer = controller.take(self.path, dict(self.headers), content)
            if answer is None:
                self.close_connection = True
                return
            status, view = answer
            body = view if isinstance(view, bytes) else json.dumps(view).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the library
            """Say nothing."""

    return Handler


@dataclass
class ForwarderProcess:
    """The forwarder of one domain controller, with a spool of its own."""

    windows: Windows
    folder: Path
    program: str = "pwsync-forwarder.exe"
    process: subprocess.Popen[bytes] | None = None

    @property
    def spool(self) -> Path:
        """Where the changes are."""
        return self.folder / "spool"

    @property
    def log(self) -> str:
        """What it has told."""
        return (self.folder / "forwarder.log").read_text()

    @property
    def memberships(self) -> Path:
        """Who is in which group, for the program of the tests."""
        return self.folder / "memberships"

    def configure(self, *servers: str, **values: Value) -> None:
        """Make the settings anew."""
        self.spool.mkdir(exist_ok=True)
        token = self.folder / "token"
        token.write_text("pwsync_token\r\n")
        proof: dict[str, Value] = {} if "Certificate" in values else {"TokenFile": self.windows.path(token)}
        own: dict[str, Value] = {
            "Domain": "CORP",
            "Key": KEY,
            "Spool": self.windows.path(self.spool),
            "MinFreeMiB": 0,
            "Servers": servers,
        }
        self.windows.set_values(SETTINGS, {**own, **proof, **values})

    def put(self, account: str, number: int, occurred_at: datetime | None = None) -> None:
        """Add a change as the filter does."""
        moment = (occurred_at or datetime.now(UTC)).isoformat(timespec="microseconds")
        lane, name = '{"lane": "domain/CORP"', json.dumps(account)
        record = f'{lane}, "account": {name}, "occurredAt": "{moment}", "sealedPassword": "c2VhbGVk"}}'
        self.put_record(number, record)

    def put_record(self, number: int, record: str) -> None:
        """Add a file to the spool, in one step."""
        unfinished = self.spool / f"{number:020d}.change.new"
        unfinished.write_text(record)
        unfinished.rename(self.spool / f"{number:020d}.change")

    def files(self, ending: str) -> list[int]:
        """Numbers of the changes with this ending."""
        return sorted(int(path.name.partition(".")[0]) for path in self.spool.glob(f"*.{ending}"))

    def start(self) -> None:
        """Let it run in the foreground."""
        environment = {**self.windows.environment(), "PWSYNC_TEST_MEMBERSHIP": self.windows.path(self.memberships)}
        with (self.folder / "forwarder.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.windows.command(self.windows.built / self.program, "run"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )

    def stop(self) -> int:
        """Press Ctrl+C; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def kill(self) -> None:
        """End it without warning."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process = None

    def tell(self, *arguments: str) -> tuple[int, str]:
        """Run a command of it; returns its exit code and what it prints."""
        command = self.windows.command(self.windows.built / self.program, *arguments)
        done = subprocess.run(
            command,
            env=self.windows.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).decode().replace("\r\n", "\n")

    def status(self) -> dict[str, Any]:
        """What it tells of itself."""
        code, told = self.tell("status", "json")
        view: dict[str, Any] = json.loads(told)
        assert code == (1 if view["alarms"] else 0)
        return view

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until *condition* holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}\n{self.log[-3000:]}"
            assert self.process is None or self.process.poll() is None, self.log[-3000:]
            time.sleep(0.02)  # its time for the other process

    def wait_until_sent(self) -> None:
        """Wait until no change waits any more."""
        self.wait_for(lambda: not self.files("change"), "the spool to be empty")

    def wait_for_log(self, *words: str) -> None:
        """Wait until it has told all of these."""
        self.wait_for(lambda: all(word in self.log for word in words), f"the log to tell {words}")


@contextmanager
def forwarder(windows: Windows, folder: Path, program: str = "pwsync-forwarder.exe") -> Iterator[ForwarderProcess]:
    """A forwarder that does not outlive the block."""
    folder.mkdir(exist_ok=True)
    made = ForwarderProcess(windows, folder, program)
    (folder / "forwarder.log").touch()
    try:
        yield made
    finally:
        if made.process is not None:
            made.kill()


def first_seen(names: Sequence[str]) -> list[str]:
    """Each name once, in the order of its first arrival: what was not known to have arrived is sent again."""
    return list(dict.fromkeys(names))


def trust(windows: Windows, certificate: bytes, thumbprint: str) -> None:
    """Add an authority (DER) to the roots that the machine trusts."""
    size = len(certificate).to_bytes(4, "little")
    blob = b"\x20\0\0\0\x01\0\0\0" + size + certificate  # CERT_CERT_PROP_ID, as the store of the registry has it
    file = windows.prefix / "root.reg"
    key = rf"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\Root\Certificates\{thumbprint}"
    file.write_text(f'REGEDIT4\r\n\r\n[{key}]\r\n"Blob"=hex:{blob.hex(",")}\r\n')
    windows.run("regedit", "/S", windows.path(file))
    file.unlink()
