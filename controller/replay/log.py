"""The replay files as one log: implements ``ports.ReplayLog``."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from controller.model.errors import SealBroken, SettingsError, StoreUnavailable
from controller.ports.replay import ReplayBatch, ReplayEnd, ReplayRecord
from controller.ports.sealing import Sealer
from controller.replay import progress
from controller.replay.appending import Extent, Limits, OpenFile, create_file, record_place
from controller.replay.folder import DAMAGED, UNTRUSTED, Folder, Untrusted, unusable
from controller.replay.frames import Damaged, frames
from controller.replay.heading import promised, read_heading
from controller.replay.progress import Progress
from controller.replay.records import decode


class ReplayFiles:
    """Files in a folder of their own, read in the order of their numbers.

    Records are appended by any thread and read by one.
    """

    def __init__(self, folder: Folder, sealer: Sealer, limits: Limits) -> None:
        self._folder = folder
        self._sealer = sealer
        self._limits = limits
        self._lock = threading.Lock()
        self._active: OpenFile | None = None
        self._written: dict[str, Extent] = {}  # by this process
        folder.remove_unfinished()
        self._waiting = folder.names()
        self._next_number = folder.last_number() + 1
        self._total = folder.size()
        self._done = progress.load(folder.path)
        self._offset: tuple[Progress, int] | None = None

    @classmethod
    def open(cls, path: Path, sealer: Sealer, limits: Limits = Limits()) -> "ReplayFiles | None":  # noqa: B008  # frozen
        """Take over the folder at *path*, with what waits in it; None when another process has it.

        Raises:
            SettingsError: The folder cannot be used, or is open to others.
        """
        folder = Folder.open(path)
        if folder is None:
            return None
        try:
            return cls(folder, sealer, limits)
        except OSError as error:
            folder.close()
            raise unusable(path, error) from error

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def append(self, record: ReplayRecord) -> None:
        """Add a record, durably.

        Raises:
            StoreUnavailable: No space, a limit reached, or the folder is no longer to be trusted.
        """
        with self._lock:
            try:
                self._append(record)
            except OSError as error:
                raise StoreUnavailable(
                    f"the store is away, and {self._folder.path} cannot take the change: {error.strerror}",
                    hint="check the free space; report the change again",
                ) from error
            except SettingsError as error:
                raise StoreUnavailable(f"the store is away, and {error.message}", hint=error.hint) from error

    def read(self, limit: int) -> ReplayBatch | None:
        """The next records of the oldest file; None when nothing waits.

        Raises:
            SettingsError: The folder cannot be reached, or is open to others.
        """
        with self._lock:
            if not self._waiting:
                return None
            name = self._waiting[0]
            written = self._written.get(name)
        self._folder.check()
        start = self._done if self._done.file == name else Progress(name)
        records: list[ReplayRecord] = []
        try:
            result, problem = self._collect(records, start, written, limit)
        except Untrusted as error:
            result, problem = ReplayEnd.UNTRUSTED, str(error)
        except Damaged as error:
            result, problem = ReplayEnd.DAMAGED, str(error)
        except SealBroken as error:
            result, problem = ReplayEnd.DAMAGED, error.message
        except OSError as error:
            result, problem = ReplayEnd.DAMAGED, f"it cannot be read: {error.strerror}"
        return ReplayBatch(name, start.records, tuple(records), result, problem)

    def advance(self, batch: ReplayBatch) -> None:
        """Note durably that all of *batch* is in the store.

        Raises:
            SettingsError: It could not be noted.
        """
        try:
            match batch.end:
                case ReplayEnd.MORE:
                    self._note(batch)
                case ReplayEnd.FINISHED:
                    self._finish(batch)
                case ReplayEnd.DAMAGED:
                    self._leave(batch.file, DAMAGED)
                case ReplayEnd.UNTRUSTED:
                    self._leave(batch.file, UNTRUSTED)
        except OSError as error:
            raise unusable(self._folder.path, error) from error

    def close(self) -> None:
        """Let another process have the files."""
        with self._lock:
            self._close_active()
            self._folder.close()

    def _append(self, record: ReplayRecord) -> None:
        self._folder.check()
        active = self._active or self._begin()
        data = active.sealed(record)
        self._check_space(len(data))
        try:
            active.append(data)
        except OSError:
            active.take_back()
            self._close_active()
            raise
        self._written[active.name] = active.extent
        self._total += len(data)
        if active.extent.size >= self._limits.file:
            self._close_active()

    def _begin(self) -> OpenFile:
        self._check_space(0)
        active = create_file(self._folder, self._sealer, self._next_number)
        self._next_number += 1
        self._total += active.extent.size
        self._written[active.name] = active.extent
        self._active = active
        self._waiting.append(active.name)
        return active

    def _check_space(self, more: int) -> None:
        if self._total + more > self._limits.folder:
            raise SettingsError(
                f"the replay files have reached their limit of {self._limits.folder:,} bytes",
                hint="bring the store back; look for files set aside (*.damaged, *.untrusted)",
            )

    def _close_active(self) -> None:
        if self._active is not None:
            os.close(self._active.descriptor)
            self._active = None

    def _collect(
        self, records: list[ReplayRecord], start: Progress, written: Extent | None, limit: int
    ) -> tuple[ReplayEnd, str]:
        """Put the next records into *records*, so that those before a damage are kept."""
        with self._folder.read(start.file) as file:
            found = read_heading(file)
            number = self._seek(file, start)
            for sealed in self._whole(file, found, Progress(start.file, number), written):
                if number >= start.records:
                    records.append(decode(self._sealer.open(sealed, record_place(start.file, number))))
                number += 1
                if len(records) == limit:
                    self._offset = (Progress(start.file, number), file.tell())
                    return ReplayEnd.MORE, ""
        return ReplayEnd.FINISHED, ""

    def _whole(self, file: BinaryIO, found: bytes, here: Progress, written: Extent | None) -> Iterator[bytes]:
        """Yield the records from *here* on. What a stop of the machine left behind those promised is passed over.

        Raises:
            Damaged: A record that was promised is not there; all before it were yielded.
        """
        stop = os.fstat(file.fileno()).st_size if written is None else written.size
        number = here.records
        try:
            for sealed in frames(file, stop):
                yield sealed
                number += 1
        except Damaged:
            if number < self._promised(here.file, found, written):
                raise
        least = self._promised(here.file, found, written)
        if number < least:
            raise Damaged(f"it ends after {number} of at least {least} records")

    def _promised(self, name: str, found: bytes, written: Extent | None) -> int:
        return promised(self._sealer, name, found) if written is None else written.records

    def _seek(self, file: BinaryIO, start: Progress) -> int:
        """Go to where the last reading ended, if not to the first record; returns the number of the record there."""
        if self._offset is not None and self._offset[0] == start:
            file.seek(self._offset[1])
            return start.records
        return 0

    def _note(self, batch: ReplayBatch) -> None:
        done = Progress(batch.file, batch.first + len(batch.records))
        progress.save(self._folder, done)
        self._done = done

    def _finish(self, batch: ReplayBatch) -> None:
        with self._lock:
            active = self._active
            if active is not None and active.name == batch.file:
                if active.extent.records > batch.first + len(batch.records):
                    self._note(batch)  # more was added meanwhile
                    return
                self._close_active()
            size = self._folder.remove(batch.file)
            self._waiting.remove(batch.file)
            self._written.pop(batch.file, None)
            self._total -= size

    def _leave(self, name: str, suffix: str) -> None:
        """Set a file aside; should that fail, this process at least does not read it again."""
        with self._lock:
            if self._active is not None and self._active.name == name:
                self._close_active()
            self._waiting.remove(name)
            self._folder.set_aside(name, suffix)
