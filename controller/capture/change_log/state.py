"""Where the reader is in the log and what it has seen, in small files of the spool."""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from controller.model.errors import SettingsError
from controller.sealing.private_file import sync_folder

STATE = "reader.json"
ACKNOWLEDGED = "reader-acknowledged.json"
_MOST_MISSED = 50


@dataclass(frozen=True, slots=True)
class Counts:
    """What a person must hear of, since the first start.

    Attributes:
        no_envelope: New passwords that RACF keeps no envelope of.
        refused: Those whose envelope, or what it holds, is of no use.
        missing: Numbers that the log should have had.
        resets: How often the log was made anew.
    """

    no_envelope: int = 0
    refused: int = 0
    missing: int = 0
    resets: int = 0

    def beyond(self, seen: "Counts") -> "Counts":
        """What came since *seen*."""
        return Counts(
            max(self.no_envelope - seen.no_envelope, 0),
            max(self.refused - seen.refused, 0),
            max(self.missing - seen.missing, 0),
            max(self.resets - seen.resets, 0),
        )


@dataclass(frozen=True, slots=True)
class Missed:
    """A change that could not be had.

    Attributes:
        is_refused: What there is, is of no use; else there is no envelope.
    """

    number: int
    user: str
    why: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class ReaderState:
    """Where the reader is.

    Attributes:
        number: The last entry that is done; None before the first.
        time: What that entry gives as its time, by which it is known again; empty when that is not known.
        taken: Changes put into the spool, with those that were read twice.
        own: Changes that the controller's own adapter made.
        left_out: Passwords that the user must change at the next logon.
        counts: What a person must hear of.
        missed: The newest changes that could not be had.
        problem: Why the log cannot be read now; empty when all is well.
    """

    number: int | None = None
    time: str = ""
    taken: int = 0
    own: int = 0
    left_out: int = 0
    counts: Counts = field(default_factory=Counts)
    missed: tuple[Missed, ...] = ()
    problem: str = ""

    def miss(self, missed: Missed) -> "ReaderState":
        """With one more change that could not be had."""
        return replace(self, missed=(*self.missed, missed)[-_MOST_MISSED:])


def load_reader_state(folder: Path) -> ReaderState:
    """Read it; a new one when there is none.

    Raises:
        SettingsError: It cannot be read: nobody knows any more how far the log was read.
    """
    values = _read(folder / STATE, "read the log again from its oldest entry")
    try:
        counts, missed = Counts(**values.pop("counts", {})), tuple(Missed(**one) for one in values.pop("missed", []))
        return ReaderState(**values, counts=counts, missed=missed)
    except (TypeError, ValueError) as error:
        raise _damaged(folder / STATE, "read the log again from its oldest entry") from error


def save_reader_state(folder: Path, state: ReaderState) -> None:
    """Write it in one step. When this returns, it survives a crash.

    Raises:
        OSError: It could not be written.
    """
    _write(folder / STATE, asdict(state))


def acknowledged(folder: Path) -> Counts:
    """What a person has seen.

    Raises:
        SettingsError: It cannot be read.
    """
    values = _read(folder / ACKNOWLEDGED, "hear of everything once more")
    try:
        return Counts(**values)
    except TypeError as error:
        raise _damaged(folder / ACKNOWLEDGED, "hear of everything once more") from error


def acknowledge(folder: Path) -> Counts:
    """Note that a person has seen everything until now; returns what was new.

    Raises:
        SettingsError: One of the files cannot be used.
    """
    counts = load_reader_state(folder).counts
    new = counts.beyond(acknowledged(folder))
    try:
        _write(folder / ACKNOWLEDGED, asdict(counts))
    except OSError as error:
        raise SettingsError(
            f"{folder / ACKNOWLEDGED} cannot be written: {error.strerror}", hint="see its disk"
        ) from error
    return new


def _read(path: Path, to: str) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _damaged(path, to) from error
    if not isinstance(values, dict):
        raise _damaged(path, to)
    return values


def _write(path: Path, values: dict[str, Any]) -> None:
    beside = path.with_name(f"{path.name}.beside")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(json.dumps(values).encode())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def _damaged(path: Path, to: str) -> SettingsError:
    return SettingsError(f"{path} cannot be read, or was damaged", hint=f"delete it to {to}: that does no harm")
