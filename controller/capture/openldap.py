"""OpenLDAP: the program behind the overlay ``sock``, one for a server. Facts: slapd-sock(5).

A change is sealed and synced before slapd carries it out, and waits to be sent only once slapd says that it succeeded.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
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
from controller.capture.settings import OpenLdapSpec
from controller.capture.spool import Aside
from controller.capture.taking import Capture
from controller.model.errors import InvalidInput, SettingsError
from controller.model.secret import MAX_PASSWORD_LENGTH, Secret

log = logging.getLogger("pwsync.capture")

PROGRAM, PROGRAM_LOCK = "'pwsync capture openldap'", "openldap.lock"
CONTINUE = b"CONTINUE\n"
NOT_TAKEN = b"RESULT\ncode: 51\ninfo: pwsync cannot keep this password change now; tell your administrator\n"
"""busy (RFC 4511, section 4.1.9): better no change than one that nobody hears of."""
_LOST_AFTER = 60.0
"""Seconds after which slapd will not say any more how an operation ended."""
Later = Callable[[Callable[[], None]], object]
"""Does what asks slapd itself, where nothing that slapd waits for waits behind it: all its threads may wait for us."""


def _at_once(what: Callable[[], None]) -> None:
    what()


@dataclass(frozen=True, slots=True)
class _Announced:
    """A password that an operation will set, should slapd begin it."""

    password: Secret
    since: float


@dataclass(frozen=True, slots=True)
class _Begun:
    """A change that is kept, and whose end is not known.

    Attributes:
        name: The account, as the client spells it.
        login: What opens the entry once it is done.
        file: Where the change is kept.
    """

    name: str
    occurred_at: datetime
    login: Login
    since: float
    file: str


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
        self._announced: dict[OperationId, _Announced] = {}
        self._begun: dict[OperationId, _Begun] = {}
        self._again: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def answer(self, content: bytes) -> bytes:
        """Take what slapd tells; returns what to answer, which is nothing to a result."""
        try:
            told = read_told(content)
        except InvalidInput as error:
            is_result = content.startswith(b"RESULT")
            words = "" if is_result else ", and slapd was told so"
            log.error("An operation was not understood%s: problem=%s", words, error.message)  # noqa: TRY400  # no traceback
            return b"" if is_result else NOT_TAKEN
        try:
            return self._answer(told)
        except InvalidInput as error:
            log.warning("An operation was passed over: problem=%s", error.message)
        except SettingsError as error:
            log.error("A change was not taken, and slapd was told so: problem=%s", error)  # noqa: TRY400  # no traceback
            return NOT_TAKEN
        return CONTINUE

    def _answer(self, told: Told) -> bytes:
        match told:
            case Ended(id=operation, is_success=is_success):
                self._end(operation, is_success=is_success)
                return b""
            case PasswordSet(is_announced=True):
                self._announce(told)
            case PasswordSet():
                self._begin(told.id, told.dn, told.password)
            case OtherOperation(id=OperationId() as operation, why=why, dn=dn):
                self._carry_out(operation, dn, why)
            case OtherOperation(why=why):
                if why:
                    log.warning("A password change cannot be captured: reason=%s", why)
            case _:
                assert_never(told)
        return CONTINUE

    def _announce(self, told: PasswordSet) -> None:
        """Remember the password until slapd carries it out: what it refuses at once, it tells nobody."""
        if told.password.is_too_long():
            raise InvalidInput(f"a password is longer than {MAX_PASSWORD_LENGTH} characters")
        with self._lock:
            self._announced[told.id] = _Announced(told.password, self._steady_time())

    def _carry_out(self, operation: OperationId, dn: str, why: str) -> None:
        """Begin what was announced; without that, nobody knows which password was hashed there.

        The entry is the one that slapd names now: a client spells it as it likes. Clients choose the ids of their
        operations too, so that one that was refused may be followed by one of the same id for another entry. Then the
        login does not bear it out.
        """
        with self._lock:
            announced = self._announced.get(operation)
        if announced is None:
            log.warning("A password change cannot be captured: reason=%s", why)
        else:
            self._begin(operation, dn, announced.password)

    def _begin(self, operation: OperationId, dn: str, password: Secret) -> None:
        """Keep a change before slapd carries it out.

        Of an earlier one of the same id nobody will say which of the two a result means.
        """
        with self._lock:
            self._announced.pop(operation, None)
        name, now = self._spec.account_of(dn), self._now()
        if name is None:
            log.info("A password change was passed over: %s", self._spec.passed_over(dn))
            return
        change = self._capture.sealed(name, password, now)
        if change is None:
            return
        file = self._capture.spool.prepare(change)
        begun = _Begun(name, now, Login(dn, password), self._steady_time(), file)
        with self._lock:
            former = self._begun.pop(operation, None)
            self._begun[operation] = begun
        if former is not None:
            log.error("Two password changes had the same id, and the earlier is in doubt: file=%s", former.file)
            self._doubt(former.file)

    def _end(self, operation: OperationId, *, is_success: bool) -> None:
        with self._lock:
            ended = self._begun.pop(operation, None)
        if ended is not None:
            self._later(partial(self._settle, ended, is_success=is_success))

    def _settle(self, ended: _Begun, *, is_success: bool) -> None:
        try:
            if not is_success:
                self._capture.spool.withdraw(ended.file)
            elif (name := self._opened(ended)) is None:
                self._doubt(ended.file)
            else:
                self._confirm(ended, name)
        except (OSError, SettingsError) as error:
            is_over = self._steady_time() - ended.since > _LOST_AFTER
            again = partial(self._doubt, ended.file) if is_over else partial(self._settle, ended, is_success=is_success)
            with self._lock:
                self._again.append(again)
            log.error("How a change ended is not kept yet: file=%s problem=%s", ended.file, error)  # noqa: TRY400  # no traceback
        except InvalidInput as error:
            log.error("A change is in doubt: file=%s problem=%s", ended.file, error.message)  # noqa: TRY400  # no traceback
            self._doubt(ended.file)
        except Exception as error:  # noqa: BLE001  # of a thread nobody waits for: the change is in doubt
            log.critical("A mistake of pwsync: error=%s", type(error).__qualname__)
            self._doubt(ended.file)

    def _confirm(self, ended: _Begun, name: str) -> None:
        """Let it be sent, under the name that the entry itself has: clients may spell it in another way."""
        if name == ended.name:
            self._capture.spool.confirm(ended.file)
        elif (change := self._capture.sealed(name, ended.login.password, ended.occurred_at)) is not None:
            self._capture.spool.confirm(ended.file, change)
        else:
            self._capture.spool.withdraw(ended.file)

    def _opened(self, ended: _Begun) -> str | None:
        """The account whose password it is, asked of slapd; None when it is nobody's.

        Clients choose the ids of operations, so the success may be that of another one.

        Raises:
            OSError, SettingsError: slapd does not answer now.
        """
        try:
            dn = self._opens(ended.login)
        except InvalidInput as error:  # it broke off in the middle
            raise SettingsError(error.message) from None
        name = None if dn is None else self._spec.account_of(dn)
        if name is None:
            problem = "slapd does not take it" if dn is None else f"it opens {dn!r}, which is not captured"
            log.error("A password is not in force after its change: account=%s problem=%s", ended.name, problem)
        return name

    def look_back(self) -> None:
        """Do again what failed; give up what was announced or begun, and whose end slapd will not say any more."""
        deadline = self._steady_time() - _LOST_AFTER
        with self._lock:
            again, self._again = self._again, []
            self._announced = {key: one for key, one in self._announced.items() if one.since >= deadline}
            lost = {key: one for key, one in self._begun.items() if one.since < deadline}
            for key in lost:
                del self._begun[key]
        for do in again:
            self._later(do)
        for one in lost.values():
            log.error("slapd has not told how a password change ended: file=%s", one.file)
            self._doubt(one.file)

    def _doubt(self, file: str) -> None:
        try:
            is_there = self._capture.spool.set_aside(file, Aside.DOUBTFUL)
        except SettingsError as error:
            with self._lock:
                self._again.append(partial(self._doubt, file))
            log.error("A change in doubt cannot be set aside yet: file=%s problem=%s", file, error)  # noqa: TRY400  # no traceback
        else:
            if not is_there:
                log.warning("A change in doubt is there no more: file=%s", file)
