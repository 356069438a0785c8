"""The forwarder, and programs that capture, are killed at random moments: nothing is lost, and the order is kept."""

import base64
import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from controller.capture.forwarder import Forwarder
from controller.capture.sending import make_sender
from controller.capture.settings import read_settings
from controller.capture.spool import Aside, Spool
from controller.model.accounts import WindowsAccount
from controller.sealing.capture import CaptureKey
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer

pytestmark = pytest.mark.system
KILLS = 50
"""Of the forwarder, under load."""
PROGRAM = Path(__file__).with_name("capture_processes.py")
ROOT = Path(__file__).parents[2]


@dataclass
class Received:
    """What a controller was sent, opened, in the order of its arrival."""

    sealer: KeyringSealer
    changes: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes) -> None:
        """Open a report."""
        report = json.loads(body)
        account = WindowsAccount.parse(report["account"])
        sealed = base64.b64decode(report["sealedPassword"])
        password = self.sealer.open_captured(sealed, account, datetime.fromisoformat(report["occurredAt"]))
        with self.lock:
            self.changes.append((account.name, password.reveal()))


@contextmanager
def controller(received: Received, chance: random.Random) -> Iterator[str]:
    """Take reports; now and then take one and give no answer, or refuse to take one now."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # what the library calls
            body = self.rfile.read(int(self.headers["Content-Length"]))
            luck = chance.random()
            if luck < 0.05:
                self.close_connection = True
                return
            received.take(body)
            if luck < 0.1:
                self.close_connection = True
                return
            answer = b'{"trackingId": "t"}'
            self.send_response(202)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()


def test_nothing_that_was_taken_is_lost_and_the_order_of_each_account_is_kept(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    keyring = Keyring.generate(datetime.now(UTC))
    received = Received(KeyringSealer(keyring))
    (tmp_path / "key").write_text(str(CaptureKey.of(keyring.newest)))
    (tmp_path / "token").write_text("some-token")
    with controller(received, random.Random(seed)) as url:
        (tmp_path / "capture.yaml").write_text(
            "apiVersion: pwsync/v1\nkind: Capture\nmetadata: {name: kill}\nspec:\n"
            f"  servers: ['{url}']\n  tokenFile: token\n  keyFile: key\n  spool: spool\n  domain: CORP\n"
            "  maxChanges: 100000\n"
        )
        command = [sys.executable, str(PROGRAM), str(tmp_path), str(KILLS), str(seed)]
        done = subprocess.run(
            command, check=False, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=240
        )
        assert (done.returncode, done.stdout) == (0, f'{{"kills": {KILLS}}}'), done.stderr
        _send_rest(tmp_path)

    taken = [tuple(line.split(" ")) for line in (tmp_path / "taken").read_text().splitlines() if line.count("-") == 1]
    assert len(taken) > KILLS
    assert set(taken) - set(received.changes) == set(), f"lost; seed {seed}"
    for account in {name for name, _ in received.changes}:
        first_seen = list(dict.fromkeys(password for name, password in received.changes if name == account))
        assert first_seen == sorted(first_seen), f"out of order; seed {seed}"


def _send_rest(folder: Path) -> None:
    spec = read_settings(folder / "capture.yaml").spec
    spool = Spool.open(Path(spec.spool), spec.max_changes)
    sender = make_sender(spec)
    forwarder = Forwarder(spool, sender, timedelta(hours=1), now=lambda: datetime.now(UTC), jitter=random.random)
    while spool.waiting():
        forwarder.send_waiting()
    sender.close()
    assert spool.names(*Aside, "pending") == []
