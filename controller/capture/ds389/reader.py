"""389 Directory Server's part of reading its change log: a password that was taken does not stay there.

First the spool has it, synced; then the log no longer has it; then the position moves on.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from controller.capture.change_log.reader import ChangeLogReader
from controller.capture.ds389.directory import Directory
from controller.capture.ds389.log_entry import LogEntry, NewPassword, new_password, without_password
from controller.capture.ds389.settings import Ds389Spec
from controller.capture.taking import Capture
from controller.model.errors import InvalidInput

log = logging.getLogger("pwsync.capture")


class Ds389Reader(ChangeLogReader[LogEntry]):
    """Reads the log of one server into one spool. ``stop`` may be called in a signal handler."""

    def __init__(
        self,
        capture: Capture,
        spec: Ds389Spec,
        directory: Directory,
        *,
        now: Callable[[], datetime],
        steady_time: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        super().__init__(capture, directory, spec.every, steady_time=steady_time, jitter=jitter)
        self._spec = spec
        self._directory = directory
        self._now = now
        self._in_spool: tuple[int, str] | None = None

    def take_entry(self, entry: LogEntry) -> None:
        """Take the new password of an entry, and take it out of the log; also one that is nobody's to be captured."""
        new = new_password(entry)
        if new is not None and _identity(entry) != self._in_spool:  # else it is there; the log still had it
            name = self._spec.account_of(entry.target)
            if name is None:
                log.info("A password change was passed over: %s", self._spec.passed_over(entry.target))
            elif not self._capture.leaves_out(name):
                self._take(entry, self._spelled(entry.target, name), new)
        cleared = without_password(entry)
        if cleared is not None:
            self._directory.replace_changes(entry.number, cleared)

    def _spelled(self, dn: str, name: str) -> str:
        """As the entry itself spells the account: the log has what the client wrote."""
        values = self._directory.values(dn, self._spec.account_attribute)
        return next((value for value in values if value.casefold() == name.casefold()), name)

    def _take(self, entry: LogEntry, name: str, new: NewPassword) -> None:
        shown = name if name.isprintable() else repr(name)
        if new.password is None:
            self.refuse(entry, shown, new.why)
            return
        try:
            self._capture.take(name, new.password, entry.at or self._now())
        except InvalidInput as error:
            self.refuse(entry, shown, error.message)
            return
        self._in_spool = _identity(entry)
        self._state = replace(self._state, taken=self._state.taken + 1)
        log.info("A change was captured: account=%s change=%d", shown, entry.number)


def _identity(entry: LogEntry) -> tuple[int, str]:
    """What tells an entry from one of the same number in a log that was made anew."""
    return entry.number, entry.time
