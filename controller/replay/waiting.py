"""How much waits in a folder of replay files, for whoever only looks: nothing is opened, locked or changed."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from controller.replay.folder import Untrusted, is_replay_file, is_set_aside, open_trusted
from controller.replay.frames import Damaged, frames
from controller.replay.heading import read_heading
from controller.replay.progress import Progress, load


@dataclass(frozen=True, slots=True)
class Waiting:
    """What stands in a folder.

    Attributes:
        changes: Accepted changes that wait to be replayed.
        set_aside: Names of files that a person must look at.
    """

    changes: int = 0
    set_aside: tuple[str, ...] = ()


def look(path: Path) -> Waiting:
    """Count what waits at *path*. A folder that is not there, or that this user may not enter, holds nothing."""
    try:
        names = sorted(entry.name for entry in path.iterdir())
    except OSError:
        return Waiting()
    done = load(path)
    changes = sum(_count(path / name, done) for name in names if is_replay_file(name))
    return Waiting(changes, tuple(name for name in names if is_set_aside(name)))


def _count(path: Path, done: Progress) -> int:
    """Records of a file that are not in the store yet, up to the first damage."""
    count = 0
    with suppress(OSError, Untrusted, Damaged), open_trusted(path) as file:
        read_heading(file)
        for _ in frames(file, os.fstat(file.fileno()).st_size):
            count += 1
    return max(count - done.records, 0) if done.file == path.name else count
