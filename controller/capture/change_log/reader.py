"""The reader of a change log: from entry to entry, each change sealed and synced before the position moves on."""

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from controller.capture.change_log.state import Missed, ReaderState, load_reader_state, save_reader_state
from controller.capture.forwarder import Held
from controller.capture.locks import lock_alone
from controller.capture.taking import Capture
from controller.model.errors import ConnectorError, SettingsError
from controller.sdk.patience import Backoff, StopSign

log = logging.getLogger("pwsync.capture")

WINDOW = 100
"""Numbers asked for at once; servers allow 500 entries by default."""
READER, READER_LOCK = "reader of a change log", "reader.lock"
PATIENCE = timedelta(seconds=30)
"""How long a number may be missing before it is given up: a later one may be seen a moment earlier."""
_LARGEST = 1 << 62
"""More than any number of a log."""


class Numbered(Protocol):
    """An entry of a log: its number, and its time as the server wrote it."""

    @property
    def number(self) -> int: ...
    @property
    def time(self) -> str: ...


E_co = TypeVar("E_co", bound=Numbered, covariant=True)
E = TypeVar("E", bound=Numbered)


class ChangeLog(Protocol[E_co]):
    """What a reader asks.

    Every call may raise:

        ConnectorError: It was not answered; ask again later.
    """

    def entries(self, first: int, last: int) -> Sequence[E_co]:
        """All entries with these numbers, in their order."""

    def has(self, first: int, last: int | None = None) -> bool:
        """Whether there is any entry from *first* on, up to *last*."""

    def close(self) -> None:
        """Close the connection."""


class ChangeLogReader(ABC, Generic[E]):
    """Reads one log into one spool. ``stop`` may be called in a signal handler."""

    def __init__(
        self,
        capture: Capture,
        change_log: ChangeLog[E],
        every: timedelta,
        *,
        steady_time: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._capture = capture
        self._log = change_log
        self._every = every
        self._steady_time = steady_time
        self._backoff = Backoff(jitter)
        self._stop = StopSign()
        self._state = self._saved = load_reader_state(capture.spool.path)
        self._hole: tuple[int, float] | None = None

    @abstractmethod
    def take_entry(self, entry: E) -> None:
        """Take the new passwords of an entry.

        Raises:
            Held, ConnectorError, SettingsError: It cannot be taken now; the position stays before it.
        """

    @property
    def state(self) -> ReaderState:
        """Where it is."""
        return self._state

    def stop(self) -> None:
        """Let ``run`` end after the entry under way."""
        self._stop.set()

    def begin_with(self, number: int) -> None:
        """Read the log again from this entry on."""
        self._state = replace(self._state, number=number - 1, time="")

    def run(self) -> None:
        """Read what comes, until ``stop``.

        Raises:
            SettingsError: Another reader works on this spool.
        """
        lock = lock_alone(self._capture.spool.path / READER_LOCK, READER)
        try:
            while not self._stop.is_set:
                self._stop.wait(self.read_new())
        finally:
            self._log.close()
            os.close(lock)

    def read_new(self) -> float:
        """Read all that is new, until it is held up; returns after how many seconds to look again."""
        seconds = self._every.total_seconds()
        try:
            self._notice_new_log()
            while not self._stop.is_set and self._read_window():
                pass
            self._backoff.reset()
            self._state = replace(self._state, problem="")
        except Held as held:
            seconds = self._backoff.seconds()
            self._hold(str(held))
        except (ConnectorError, SettingsError) as error:
            seconds = self._backoff.seconds()
            self._hold(str(error))
        self._note()
        return seconds

    def _hold(self, problem: str) -> None:
        self._state = replace(self._state, problem=problem)
        log.warning("The change log is not read on: after=%s problem=%s", self._state.number, problem)

    def _notice_new_log(self) -> None:
        """See whether the log is still the one of which we have read: else its entries are all new to us."""
        number, time = self._state.number, self._state.time
        if number is None or not time:
            return
        found = self._log.entries(number, number)
        is_other = bool(found) and found[0].time != time
        if not found and not self._log.has(number):  # of an older log the newest entry would still be there
            is_other = self._log.has(1, number)
        if is_other:
            counts = replace(self._state.counts, resets=self._state.counts.resets + 1)
            self._state = replace(self._state, number=None, time="", counts=counts)
            log.error("The change log was made anew, and is read from its beginning: we were at=%s", number)
            self._save()

    def _read_window(self) -> bool:
        """Read the next entries; whether there may be more."""
        entries = self._next_entries()
        for entry in entries:
            if self._stop.is_set or not self._comes_next(entry):
                return False
            before = self._state
            try:
                self.take_entry(entry)
            except BaseException:
                self._state = before  # it is read again, and then it counts
                raise
            self._state = replace(self._state, number=entry.number, time=entry.time)
            if _matters(self._state, self._saved):
                self._save()
        self._save()
        return bool(entries)

    def _next_entries(self) -> Sequence[E]:
        """The first entries that we have not read; what was trimmed before them may be much."""
        following = 0 if self._state.number is None else self._state.number + 1
        entries = self._log.entries(following, following + WINDOW - 1)
        if entries or not self._log.has(following):
            return entries
        low, high = following + WINDOW - 1, following + 2 * WINDOW  # nothing up to low; something up to high, at last
        while not self._log.has(following, high):
            if high > _LARGEST:
                return []  # what was there a moment ago is gone
            low, high = high, following + 2 * (high - following)
        while high - low > WINDOW:
            middle = (low + high) // 2
            low, high = (low, middle) if self._log.has(following, middle) else (middle, high)
        return self._log.entries(low + 1, high)

    def _comes_next(self, entry: E) -> bool:
        """Whether there is nothing before this entry that we have not seen, or no hope of it any more."""
        if self._state.number is None or entry.number <= self._state.number + 1:
            self._hole = None
            return True
        following, seconds = self._state.number + 1, self._steady_time()
        if self._hole is None or self._hole[0] != following:
            self._hole = (following, seconds)
        if seconds - self._hole[1] < PATIENCE.total_seconds():
            return False
        count = entry.number - following
        self._state = replace(
            self._state, counts=replace(self._state.counts, missing=self._state.counts.missing + count)
        )
        log.error("Entries of the change log are missing: first=%d last=%d", following, entry.number - 1)
        self._hole = None
        return True

    def refuse(self, entry: E, user: str, why: str) -> None:
        """Note a change that cannot be captured."""
        counts = replace(self._state.counts, refused=self._state.counts.refused + 1)
        self._state = replace(self._state, counts=counts).miss(Missed(entry.number, user, why, is_refused=True))
        log.error("A change was not captured: user=%s change=%d why=%s", user, entry.number, why)

    def _save(self) -> None:
        """Write down how far the log was read; the spool has synced what came before that.

        Raises:
            Held: It cannot be written.
        """
        if self._state == self._saved:
            return
        try:
            save_reader_state(self._capture.spool.path, self._state)
        except OSError as error:
            raise Held(f"the position cannot be written: {error.strerror or error}") from error
        self._saved = self._state

    def _note(self) -> None:
        try:
            self._save()
        except Held as held:
            log.warning("What the reader has seen is not written down: problem=%s", held)


def _matters(state: ReaderState, saved: ReaderState) -> bool:
    """Whether more has changed than the position: entries of others need no sync of their own."""
    return replace(state, number=saved.number, time=saved.time) != saved
