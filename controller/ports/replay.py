"""Where accepted changes wait while the store is away."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from controller.model.change import PasswordChange


@dataclass(frozen=True, slots=True)
class ReplayRecord:
    """A change that was accepted while the store was away.

    Attributes:
        change: Its passwords are sealed for the store already; received at the store's time, as far as it was known.
        is_local: Whether its caller held the key of the installation and so might report anything.
    """

    change: PasswordChange
    is_local: bool = False


class ReplayEnd(StrEnum):
    """What follows the records of a batch in its file."""

    MORE = "more"
    FINISHED = "finished"
    DAMAGED = "damaged"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True)
class ReplayBatch:
    """The next records of the oldest replay file.

    Attributes:
        file: Its name.
        first: How many of its records were replayed before.
        problem: In words, when it is damaged or untrusted.
    """

    file: str
    first: int
    records: tuple[ReplayRecord, ...]
    end: ReplayEnd
    problem: str = ""


class ReplayLog(Protocol):
    """Where accepted changes wait, durably and sealed, while the store is away. One reader, many writers."""

    def is_empty(self) -> bool:
        """Whether nothing waits. Answers at once, from memory."""

    def append(self, record: ReplayRecord) -> None:
        """Add a record; it survives a crash once this returns.

        Raises:
            StoreUnavailable: It could not be made durable (no space, a limit reached, no longer trusted).
        """

    def read(self, limit: int) -> ReplayBatch | None:
        """The next records, in the order in which they were added, *limit* at most; None when nothing waits.

        Raises:
            SettingsError: The files cannot be reached, or are open to others; nothing was changed.
        """

    def advance(self, batch: ReplayBatch) -> None:
        """Note durably that all records of *batch* are in the store; a finished file is deleted.

        A file that is damaged or not trusted is set aside under another name, never deleted.

        Raises:
            SettingsError: It could not be noted; the same records may be read again.
        """

    def close(self) -> None:
        """Let another process have the files."""
