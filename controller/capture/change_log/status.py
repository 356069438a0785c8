"""How the reader of a change log is, seen from outside."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.capture.change_log.reader import READER_LOCK
from controller.capture.change_log.state import Counts, ReaderState, acknowledged, load_reader_state
from controller.capture.locks import is_locked

_MOST_USERS = 5
_SEEN = "when you have seen to it: 'pwsync capture acknowledge'"


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """One look at a reader.

    Attributes:
        source: The program that reads, as in ``pwsync capture``.
        new: What a person has not acknowledged.
    """

    source: str
    is_reading: bool
    state: ReaderState
    new: Counts

    def alarms(self) -> Iterator[str]:
        """What a person must look at."""
        if not self.is_reading:
            yield f"the change log is not read: start 'pwsync capture {self.source}'"
        if self.state.problem:
            yield f"the change log is not read on: {self.state.problem}"
        if self.new.no_envelope:
            users = self._users(is_refused=False)
            yield f"{self.new.no_envelope} new passwords without an envelope, lately of {users}: {_SEEN}"
        if self.new.refused:
            users = self._users(is_refused=True)
            yield f"{self.new.refused} changes not captured, lately of {users}: see the reader's log; {_SEEN}"
        if self.new.missing:
            yield f"{self.new.missing} entries of the change log are missing, and who changed there: {_SEEN}"
        if self.new.resets:
            yield f"the change log was made anew, and what it held is not known: {_SEEN}"

    def _users(self, *, is_refused: bool) -> str:
        """Some of those whose changes could not be had, the latest first."""
        users = (missed.user for missed in reversed(self.state.missed) if missed.is_refused is is_refused)
        return ", ".join(list(dict.fromkeys(users))[:_MOST_USERS])

    def view(self) -> dict[str, Any]:
        """As JSON."""
        state = self.state
        of_racf = {"own": state.own, "leftOut": state.left_out, "noEnvelope": state.counts.no_envelope}
        return {
            "reading": self.is_reading,
            "number": state.number,
            "taken": state.taken,
            **(of_racf if self._is_racf else {}),
            "refused": state.counts.refused,
            "missing": state.counts.missing,
            "resets": state.counts.resets,
            "missed": [{"number": one.number, "user": one.user, "why": one.why} for one in state.missed],
        }

    def metrics(self) -> Iterator[tuple[str, str, str, int]]:
        """Name, kind, meaning and value of each."""
        for name, kind, meaning, value in self._metrics():
            yield f"{self.source}_{name}", kind, meaning, value

    @property
    def _is_racf(self) -> bool:
        return self.source == "racf"

    def _metrics(self) -> Iterator[tuple[str, str, str, int]]:
        counts = self.state.counts
        yield "reading", "gauge", "Whether the change log is read.", int(self.is_reading)
        yield "change_number", "gauge", "The last entry of the change log that is done.", self.state.number or 0
        yield "taken_total", "counter", "Changes captured, with those read twice.", self.state.taken
        if self._is_racf:
            yield "own_total", "counter", "Changes of the controller itself, which are skipped.", self.state.own
            yield "left_out_total", "counter", "Expired passwords left out.", self.state.left_out
            yield "no_envelope_total", "counter", "New passwords without an envelope.", counts.no_envelope
        yield "refused_total", "counter", "Changes that could not be captured.", counts.refused
        yield "missing_total", "counter", "Entries that the change log should have had.", counts.missing
        yield "resets_total", "counter", "How often the change log was made anew.", counts.resets


def look_at_reader(folder: Path, source: str) -> ReaderStatus:
    """Look at the reader of a spool, which is of this source.

    Raises:
        SettingsError: Its files cannot be read.
    """
    state = load_reader_state(folder)
    return ReaderStatus(source, is_locked(folder / READER_LOCK), state, state.counts.beyond(acknowledged(folder)))
