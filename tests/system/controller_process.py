"""A controller as a process of its own, as an operator runs it, with its API and its commands."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.servers.processes import free_port

PATIENCE = 60.0
POLL = 0.05
BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
"""A controller that is started fifty times need not be compiled fifty times."""


@dataclass
class ControllerProcess:
    """One installation: state directory, manifests, environment; the controller runs or does not.

    Attributes:
        program: What it is started with.
        warm: What commands are started with that run to their end; without it, as the controller.
        options: Of every command.
        run_options: Of ``run`` alone.
        answers: Everything that the API and the commands said.
    """

    folder: Path
    manifests: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = (sys.executable, "-m", "controller")
    warm: Path | None = None
    options: tuple[str, ...] = ()
    run_options: tuple[str, ...] = ()
    answers: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = free_port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    @property
    def state_dir(self) -> Path:
        """Where it keeps everything."""
        return self.folder / "state"

    @property
    def log(self) -> Path:
        """Its standard output and error."""
        return self.folder / "controller.log"

    def command(self, *arguments: str, stdin: str = "", expected: int | None = 0) -> str:
        """Run a command of ``pwsync``; returns its standard output."""
        done = subprocess.run(
            [*(self.program if self.warm is None else (self.warm,)), *self._everywhere(), *arguments],
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=120,
            env={**os.environ, **BYTECODE, **self.environment},
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        self.answers += [out, err]
        assert expected is None or done.returncode == expected, f"{arguments}: {done.returncode}\n{out}\n{err}"
        return out

    def make_token(self, principal: str) -> None:
        """Let *principal* call the API."""
        out = self.command("token", "create", principal)
        self.answers.pop(-2)  # a token is shown once, on purpose
        self.tokens[principal] = next(word for word in out.split() if word.startswith("pwsync_"))

    def start(self) -> None:
        """Start it, and return when it answers."""
        arguments = ["run", str(self.manifests), "--listen", f"127.0.0.1:{self.port}", "--log-format", "json"]
        arguments += self.run_options
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.program, *self._everywhere(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **BYTECODE, **self.environment},
            )
        self.wait_for(self._is_ready, "the controller to answer")

    def stop(self) -> int:
        """Ask it to stop; returns its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End it without warning, and return when it has gone: one that started warm ends after its client."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)
        self.wait_for(self._has_gone, "the controller to be gone")

    def report_windows(self, account: str, password: str, *, by: str = "dc1") -> str:
        """Report a Windows change; returns the tracking ID."""
        domain = account.partition("\\")[0]
        return self._report(f"/v1/domains/{domain}/changes", {"account": account, "password": password}, by)

    def report_external(self, adapter: str, account: str, password: str, *, old: str | None = None, by: str) -> str:
        """Report an external change; returns the tracking ID."""
        body = {"account": account, "password": password} | ({} if old is None else {"oldPassword": old})
        return self._report(f"/v1/adapters/{adapter}/changes", body, by)

    def change(self, tracking_id: str, *, by: str) -> dict[str, Any]:
        """What the API says of a change."""
        return self.get(f"/v1/changes/{tracking_id}", by=by)

    def get(self, path: str, *, by: str) -> dict[str, Any]:
        """What the API says at *path*."""
        answer = self.client.get(path, headers=self._headers(by))
        self.answers.append(answer.text)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def finished(self, tracking_id: str, *, by: str) -> dict[str, Any]:
        """Wait until a change is finished; returns what the API says of it."""
        said: dict[str, Any] = {}

        def is_finished() -> bool:
            said.update(self.change(tracking_id, by=by))
            return bool(said["state"] != "accepted")

        self.wait_for(is_finished, f"change {tracking_id} to finish")
        return said

    def wait_for(self, condition: Any, what: str, patience: float = PATIENCE) -> None:
        """Wait until *condition* holds."""
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"waited {patience} s for {what}\n{self.log.read_text()[-3000:]}"
            select_nothing(POLL)

    def _report(self, path: str, body: Mapping[str, str], by: str) -> str:
        answer = self.client.post(path, json=body, headers=self._headers(by))
        self.answers.append(answer.text)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["trackingId"])

    def _headers(self, principal: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[principal]}"}

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _has_gone(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0

    def _everywhere(self) -> list[str]:
        return ["--state-dir", str(self.state_dir), *self.options]


def select_nothing(seconds: float) -> None:
    """Give the other process its time between two looks at a condition that only it can change."""
    time.sleep(seconds)


@contextmanager
def controller_process(
    folder: Path, manifests: Path, environment: Mapping[str, str], *options: str, warm: Path | None = None
) -> Iterator[ControllerProcess]:
    """An installation whose controller, if it runs, is ended at the end."""
    made = ControllerProcess(folder, manifests, environment, options=options, warm=warm)
    try:
        yield made
    finally:
        made.client.close()
        if made.process is not None and made.process.poll() is None:
            made.kill()
