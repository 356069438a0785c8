"""The spool: one file for each captured change, written in one step and synced, in the order of their numbers.

Several programs write, one forwarder reads. Whoever is killed at any moment leaves a file that is whole or none.
"""

import fcntl
import logging
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from controller.capture.distinguished_name import value_key
from controller.capture.locks import MODE, unusable
from controller.capture.record import CapturedChange, Damaged, decode, encode
from controller.model.accounts import Account
from controller.model.errors import SettingsError

log = logging.getLogger("pwsync.capture")

LOCK = "lock"
STATE = "state.json"
MISSED = "missed"
"""Changes that a source told without their passwords: a line each, with time and account."""
FORGOTTEN_AFTER = 180
"""Seconds after which nobody will say any more how a change of the source ended."""
_UNFINISHED = ".new"
_NAME = re.compile(r"(\d{20})\.(change|pending|refused|damaged|doubtful)", re.ASCII)
Known = tuple[float, str, str]
"""Of a change: its time, lane and account."""
_CREATING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class SpoolFull(SettingsError):
    """The spool holds as many changes as it may. The new one was not taken."""


class Aside(StrEnum):
    """Why a change was set aside, as the ending of its file. A person must look."""

    REFUSED = "refused"
    """The controller does not take it."""
    DAMAGED = "damaged"
    """It cannot be read."""
    DOUBTFUL = "doubtful"
    """Nobody said whether the source has carried it out."""


