"""The warm process: loads the program once, then forks for each command that a client hands over.

Run as ``python -m tests.warm.server SOCKET``; it says ``ready`` and ends when its standard input does.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import controller
from controller.cli.main import command_line
from controller.cli.main import main as run_command

LAZY = ("controller.store.migrations.env", "controller.__main__")
"""Modules that do something when they are loaded."""


def load_everything() -> None:
    """Import what commands import when they run, make the command line, and keep the collector from touching it."""
    for module in pkgutil.walk_packages(controller.__path__, "controller."):
        if module.name not in LAZY and ".versions." not in module.name:
            importlib.import_module(module.name)
    for name in ("rich.console", "rich.table", "alembic.command", "structlog", "psycopg"):
        importlib.import_module(name)
    command_line()
    gc.collect()
    gc.freeze()


@dataclass
class Server:
    """Forks commands, and tells each client how its command ended."""

    listening: socket.socket
    clients: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> dict[str, Any] | None:
        """Serve until standard input ends; in a forked process, return the command that it must become."""
        ended, wakeup = socket.socketpair()
        wakeup.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        while True:
            ready, _, _ = select.select([self.listening, ended, sys.stdin, *self.clients.values()], [], [])
            if sys.stdin in ready:
                return None
            if ended in ready:
                ended.recv(4096)
                self._tell_ends()
            for process, client in self.clients.items():
                if client in ready:  # it sends nothing after its command: it has gone, and was not heard of again
                    os.kill(process, signal.SIGKILL)
            if self.listening in ready and (command := self._fork()) is not None:
                return command

    def _fork(self) -> dict[str, Any] | None:
        client, _ = self.listening.accept()
        command, streams = _read_command(client)
        if (process := os.fork()) != 0:
            for stream in streams:
                os.close(stream)
            self.clients[process] = client
            client.sendall(f"{process}\n".encode())
            return None
        signal.set_wakeup_fd(-1)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        for one in (client, self.listening, *self.clients.values()):
            one.close()
        return command

    def _tell_ends(self) -> None:
        while self.clients:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            with self.clients.pop(process) as client, suppress(BrokenPipeError):
                client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _read_command(client: socket.socket) -> tuple[dict[str, Any], list[int]]:
    length, streams, _, _ = socket.recv_fds(client, 8, 3)
    with client.makefile("rb") as lines:
        command: dict[str, Any] = json.loads(lines.read(int.from_bytes(length)))
    return command, streams


def become(command: dict[str, Any]) -> None:
    """Be the process that the client asked for, and run its command line to the end."""
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(command["folder"])
    os.umask(command["umask"])
    os.environ.clear()
    os.environ.update(command["environment"])
    for limit, soft, hard in command["limits"]:
        resource.setrlimit(limit, (soft, hard))
    sys.argv = ["pwsync", *command["arguments"]]
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115  # the process's own
    buffering = 1 if "PYTHONUNBUFFERED" in os.environ else -1
    sys.stdout = open(1, "w", buffering, encoding="utf-8", closefd=False)  # noqa: SIM115  # the process's own
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115  # the process's own
    try:
        run_command()
    except SystemExit as ended:
        leave(int(ended.code or 0))


def leave(code: int) -> NoReturn:
    """End as processes do, but do not take the program apart: that would copy the memory it shares with the server."""
    threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter does first
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Serve on the socket that the command line names."""
    load_everything()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(Path(sys.argv[1])))
        listening.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        command = Server(listening).serve()
    if command is not None:
        become(command)


if __name__ == "__main__":
    main()
