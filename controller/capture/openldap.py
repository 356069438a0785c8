"""OpenLDAP: the program behind the overlay ``sock``, one for a server. Facts: slapd-sock(5).

A change is sealed and synced before slapd carries it out, and waits to be sent only once slapd says that it succeeded.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from controller.capture.ldap_operation import (
    Ended,
    OperationId,
    OtherOperation,
    PasswordSet,
    Told,
    account_name,
    read_told,
)
from controller.capture.settings import OpenLdapSpec
from controller.capture.spool import Aside
from controller.capture.taking import Capture
from controller.model.errors import InvalidInput, SettingsError

log = logging.getLogger("pwsync.capture")

CONTINUE = b"CONTINUE\n"
NOT_TAKEN = b"RESULT\ncode: 51\ninfo: pwsync cannot keep this password change now; tell your administrator\n"
"""busy (RFC 4511, section 4.1.9): better no change than one that nobody hears of."""
_LARGEST = 1 << 20
_SECONDS = 5.0
_THREADS = 16
_LOST_AFTER = 60.0
"""Seconds after which slapd will not say any more how an operation ended."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    file: str
    since: float


class SockProgram:
    """What is told over the socket, and answered. Safe to use from many threads."""

    def __init__(
        self,
        capture: Capture,
        spec: OpenLdapSpec,
        now: Callable[[], datetime],
        steady_time: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capture = capture
        self._spec = spec
        self._now = now
        self._steady_time = steady_time
        self._prepared: dict[OperationId, _Prepared] = {}
        self._lock = threading.Lock()

    def answer(self, content: bytes) -> bytes:
        """Take what slapd tells; returns what to answer, which is nothing to a result."""
        self._give_up_lost()
        try:
            return self._answer(read_told(content))
        except InvalidInput as error:
            log.warning("An operation was passed over: problem=%s", error.message)
        except SettingsError as error:
            log.error("A change was not taken, and slapd was told so: problem=%s", error)  # noqa: TRY400  # no traceback
            return NOT_TAKEN
        return b"" if content.startswith(b"RESULT") else CONTINUE

    def _answer(self, told: Told) -> bytes:
        match told:
            case Ended(id=operation, is_success=is_success):
                self._end(operation, is_success=is_success)
                return b""
            case PasswordSet():
                self._prepare(told)
            case OtherOperation(why=why, id=part_of) if why and part_of not in self._prepared:
                log.warning("A password change cannot be captured: reason=%s", why)
            case OtherOperation():
                pass
        return CONTINUE

    def _prepare(self, told: PasswordSet) -> None:
        name = account_name(told.dn, self._spec.account_attribute, self._spec.base_dn)
        change = None if name is None else self._capture.sealed(name, told.password, self._now())
        if change is not None:
            prepared = _Prepared(self._capture.spool.prepare(change), self._steady_time())
            with self._lock:
                self._prepared[told.id] = prepared

    def _end(self, operation: OperationId, *, is_success: bool) -> None:
        with self._lock:
            prepared = self._prepared.pop(operation, None)
        if prepared is None:
            return
        if is_success:
            self._capture.spool.confirm(prepared.file)
        else:
            self._capture.spool.withdraw(prepared.file)

    def _give_up_lost(self) -> None:
        """Set aside what slapd has not told the end of: it was stopped in the middle."""
        deadline = self._steady_time() - _LOST_AFTER
        with self._lock:
            lost = [operation for operation, prepared in self._prepared.items() if prepared.since < deadline]
            files = [self._prepared.pop(operation).file for operation in lost]
        for file in files:
            self._capture.spool.set_aside(file, Aside.DOUBTFUL)
            log.error("slapd has not told how a password change ended: file=%s", file)


class SockListener:
    """Listens on the socket. ``stop`` may be called in a signal handler."""

    def __init__(self, program: SockProgram, path: Path) -> None:
        """Listen at once.

        Raises:
            SettingsError: The socket cannot be made.
        """
        self._program = program
        self._socket = _listen(path)

    def serve(self, when_ready: Callable[[], None]) -> None:
        """Serve until ``stop``."""
        when_ready()
        with ThreadPoolExecutor(_THREADS) as threads:
            while True:
                try:
                    connection, _ = self._socket.accept()
                except OSError:
                    break  # it was shut down
                threads.submit(self._serve_one, connection)
        self._socket.close()

    def stop(self) -> None:
        """End ``serve``; operations under way are finished first."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def _serve_one(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(_SECONDS)
            try:
                answer = self._program.answer(_read(connection))
                if answer:
                    connection.sendall(answer)
            except OSError as error:
                log.warning("slapd has broken off: problem=%s", error)


def _read(connection: socket.socket) -> bytes:
    """Read up to the empty line that ends what slapd tells, or to its end."""
    content = bytearray()
    while len(content) < _LARGEST and not content.endswith(b"\n\n"):
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
