"""RACF's part of reading its change log: new passwords are in envelopes, which are fetched and opened."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from controller.capture.change_log.reader import ChangeLogReader
from controller.capture.change_log.state import Missed
from controller.capture.forwarder import Held
from controller.capture.racf.changelog import LogEntry, NewPassword, new_passwords, user_of
from controller.capture.racf.directory import Directory
from controller.capture.racf.envelope import EnvelopeDamaged, EnvelopeOpener, EnvelopesUnusable
from controller.capture.racf.settings import RacfSpec
from controller.capture.taking import Capture
from controller.model.errors import InvalidInput

log = logging.getLogger("pwsync.capture")


class LogReader(ChangeLogReader[LogEntry]):
    """Reads the log of one RACF into one spool. ``stop`` may be called in a signal handler."""

    def __init__(
        self,
        capture: Capture,
        spec: RacfSpec,
        directory: Directory,
        opener: EnvelopeOpener,
        *,
        now: Callable[[], datetime],
        steady_time: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        super().__init__(capture, directory, spec.every, steady_time=steady_time, jitter=jitter)
        self._spec = spec
        self._directory = directory
        self._opener = opener
        self._now = now
        own = (user_of(spec.bind.user, spec.suffix), *spec.skip_changes_by)
        self._own = {user.upper() for user in own if user is not None}

    def take_entry(self, entry: LogEntry) -> None:
        """Take the new passwords of an entry.

        Raises:
            Held, ConnectorError, SettingsError: It cannot be taken now; the position stays before it.
        """
        told = new_passwords(entry, self._spec.suffix, self._spec.kinds)
        if told and user_of(entry.initiator, self._spec.suffix) in self._own:
            self._state = replace(self._state, own=self._state.own + 1)
            return
        for new in told:
            if new.user is None:
                self.refuse(entry, repr(entry.target), f"it is no user below racf.suffix {self._spec.suffix}")
            elif not self._capture.leaves_out(new.user):
                self._take(entry, new, new.user)

    def _take(self, entry: LogEntry, new: NewPassword, user: str) -> None:
        envelope = self._directory.envelope(entry.target, new.kind) if new.has_envelope else None
        if envelope is None:
            counts = replace(self._state.counts, no_envelope=self._state.counts.no_envelope + 1)
            why = f"the new {new.kind} has no envelope{' any more' if new.has_envelope else ''}"
            self._state = replace(self._state, counts=counts).miss(Missed(entry.number, user, why, is_refused=False))
            log.error("A new password cannot be had: user=%s change=%d why=%s", user, entry.number, why)
            return
        try:
            opened = self._opener.open(envelope, self._now())
            if opened.is_expired and self._spec.expired == "leaveOut":
                self._state = replace(self._state, left_out=self._state.left_out + 1)
                log.info("An expired password is left out: user=%s change=%d", user, entry.number)
                return
            self._capture.take(user, opened.password, entry.at or self._now())
        except EnvelopesUnusable as error:
            raise Held(f"the envelope of {user} (change {entry.number}) cannot be used: {error}") from None
        except EnvelopeDamaged as error:
            self.refuse(entry, user, f"its envelope is damaged: {error}")
            return
        except InvalidInput as error:
            self.refuse(entry, user, error.message)
            return
        self._state = replace(self._state, taken=self._state.taken + 1)
        log.info("A change was captured: user=%s kind=%s change=%d", user, new.kind, entry.number)
