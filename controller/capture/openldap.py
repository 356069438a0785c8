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
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import assert_never

from controller.capture.ldap_login import Login
from controller.capture.ldap_operation import (
    Ended,
    OperationId,
    OtherOperation,
    PasswordSet,
    Told,
    read_told,
)
from controller.capture.record import CapturedChange
from controller.capture.settings import OpenLdapSpec
from controller.capture.spool import Aside
from controller.capture.taking import Capture
from controller.model.errors import InvalidInput, SettingsError

log = logging.getLogger("pwsync.capture")

PROGRAM, PROGRAM_LOCK = "'pwsync capture openldap'", "openldap.lock"
CONTINUE = b"CONTINUE\n"
NOT_TAKEN = b"RESULT\ncode: 51\ninfo: pwsync cannot keep this password change now; tell your administrator\n"
"""busy (RFC 4511, section 4.1.9): better no change than one that nobody hears of."""
_LARGEST = 8 << 20
"""Bytes of what is read: more than slapd takes from a client (sockbuf_max_incoming_auth), written as base64."""
_END = b"\n\n"
_SECONDS = 5.0
THREADS = 16
_LOST_AFTER = 60.0
"""Seconds after which slapd will not say any more how an operation ended."""
_LOOK_EVERY = 15.0
"""Seconds between two looks for such operations."""
Later = Callable[[Callable[[], None]], object]
"""Does what asks slapd itself, where nothing that slapd waits for waits behind it: all its threads may wait for us."""


def _at_once(what: Callable[[], None]) -> None:
    what()


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """An operation whose end is not known.

    Attributes:
        name: The account that it concerns; None for one that is not captured.
        change: What it will set, announced but not begun; None for an account that is not captured.
        login: What opens the entry once that is done; None as *change*.
        file: Where that is kept, once it was begun.
    """

    name: str | None
    change: CapturedChange | None
    login: Login | None
    since: float
    file: str = ""


