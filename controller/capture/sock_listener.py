"""The socket that slapd's overlay ``sock`` asks: one connection for each thing that it tells (slapd-sock(5))."""

import logging
import os
import socket
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

from controller.capture.openldap import CONTINUE, NOT_TAKEN, SockProgram
from controller.model.errors import SettingsError
from controller.sdk.patience import StopSign

log = logging.getLogger("pwsync.capture")

THREADS = 16
_LARGEST = 32 << 20
"""Bytes of what is read. slapd takes 4 MiB from a client (sockbuf_max_incoming_auth); written as LDIF, it grows."""
_END = b"\n\n"
_SECONDS = 5.0
_LOOK_EVERY = 5.0
"""Seconds between two looks for what failed, or never ended."""
_PAUSE = 0.2
"""Seconds before the next connection is taken, after one could not be."""
_QUESTION = b"STATUS\n\n"
"""Something that slapd never asks, and that goes on as all that is of no interest."""


class SockListener:
    """Listens on the socket. ``stop`` may be called in a signal handler."""

    def __init__(self, program: SockProgram, path: Path) -> None:
        """Listen at once.

        Raises:
            SettingsError: The socket cannot be made.
        """
        self._program = program
        self._socket = _listen(path)
        self._stop = StopSign()
        self._slots = threading.BoundedSemaphore(2 * THREADS)

    def serve(self, when_ready: Callable[[], None]) -> None:
        """Serve until ``stop``."""
        when_ready()
        with closing(self._socket), ThreadPoolExecutor(THREADS + 1) as threads:
            threads.submit(self._look_back)
            try:
                while not self._stop.is_set:
                    self._slots.acquire()
                    self._accept(threads)
            finally:
                self._stop.set()

    def stop(self) -> None:
        """End ``serve``; operations under way are finished first. May be called by a signal handler."""
        self._stop.set()
        with suppress(OSError):  # it was shut down already
            self._socket.shutdown(socket.SHUT_RDWR)

    def _accept(self, threads: ThreadPoolExecutor) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError as error:
            self._slots.release()
            if not self._stop.is_set:
                log.error("A connection of slapd cannot be taken yet: problem=%s", error)  # noqa: TRY400  # no traceback
                self._stop.wait(_PAUSE)
        else:
            threads.submit(self._serve_one, connection).add_done_callback(lambda _: self._slots.release())

    def _look_back(self) -> None:
        while not self._stop.is_set:
            try:
                self._program.look_back()
            except Exception as error:  # noqa: BLE001  # of a thread nobody waits for: it must go on
                log.critical("A mistake of pwsync: error=%s", type(error).__qualname__)
            self._stop.wait(_LOOK_EVERY)

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


def is_answering(path: Path) -> bool:
    """Whether a program answers on the socket, as slapd would ask it."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(str(path))
            connection.sendall(_QUESTION)
            return connection.recv(len(CONTINUE)) == CONTINUE
    except OSError:
        return False


def refuse_taken(path: Path) -> None:
    """See that nothing is at *path* that is not ours to replace.

    Raises:
        SettingsError: A file is, or a socket on which somebody answers.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SettingsError(
                f"{path} is there already, and no socket", hint="give openldap.socket a name of its own"
            )
        if is_answering(path):
            raise SettingsError(
                f"another program answers on {path}", hint="end it, or give openldap.socket a name of its own"
            )


def _listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        refuse_taken(path)
        path.unlink(missing_ok=True)  # of a program that was killed
        mask = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(mask)
        listening.listen(128)
    except SettingsError:
        listening.close()
        raise
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"the socket {path} cannot be made: {error.strerror or error}", hint="check its folder and openldap.socket"
        ) from error
    return listening
