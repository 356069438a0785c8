"""How far the oldest replay file has been replayed, so that a second outage resumes where the first one stopped."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from controller.replay.folder import PROGRESS, Folder, Untrusted, open_trusted

_LARGEST = 4096


@dataclass(frozen=True, slots=True)
class Progress:
    """So many records of a file are in the store."""

    file: str = ""
    records: int = 0


def load(path: Path) -> Progress:
    """Read it. What is missing, damaged or not trusted counts as none: replaying twice does no harm."""
    with suppress(OSError, Untrusted, ValueError, KeyError, TypeError):
        with open_trusted(path / PROGRESS) as file:
            found = json.loads(file.read(_LARGEST))
        if found["records"] >= 0:
            return Progress(str(found["file"]), int(found["records"]))
    return Progress()


def save(folder: Folder, progress: Progress) -> None:
    """Write it in one step, durably.

    Raises:
        OSError: It could not be written.
    """
    content = json.dumps({"file": progress.file, "records": progress.records})
    folder.replace(PROGRESS, content.encode())