class SockProgram:
    """What is told over the socket, and answered. Safe to use from many threads."""

    def __init__(
        self,
        capture: Capture,
        spec: OpenLdapSpec,
        opens: Callable[[Login], str | None],
        now: Callable[[], datetime],
        steady_time: Callable[[], float] = time.monotonic,
        *,
        later: Later = _at_once,
    ) -> None:
        self._capture = capture
        self._spec = spec
        self._opens = opens
        self._now = now
        self._steady_time = steady_time
        self._later = later
        self._under_way: dict[OperationId, _UnderWay] = {}
        self._lock = threading.Lock()

    def answer(self, content: bytes) -> bytes:
        """Take what slapd tells; returns what to answer, which is nothing to a result."""
        try:
            told = read_told(content)
        except InvalidInput as error:
            log.error("An operation was not understood, and slapd was told so: problem=%s", error.message)  # noqa: TRY400  # no traceback
            return b"" if content.startswith(b"RESULT") else NOT_TAKEN
        try:
            return self._answer(told)
        except InvalidInput as error:
            log.warning("An operation was passed over: problem=%s", error.message)
        except SettingsError as error:
            if content.startswith(b"RESULT"):
                log.error("How a change ended was not kept: problem=%s", error)  # noqa: TRY400  # no traceback
                return b""
            log.error("A change was not taken, and slapd was told so: problem=%s", error)  # noqa: TRY400  # no traceback
            return NOT_TAKEN
        return b"" if content.startswith(b"RESULT") else CONTINUE

    def _answer(self, told: Told) -> bytes:
        match told:
            case Ended(id=operation, is_success=is_success):
                self._end(operation, is_success=is_success)
                return b""
            case PasswordSet(is_announced=True):
                self._announce(told)
            case PasswordSet():
                self._begin(told.id, self._planned(told))
            case OtherOperation(id=OperationId() as operation, why=why, dn=dn):
                self._carry_out(operation, self._spec.account_of(dn), why)
            case OtherOperation(why=why):
                if why:
                    log.warning("A password change cannot be captured: reason=%s", why)
            case _:
                assert_never(told)
        return CONTINUE

    def _planned(self, told: PasswordSet) -> _UnderWay:
        name = self._spec.account_of(told.dn)
        if name is None:
            log.info("A password change was passed over: %s", self._spec.passed_over(told.dn))
        change = None if name is None else self._capture.sealed(name, told.password, self._now())
        login = None if change is None else Login(told.dn, told.password)
        return _UnderWay(name, change, login, self._steady_time())

    def _announce(self, told: PasswordSet) -> None:
        """Remember the sealed change until slapd carries it out: what it refuses at once, it tells nobody."""
        self._replace(told.id, self._planned(told))

    def _carry_out(self, operation: OperationId, name: str | None, why: str) -> None:
        """Begin what was announced for this account; without that, nobody knows which password was hashed there.

        Clients choose the ids of their operations: one that was refused may be followed by one of the same id for
        another entry.
        """
        with self._lock:
            announced = self._under_way.get(operation)
        if announced is None or announced.name != name or announced.file:
            log.warning("A password change cannot be captured: reason=%s", why)
        else:
            self._begin(operation, announced)

    def _begin(self, operation: OperationId, planned: _UnderWay) -> None:
        """Keep a change before slapd carries it out."""
        if planned.change is None:
            with self._lock:
                self._under_way.pop(operation, None)
        else:
            file = self._capture.spool.prepare(planned.change)
            self._replace(operation, replace(planned, since=self._steady_time(), file=file))

    def _replace(self, operation: OperationId, under_way: _UnderWay) -> None:
        """Follow an operation; of an earlier one of the same id nobody will say which of the two a result means."""
        with self._lock:
            former = self._under_way.get(operation)
            self._under_way[operation] = under_way
        if former is not None and former.file:
            self._capture.spool.set_aside(former.file, Aside.DOUBTFUL)
            log.error("Two password changes had the same id, and the earlier is in doubt: file=%s", former.file)

    def _end(self, operation: OperationId, *, is_success: bool) -> None:
        with self._lock:
            ended = self._under_way.pop(operation, None)
        if ended is not None and ended.file:
            self._later(partial(self._settle, operation, ended, is_success=is_success))

    def _settle(self, operation: OperationId, ended: _UnderWay, *, is_success: bool) -> None:
        try:
            if not is_success:
                self._capture.spool.withdraw(ended.file)
            elif (name := self._opened(ended)) is not None:
                self._confirm(ended, name)
            else:
                self._capture.spool.set_aside(ended.file, Aside.DOUBTFUL)
        except (OSError, SettingsError, InvalidInput) as error:
            with self._lock:
                self._under_way.setdefault(operation, ended)  # it is set aside later, for a person
            log.error("How a change ended was not kept: file=%s problem=%s", ended.file, error)  # noqa: TRY400  # no traceback
        except Exception as error:  # noqa: BLE001  # of a thread nobody waits for: the change is in doubt at the next start
            log.critical("A mistake of pwsync: error=%s", type(error).__qualname__)

    def _confirm(self, ended: _UnderWay, name: str) -> None:
        """Let it be sent, under the name that the entry itself has: clients may spell it in another way."""
        if ended.change is None or ended.login is None or name == ended.name:
            self._capture.spool.confirm(ended.file)
        elif (change := self._capture.sealed(name, ended.login.password, ended.change.occurred_at)) is not None:
            self._capture.spool.confirm(ended.file, change)
        else:
            self._capture.spool.withdraw(ended.file)

    def _opened(self, ended: _UnderWay) -> str | None:
        """The account whose password it is, asked of slapd; None when it is nobody's.

        Clients choose the ids of operations, so the success may be that of another one.
        """
        if ended.login is None:
            return None
        try:
            dn = self._opens(ended.login)
            problem = "slapd does not take it" if dn is None else f"it opens {dn}, which is not captured"
        except (OSError, InvalidInput) as error:
            dn, problem = None, str(error)
        name = None if dn is None else self._spec.account_of(dn)
        if name is None:
            log.error("A password is not in force after its change: account=%s problem=%s", ended.name, problem)
        return name

    def give_up_lost(self) -> None:
        """Forget what was announced and never begun; set aside what was begun by a slapd that was then stopped."""
        deadline = self._steady_time() - _LOST_AFTER
        with self._lock:
            lost = {operation: one for operation, one in self._under_way.items() if one.since < deadline}
            for operation in lost:
                del self._under_way[operation]
        for operation, under_way in lost.items():
            if under_way.file:
                self._give_up(operation, under_way)

    def _give_up(self, operation: OperationId, under_way: _UnderWay) -> None:
        try:
            self._capture.spool.set_aside(under_way.file, Aside.DOUBTFUL)
        except FileNotFoundError:
            log.warning("A change in doubt is there no more: file=%s", under_way.file)
        except OSError as error:
            with self._lock:
                self._under_way.setdefault(operation, under_way)
            log.error("A change in doubt cannot be set aside: file=%s problem=%s", under_way.file, error)  # noqa: TRY400  # no traceback
        else:
            log.error("slapd has not told how a password change ended: file=%s", under_way.file)


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
            self._program.give_up_lost()

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
