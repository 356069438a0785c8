"""The file that new records go to. Not safe for several threads: the log calls it under its lock."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass

from controller.model.credential import SealPlace
from controller.ports.replay import ReplayRecord
from controller.ports.sealing import Sealer
from controller.replay.folder import SUFFIX, Folder
from controller.replay.frames import MARK, frame
from controller.replay.records import encode


@dataclass(frozen=True, slots=True)
class Limits:
    """How large replay files may become, in bytes.

    Attributes:
        file: A file that has reached it is followed by another.
        folder: Of all files together, those set aside included.
    """

    file: int = 16 << 20
    folder: int = 1 << 30


def record_place(file: str, number: int) -> SealPlace:
    """Where a record is sealed for: a file copied, renamed or put together anew does not open."""
    return SealPlace("replay", file, str(number))


@dataclass(slots=True)
class OpenFile:
    """A file being written.

    Attributes:
        size: Bytes that are on the disk; what stands behind them was never accepted.
        records: How many those are.
    """

    name: str
    descriptor: int
    size: int
    records: int = 0

    def append(self, data: bytes) -> None:
        """Add one frame, durably.

        Raises:
            OSError: It was not added, and the file takes no more.
        """
        write_all(self.descriptor, data)
        os.fsync(self.descriptor)
        self.size += len(data)
        self.records += 1

    def take_back(self) -> None:
        """Cut off what a failed ``append`` may have left. Should that fail too, readers stop at ``size``."""
        with suppress(OSError):
            os.ftruncate(self.descriptor, self.size)
            os.fsync(self.descriptor)


def create_file(folder: Folder, number: int) -> OpenFile:
    """Begin a file, durably.

    Raises:
        OSError: There is none; what was begun is gone.
    """
    name = f"{number:012d}-{secrets.token_hex(8)}{SUFFIX}"
    descriptor = folder.create(name)
    try:
        write_all(descriptor, MARK)
        os.fsync(descriptor)
        folder.sync()
    except OSError:
        os.close(descriptor)
        with suppress(OSError):
            folder.remove(name)
        raise
    return OpenFile(name, descriptor, len(MARK))


def sealed_frame(sealer: Sealer, record: ReplayRecord, file: str, number: int) -> bytes:
    """The frame of the record *number* of *file*."""
    return frame(sealer.seal(encode(record), record_place(file, number)))


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of *data*: one call may write only part of it."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
