"""The socket that slapd's overlay ``sock`` asks: one connection for each thing that it tells (slapd-sock(5))."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from controller.capture.openldap import NOT_TAKEN, SockProgram
from controller.model.errors import SettingsError

log = logging.getLogger("pwsync.capture")

THREADS = 16
_LARGEST = 32 << 20
"""Bytes of what is read. slapd takes 4 MiB from a client (sockbuf_max_incoming_auth); written as LDIF, it grows."""
_END = b"\n\n"
_SECONDS = 5.0
_LOOK_EVERY = 15.0
"""Seconds between two looks for what failed, or never ended."""


class SockListener:
    """Listens on the socket. ``stop`` may be called in a signal handler."""

    def __init__(self, program: SockProgram, path: Path) -> None:
        """Listen at once.

        Raises:
            SettingsError: The socket cannot be made.
        """
        self._program = program
        self._socket = _listen(path)
        self._is_stopped = threading.Event()

    def serve(self, when_ready: Callable[[], None]) -> None:
        """Serve until ``stop``."""
        when_ready()
        with ThreadPoolExecutor(THREADS + 1) as threads:
            threads.submit(self._look_back)
            while True:
                try:
                    connection, _ = self._socket.accept()
                except OSError:
                    break  # it was shut down
                threads.submit(self._serve_one, connection)
        self._socket.close()

    def stop(self) -> None:
        """End ``serve``; operations under way are finished first."""
        self._is_stopped.set()
        self._socket.shutdown(socket.SHUT_RDWR)

    def _look_back(self) -> None:
        while not self._is_stopped.wait(_LOOK_EVERY):
            self._program.look_back()

    def _serve_one(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(_SECONDS)
            try:
                content = _read(connection)
                is_whole = content.endswith(_END)
                if not is_whole:
                    log.error("What slapd told is cut off or too long, and it was told so: bytes=%d", len(content))
                answer = self._program.answer(content) if is_whole else NOT_TAKEN
                if answer:
                    connection.sendall(answer)
            except OSError as error:
                log.warning("slapd has broken off: problem=%s", error)
            except Exception as error:  # noqa: BLE001  # of a thread nobody waits for: slapd refuses, we say why
                log.critical("A mistake of pwsync: error=%s", type(error).__qualname__)


def _read(connection: socket.socket) -> bytes:
    """Read up to the empty line that ends what slapd tells, or to its end."""
    content = bytearray()
    while len(content) < _LARGEST and not content.endswith(_END):
        part = connection.recv(65536)
        if not part:
            break
        content += part
    return bytes(content)


def _listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)  # of a program that was killed
        mask = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(mask)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"the socket {path} cannot be made: {error.strerror or error}", hint="check its folder and openldap.socket"
        ) from error
    return listening
