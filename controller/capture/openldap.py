"""OpenLDAP: the program behind the overlay ``sock``, one for a server. Facts: slapd-sock(5).

A change is sealed and synced before slapd carries it out, and waits to be sent only once slapd says that it succeeded,
and the new password opens the entry. What slapd says is a hint: it names operations by ids that clients choose, and
tells the ends of searches that its own overlays make with the same id. The login decides.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import assert_never

from controller.capture.distinguished_name import value_key
from controller.capture.ldap_login import Login
from controller.capture.ldap_operation import (
    Ended,
    OperationId,
    OtherOperation,
    PasswordAnnounced,
    PasswordSet,
    Told,
    Unreadable,
    read_told,
)
from controller.capture.settings import OpenLdapSpec
from controller.capture.spool import Aside
from controller.capture.taking import Capture
from controller.capture.under_way import Announced, Begun
from controller.model.errors import InvalidInput, SettingsError
from controller.model.secret import MAX_PASSWORD_LENGTH, Secret

log = logging.getLogger("pwsync.capture")

PROGRAM, PROGRAM_LOCK = "'pwsync capture openldap'", "openldap.lock"
CONTINUE = b"CONTINUE\n"
NOT_TAKEN = b"RESULT\ncode: 51\ninfo: pwsync cannot keep this password change now; tell your administrator\n"
"""busy (RFC 4511, section 4.1.9): better no change than one that nobody hears of."""
TOO_LONG = b"RESULT\ncode: 19\ninfo: a password may have at most %d characters\n" % MAX_PASSWORD_LENGTH
"""constraintViolation: nobody could be told of it."""
_LOST_AFTER = 60.0
"""Seconds after which slapd will not say any more how an operation ended."""
_MOST_UNDER_WAY = 256
_IN_PROGRESS = 10.0
"""Beyond so many, those that began so many seconds ago were abandoned, of which slapd tells no end."""
_MOST_FAILED = 4096
_MOST_ANNOUNCED = 4096
_UNTOLD = Secret("-" * (MAX_PASSWORD_LENGTH + 1))
"""Stands for all passwords that are too long: a client can send millions of bytes."""
_MOST_TRIES = 3
"""Logins for one change: each that is refused counts towards a lockout."""
Later = Callable[[Callable[[], None]], object]
"""Does what asks slapd itself, where nothing that slapd waits for waits behind it: all its threads may wait for us."""


def _at_once(what: Callable[[], None]) -> None:
    what()


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
        self._announced: dict[OperationId, Announced] = {}
        self._begun: dict[OperationId, Begun] = {}
        self._failed: dict[OperationId, list[Begun]] = {}
        self._in_force: dict[str, float] = {}
        self._again: list[tuple[OperationId, Begun]] = []
        self._doubtful: list[str] = []
        self._unnoted: list[Begun] = []
        self._lock = threading.Lock()

    def answer(self, content: bytes) -> bytes:
        """Take what slapd tells; returns what to answer, which is nothing to a result."""
        try:
            told = read_told(content)
        except InvalidInput as error:
            is_result = content.startswith(b"RESULT")
            words = "" if is_result else ", and slapd was told so"
            log.error("An operation was not understood%s: problem=%s", words, error)  # noqa: TRY400  # no traceback
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
            case PasswordAnnounced():
                self._announce(told)
            case PasswordSet():
                return self._begin(told.id, told.dn, told.password)
            case Unreadable():
                return self._carry_out(told)
            case OtherOperation():
                pass
            case _:
                assert_never(told)
        return CONTINUE

    def _announce(self, told: PasswordAnnounced) -> None:
        """Remember the password until slapd carries it out: what it refuses at once, it tells nobody."""
        password = _UNTOLD if told.password.is_too_long() else told.password
        with self._lock:
            self._announced[told.id] = Announced(password, self._steady_time())
            if len(self._announced) > _MOST_ANNOUNCED:
                del self._announced[next(iter(self._announced))]

    def _carry_out(self, told: Unreadable) -> bytes:
        """Begin what was announced; without that, nobody knows which password is hashed there.

        The entry is the one that slapd names now: a client spells it as it likes. Clients choose the ids of their
        operations too, so that one that was refused may be followed by one of the same id for another entry. Then the
        login does not bear it out.
        """
        with self._lock:
            announced = self._announced.get(told.id)
        if announced is None:
            log.warning("A password change cannot be captured: dn=%r reason=%s", told.dn, told.why)
        return self._begin(told.id, told.dn, None if announced is None else announced.password)

    def _begin(self, operation: OperationId, dn: str, password: Secret | None) -> bytes:
        """Keep a change before slapd carries it out; returns what to answer.

        Of an earlier one of the same id nobody will say which of the two a result means.
        """
        with self._lock:
            self._announced.pop(operation, None)
        account, now = self._spec.account_of(dn), self._now()
        if account is None:
            log.info("A password change was passed over: %s", self._spec.passed_over(dn))
            return CONTINUE
        name = value_key(account)
        if self._capture.leaves_out(name):
            return CONTINUE
        begun = Begun(name, now, None if password is None else Login(dn, password), self._steady_time())
        if password is not None:
            if password.is_too_long():
                log.warning("A password is too long to be captured, and slapd was told so: account=%r", name)
                return TOO_LONG
            if (change := self._capture.sealed(name, password, now)) is not None:
                begun.file = self._capture.spool.prepare(change)
        with self._lock:
            former = self._begun.pop(operation, None)
            self._begun[operation] = begun
            beyond = self._abandoned()
            if former is not None and former.told is not None:
                self._again.append((operation, former))  # what became of it is being found out
        if former is not None and former.told is None:
            former.problem = "another one had the same id"
            self._later(partial(self._doubt_of, former))
        for one in beyond:
            one.problem = "slapd has not told how it ended, and many others began meanwhile"
            self._later(partial(self._doubt_of, one))
        return CONTINUE

    def _abandoned(self) -> list[Begun]:
        """Take out the oldest that slapd has told no end of, beyond those that it can be working on."""
        untold = [(key, one) for key, one in self._begun.items() if one.told is None]
        latest = self._steady_time() - _IN_PROGRESS
        gone = [(key, one) for key, one in untold[: max(len(untold) - _MOST_UNDER_WAY, 0)] if one.since < latest]
        for key, _ in gone:
            del self._begun[key]
        return [one for _, one in gone]

    def _end(self, operation: OperationId, *, is_success: bool) -> None:
        with self._lock:
            ended = [self._begun[operation]] if operation in self._begun else []
            if is_success:
                earlier = [*self._failed.get(operation, []), *(one for key, one in self._again if key == operation)]
                ended += {id(one): one for one in earlier if one.tries < _MOST_TRIES - 1}.values()
            for one in ended:
                one.told = is_success
                one.is_untried |= is_success
                one.has_succeeded |= is_success
        for one in ended:
            self._later(partial(self._settle, operation, one, is_success=is_success))

    def _settle(self, operation: OperationId, ended: Begun, *, is_success: bool) -> None:
        with ended.lock:
            if not ended.is_settled:
                self._find_out(operation, ended, is_success=is_success)
        if ended.is_settled:
            self._forget(operation, ended)

    def _find_out(self, operation: OperationId, ended: Begun, *, is_success: bool) -> None:
        try:
            if is_success or ended.is_untried:
                self._try(ended)
            if not ended.is_settled and not ended.is_untried and (not is_success or self._is_overtaken(ended)):
                self._withdraw(operation, ended)
        except (OSError, SettingsError) as error:
            ended.problem = str(error)
            with self._lock:
                self._again.append((operation, ended))
            log.error("How a change ended is not kept yet: file=%s problem=%s", ended.file, error)  # noqa: TRY400  # no traceback
        except InvalidInput as error:
            ended.problem = error.message
        except Exception as error:  # noqa: BLE001  # of a thread nobody waits for: the change is in doubt
            ended.problem = "a mistake of pwsync"
            log.critical("A mistake of pwsync: error=%s", type(error).__qualname__)

    def _is_overtaken(self, ended: Begun) -> bool:
        """Whether a later change of the account is known to be in force."""
        with self._lock:
            return self._in_force.get(ended.name, -1.0) > ended.since

    def _withdraw(self, operation: OperationId, ended: Begun) -> None:
        """It has failed; but remember it: the failure may be that of another operation, and its success come later."""
        self._withdraw_file(ended)
        with self._lock:
            if self._begun.get(operation) is ended:
                del self._begun[operation]
            failed = self._failed.setdefault(operation, [])
            if not any(one is ended for one in failed):
                failed.append(ended)
            while len(self._failed) > _MOST_FAILED:
                del self._failed[next(iter(self._failed))]

    def _withdraw_file(self, ended: Begun) -> None:
        if ended.file:
            self._capture.spool.withdraw(ended.file)
            ended.file = ""

    def _try(self, ended: Begun) -> None:
        """Let it be sent if the new password opens the entry, under the name that the entry itself has.

        Raises:
            OSError, SettingsError: slapd does not answer now, or the spool does not take it.
            InvalidInput: The entry has a name that no account can have.
        """
        if ended.login is None:
            self._miss(ended)
        elif ended.tries < _MOST_TRIES and (name := self._opened(ended, ended.login)) is not None:
            change = self._capture.sealed(name, ended.login.password, ended.occurred_at)
            if change is None:
                self._withdraw_file(ended)
            elif ended.file:
                self._capture.spool.confirm(ended.file, None if name == ended.name else change)
            else:
                self._capture.spool.put(change)
            ended.is_settled = True
            with self._lock:
                self._in_force[ended.name] = max(ended.since, self._in_force.get(ended.name, -1.0))

    def _miss(self, ended: Begun) -> None:
        """Note that there is a password that nobody knows."""
        ended.is_untried, ended.is_in_force = False, True
        self._capture.miss(ended.name, ended.occurred_at, self._now())
        ended.is_settled = True

    def _opened(self, ended: Begun, login: Login) -> str | None:
        """The account whose password it is, asked of slapd; None when it is nobody's."""
        try:
            dn = self._opens(login)
        except InvalidInput as error:  # it broke off in the middle
            raise SettingsError(error.message) from None
        name = None if dn is None else self._spec.account_of(dn)
        ended.is_untried, ended.is_in_force = False, name is not None
        if name is None:
            ended.tries += 1
            ended.problem = "slapd does not take it" if dn is None else f"it opens {dn!r}, which is not captured"
        return name

    def look_back(self) -> None:
        """Do again what failed; give up what was announced or begun, and whose end slapd will not say any more."""
        deadline = self._steady_time() - _LOST_AFTER
        with self._lock:
            self._announced = {key: one for key, one in self._announced.items() if one.since >= deadline}
            self._in_force = {name: since for name, since in self._in_force.items() if since >= deadline}
            failed = [(key, one) for key, those in self._failed.items() for one in those]
            self._failed = {}
            for key, one in failed:
                if one.since >= deadline:
                    self._failed.setdefault(key, []).append(one)
            dubious = [one for _, one in failed if one.since < deadline and one.has_succeeded]
            overtaken = [
                (key, one)
                for key, one in self._begun.items()
                if one.tries and self._in_force.get(one.name, -1.0) > one.since
            ]
            lost = {key: one for key, one in self._begun.items() if one.since < deadline}
            for key in lost:
                del self._begun[key]
            again = {id(one): (key, one) for key, one in self._again if not one.is_settled and (one.file or one.told)}
            late = [one for _, one in again.values() if one.since < deadline]
            self._again = [(key, one) for key, one in again.values() if one.since >= deadline]
            due = [(key, one, one.told) for key, one in self._again if one.told is not None]
            doubtful, self._doubtful = self._doubtful, []
            unnoted, self._unnoted = self._unnoted, []
        for key, one, is_success in [*due, *((key, one, False) for key, one in overtaken)]:
            self._later(partial(self._settle, key, one, is_success=is_success))
        for one in [*lost.values(), *late, *dubious]:
            self._later(partial(self._give_up, one))
        for file in doubtful:
            self._doubt(file)
        for one in unnoted:
            self._note_missed(one)

    def _give_up(self, begun: Begun) -> None:
        """Set it aside, unless it was carried out: slapd tells no end to a client that has gone."""
        if begun.login is not None and (not begun.tries or not begun.file):
            self._settle(OperationId("", ""), begun, is_success=True)
        self._doubt_of(begun)

    def _doubt_of(self, begun: Begun) -> None:
        with begun.lock:
            if begun.is_settled:
                return
            begun.is_settled = True
        if begun.file:
            log.error("A change is in doubt: account=%r file=%s problem=%s", begun.name, begun.file, begun.problem)
            self._doubt(begun.file)
        elif begun.is_in_force or begun.is_untried or (begun.login is None and begun.told is not False):
            log.error("A change may be lost: account=%r problem=%s", begun.name, begun.problem)
            self._note_missed(begun)

    def _note_missed(self, begun: Begun) -> None:
        try:
            self._capture.miss(begun.name, begun.occurred_at, self._now())
        except InvalidInput:
            return  # nobody has such an account
        except SettingsError as error:
            with self._lock:
                self._unnoted.append(begun)
            log.error("It cannot be noted yet: account=%r problem=%s", begun.name, error)  # noqa: TRY400  # no traceback

    def close(self) -> None:
        """Note what is under way and on no disk. What is on the disk is in doubt at the next start."""
        with self._lock:
            under_way = [one for one in self._begun.values() if not one.file]
            under_way += self._unnoted
            self._begun, self._unnoted = {}, []
        for one in under_way:
            one.problem = "the program was ended"
            self._doubt_of(one)

    def _doubt(self, file: str) -> None:
        try:
            is_there = self._capture.spool.set_aside(file, Aside.DOUBTFUL)
        except SettingsError as error:
            with self._lock:
                self._doubtful.append(file)
            log.error("A change in doubt cannot be set aside yet: file=%s problem=%s", file, error)  # noqa: TRY400  # no traceback
        else:
            if not is_there:
                log.warning("A change in doubt was set aside or removed already: file=%s", file)

    def _forget(self, operation: OperationId, settled: Begun) -> None:
        with self._lock:
            if self._begun.get(operation) is settled:
                del self._begun[operation]
