"""The file that new records go to. Not safe for several threads: the log calls it under its lock."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass

from controller.model.credential import SealPlace
from controller.ports.replay import ReplayRecord
from controller.ports.sealing import Sealer
from controller.replay.folder import SUFFIX, UNFINISHED, Folder
from controller.replay.frames import frame
from controller.replay.heading import SIZE, heading, write_number
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


@dataclass(frozen=True, slots=True)
class Extent:
    """So much of a file is on the disk; what stands behind it was never accepted."""

    size: int
    records: int = 0


@dataclass(slots=True)
class OpenFile:
    """A file being written, whose records are sealed by *sealer*."""

    name: str
    descriptor: int
    sealer: Sealer
    extent: Extent

    def sealed(self, record: ReplayRecord) -> bytes:
        """The frame of the next record."""
        return frame(self.sealer.seal(encode(record), record_place(self.name, self.extent.records)))

    def append(self, data: bytes) -> None:
        """Add the frame of the next record, durably.

        Raises:
            OSError: It was not added, and the file takes no more.
        """
        write_all(self.descriptor, data)
        os.fsync(self.descriptor)
        grown = Extent(self.extent.size + len(data), self.extent.records + 1)
        write_number(self.descriptor, self.sealer, self.name, grown.records)
        self.extent = grown

    def take_back(self) -> None:
        """Cut off what a failed ``append`` may have left. Should that fail too, readers stop at the extent."""
        with suppress(OSError):
            os.ftruncate(self.descriptor, self.extent.size)
            os.fsync(self.descriptor)


def create_file(folder: Folder, sealer: Sealer, number: int) -> OpenFile:
    """Begin a file, durably and in one step: none that has its name lacks its heading.

    Raises:
        OSError: There is none; what was begun is gone.
    """
    name = f"{number:012d}-{secrets.token_hex(8)}{SUFFIX}"
    descriptor = folder.create(f"{name}{UNFINISHED}")
    try:
        write_all(descriptor, heading(sealer, name))
        os.fsync(descriptor)
        folder.rename(f"{name}{UNFINISHED}", name)
    except OSError:
        os.close(descriptor)
        with suppress(OSError):
            folder.remove(f"{name}{UNFINISHED}")
            folder.remove(name)
        raise
    return OpenFile(name, descriptor, sealer, Extent(SIZE))


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of *data*: one call may write only part of it."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
