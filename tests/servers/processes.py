"""Servers as child processes: start, wait until they answer, pause, stop; never leave one behind."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STANDING = {"T", "t", "Z", "X"}
START_DEADLINE = 60.0
STOP_DEADLINE = 15.0


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """One server with all its child processes, in a session of its own, logging to a file.

    Attributes:
        environment: Variables that it gets beside those of this process, from its next start on.
    """

    def __init__(
        self, command: Sequence[str], log_file: Path, ports: Sequence[int], environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self._log_file = log_file
        self._ports = ports
        self.environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.is_ready: Callable[[], bool] = lambda: all(_accepts(port) for port in ports)

    @property
    def pid(self) -> int:
        """Process id, also the id of its process group."""
        if self._process is None:
            raise RuntimeError(f"{self._command[0]} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and return when it is ready: by default, when every port accepts connections.

        Raises:
            RuntimeError: It ended, or did not answer within a minute; with the end of its log.
        """
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        deadline = time.monotonic() + START_DEADLINE
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self._command[0]} did not start: {self._log_file.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it and everything that it started; no error when it is not running."""
        if self._process is None:
            return
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait(STOP_DEADLINE)
        self._signal(signal.SIGKILL)
        self._process = None
        deadline = time.monotonic() + STOP_DEADLINE
        while any(_accepts(port) for port in self._ports):  # a child of its own may listen a moment longer
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self._command[0]} still listens after it was ended")
            time.sleep(0.02)

    def restart(self) -> None:
        """Stop, and start again on the same ports."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let it stand still: the kernel still accepts connections, but nobody answers.

        Returns when every thread of every process stands still: the signal alone only asks for that.
        """
        self._signal(signal.SIGSTOP)
        deadline = time.monotonic() + STOP_DEADLINE
        while not _STANDING.issuperset(_states(self.pid)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self._command[0]} does not stand still")
            time.sleep(0.005)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return  # the whole group is gone, which is what stop() is after


def _states(group: int) -> set[str]:
    """States of all threads of a process group (proc(5): fields 3 and 5 of stat)."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/task/[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # ended while we looked
            state, _, process_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(process_group) == group:
                found.add(state)
    return found


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