class Spool:
    """A folder of captured changes, for one user alone."""

    def __init__(self, path: Path, most: int, nanoseconds: Callable[[], int] = time.time_ns) -> None:
        self.path = path
        self._most = most
        self._nanoseconds = nanoseconds
        self._known: dict[str, dict[str, Known]] = {}

    @classmethod
    def open(cls, path: Path, most: int) -> "Spool":
        """Make the folder when it is missing, and check that others may not enter it.

        Raises:
            SettingsError: They may, or it cannot be made.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = path.lstat()
        except OSError as error:
            raise unusable(path, error) from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise SettingsError(
                f"the spool {path} is not a folder of this user alone",
                hint=f"run as the user who owns it, and chmod 700 {path}",
            )
        return cls(path, most)

    @classmethod
    def look_at(cls, path: Path, most: int) -> "Spool":
        """As ``open``, but make nothing.

        Raises:
            SettingsError: It cannot be used, or is not there.
        """
        if not path.exists():
            raise SettingsError(
                f"there is no spool {path} yet", hint="see that spec.spool is right; 'pwsync capture setup' makes it"
            )
        return cls.open(path, most)

    def put(self, change: CapturedChange) -> None:
        """Add a change. When this returns, it survives a crash.

        When it is full, changes that wait make room, which a newer one of the same account overtakes.

        Raises:
            SpoolFull: There are as many as there may be.
            SettingsError: The file system does not take it.
        """
        self._write(change, "change")

    def prepare(self, change: CapturedChange) -> str:
        """Keep a change of which nobody knows yet whether it will happen; returns its name.

        Raises:
            SpoolFull, SettingsError: As ``put``.
        """
        return self._write(change, "pending")

    def confirm(self, name: str, instead: CapturedChange | None = None) -> None:
        """It has happened: from now on it, or another one *instead*, waits to be sent, behind all others.

        Raises:
            SettingsError: The file system does not allow it.
        """
        with self._changing():
            confirmed = f"{self._next():020d}.change"
            if instead is None:
                (self.path / name).rename(self.path / confirmed)
            else:
                self._create(confirmed, instead)
                (self.path / name).unlink()
            self._sync()

    def withdraw(self, name: str) -> None:
        """It has not happened."""
        self.remove(name)

    def doubt(self) -> int:
        """Set aside what was prepared by a program that is no more; tells how many there were.

        Raises:
            SettingsError: The file system does not allow it.
        """
        with self._changing():
            names = self.names("pending")
        for name in names:
            self.set_aside(name, Aside.DOUBTFUL)
        return len(names)

    def forgotten(self) -> int:
        """How many were prepared so long ago that the source has ended them, whatever became of that."""
        latest = self._nanoseconds() - FORGOTTEN_AFTER * 1_000_000_000
        return sum(int(name.partition(".")[0]) < latest for name in self.names("pending"))

    def note_missed(self, account: Account, occurred_at: datetime) -> None:
        """Keep, once, the name of an account whose new password the source did not tell.

        Of so many accounts as there may be changes.

        Raises:
            SettingsError: The file system does not take it.
        """
        with self._changing():
            lines = self._missed().decode("utf-8", "replace").splitlines()
            if len(lines) < self._most and str(account) not in {line.partition(" ")[2] for line in lines}:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(self.path / MISSED, flags, MODE), "a", encoding="utf-8") as file:
                    file.write(f"{occurred_at.isoformat()} {account}\n")

    def missed(self) -> int:
        """How many of them there are since a person has removed the file."""
        return self._missed().count(b"\n")

    def _missed(self) -> bytes:
        try:
            return (self.path / MISSED).read_bytes()
        except FileNotFoundError:
            return b""

    def waiting(self) -> list[str]:
        """Names of the changes to send, oldest first."""
        return self.names("change")

    def names(self, *endings: str) -> list[str]:
        """Names of all files with one of these endings, oldest first."""
        found = (_NAME.fullmatch(name) for name in os.listdir(self.path))  # noqa: PTH208  # names alone, and fast
        return sorted(match[0] for match in found if match is not None and match[2] in endings)

    def read(self, name: str) -> CapturedChange:
        """Read a change.

        Raises:
            Damaged: It is not what was written.
            OSError: It cannot be read now.
        """
        return decode((self.path / name).read_bytes())

    def remove(self, name: str) -> None:
        """Delete a change. Should the machine stop now, it may come back, and is sent twice: that does no harm."""
        (self.path / name).unlink(missing_ok=True)

    def set_aside(self, name: str, why: Aside) -> bool:
        """Keep a change, but do not send it; False when it is not there any more.

        Of one account only the newest is kept in doubt, since nobody can tell more from several; and of so many
        accounts as there may be changes, which these do not add to. So whoever can bring about doubt fills no spool.

        Raises:
            SettingsError: The file system does not allow it.
        """
        with self._changing():
            try:
                (self.path / name).rename(self.path / f"{name.partition('.')[0]}.{why.value}")
            except FileNotFoundError:
                return False
            if why is Aside.DOUBTFUL:
                self._thin_out()
        return True

    def _thin_out(self) -> None:
        kept = set[tuple[str, str]]()
        for name, lane, account in self._newest_first(Aside.DOUBTFUL):
            owner = lane, value_key(account)  # clients spell a name in many ways
            if owner in kept:
                self.remove(name)
            elif len(kept) >= self._most:
                log.error("Too many changes are in doubt, and the oldest is given up: lane=%s account=%r", *owner)
                self.remove(name)
            kept.add(owner)

    def _make_room(self) -> None:
        """Remove what a newer change of the same account that waits as well makes needless."""
        kept = set[tuple[str, str]]()
        for name, lane, account in self._newest_first("change"):
            if (lane, account) in kept:
                self.remove(name)
            kept.add((lane, account))

    def _newest_first(self, ending: str) -> Iterator[tuple[str, str, str]]:
        """Names of files with lane and account, by the time of the change: several threads give numbers."""
        known = self._known.get(ending, {})
        self._known[ending] = {name: known.get(name) or self._look_into(name) for name in self.names(ending)}
        in_order = sorted(self._known[ending].items(), key=lambda found: (found[1][0], found[0]), reverse=True)
        for name, (_, lane, account) in in_order:
            yield name, lane, account

    def _look_into(self, name: str) -> Known:
        try:
            change = self.read(name)
        except (Damaged, OSError):
            return 0.0, "", name  # of an account of its own
        return change.occurred_at.timestamp(), change.account.lane, change.account.name

    def put_back(self) -> int:
        """Let everything that was refused be sent again; tells how many there are.

        Raises:
            SettingsError: The file system does not allow it.
        """
        count = 0
        with self._changing():
            for name in self.names(Aside.REFUSED):
                with suppress(FileNotFoundError):  # a person has removed it
                    (self.path / name).rename(self.path / f"{name.partition('.')[0]}.change")
                    count += 1
        return count

    def count(self) -> int:
        """How many changes there are, but for those in doubt."""
        return len(self.names("change", "pending", Aside.REFUSED, Aside.DAMAGED))

    def _write(self, change: CapturedChange, ending: str) -> str:
        with self._changing():
            if self.count() >= self._most:
                self._make_room()
            if self.count() >= self._most:
                raise SpoolFull(
                    f"the spool {self.path} is full: it holds {self._most:,} changes",
                    hint="see why they are not sent: 'pwsync capture status'; then raise maxChanges or discard some",
                )
            name = f"{self._next():020d}.{ending}"
            self._create(name, change)
            return name

    def _create(self, name: str, change: CapturedChange) -> None:
        unfinished = self.path / f"{name}{_UNFINISHED}"
        try:
            _write_new(unfinished, encode(change))
            unfinished.rename(self.path / name)
            self._sync()
        except OSError:
            for path in (unfinished, self.path / name):
                with suppress(OSError):  # what is not there, or cannot be removed, is no change that was taken
                    path.unlink()
            raise

    def _next(self) -> int:
        names = self.names("change", "pending", *Aside)
        return max(self._nanoseconds(), int(names[-1].partition(".")[0]) + 1 if names else 0)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One program at a time gives numbers."""
        try:
            descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                for left in self.path.glob(f"*{_UNFINISHED}"):
                    left.unlink()
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            raise unusable(self.path, error) from error

    def _sync(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_new(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, _CREATING, MODE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
