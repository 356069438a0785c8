"""How the reader of the change log is, seen from outside."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.capture.racf.reader import READER, READER_LOCK
from controller.capture.racf.state import Counts, ReaderState, acknowledged, load_reader_state
from controller.capture.spool import is_locked

_MOST_USERS = 5
_SEEN = "when you have seen to it: 'pwsync capture acknowledge'"


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """One look at a reader.

    Attributes:
        new: What a person has not acknowledged.
    """

    is_reading: bool
    state: ReaderState
    new: Counts

    def alarms(self) -> Iterator[str]:
        """What a person must look at."""
        if not self.is_reading:
            yield "the change log is not read: start 'pwsync capture racf'"
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
        return {
            "reading": self.is_reading,
            "number": state.number,
            "taken": state.taken,
            "own": state.own,
            "leftOut": state.left_out,
            "noEnvelope": state.counts.no_envelope,
            "refused": state.counts.refused,
            "missing": state.counts.missing,
            "resets": state.counts.resets,
            "missed": [{"number": one.number, "user": one.user, "why": one.why} for one in state.missed],
        }

    def metrics(self) -> Iterator[tuple[str, str, str, int]]:
        """Name, kind, meaning and value of each."""
        counts = self.state.counts
        yield "racf_reading", "gauge", "Whether the change log is read.", int(self.is_reading)
        yield "racf_change_number", "gauge", "The last entry of the change log that is done.", self.state.number or 0
        yield "racf_taken_total", "counter", "Changes captured, with those read twice.", self.state.taken
        yield "racf_own_total", "counter", "Changes of the controller itself, which are skipped.", self.state.own
        yield "racf_left_out_total", "counter", "Expired passwords left out.", self.state.left_out
        yield "racf_no_envelope_total", "counter", "New passwords without an envelope.", counts.no_envelope
        yield "racf_refused_total", "counter", "Changes whose envelope is of no use.", counts.refused
        yield "racf_missing_total", "counter", "Entries that the change log should have had.", counts.missing
        yield "racf_resets_total", "counter", "How often the change log was made anew.", counts.resets


def look_at_reader(folder: Path) -> ReaderStatus:
    """Look at the reader of a spool.

    Raises:
        SettingsError: Its files cannot be read.
    """
    state = load_reader_state(folder)
    return ReaderStatus(is_locked(folder / READER_LOCK, READER), state, state.counts.beyond(acknowledged(folder)))
