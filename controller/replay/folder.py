"""The folder of the replay files: who may enter it, which of its files are trusted, and how they are set aside."""

import fcntl
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from controller.model.errors import SettingsError

SUFFIX = ".replay"
DAMAGED = ".damaged"
UNTRUSTED = ".untrusted"
UNFINISHED = ".new"
PROGRESS = "progress"
LOCK = "lock"
_NAME = re.compile(r"(\d{12})-[0-9a-f]{16}\.replay(?:\.damaged|\.untrusted)?", re.ASCII)
_MODE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# O_NONBLOCK: a named pipe in a file's place would keep us waiting for ever.
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_HINT = "find out who changed it; then chown it to the controller's user and chmod 700"


class Untrusted(Exception):
    """Owner, mode or kind of a file is not as it was made. The message says what differs."""


class Folder:
    """A folder that is this process's alone until ``close``."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> "Folder | None":
        """Make the folder when it is missing, check it, and lock it; None when another process has it.

        Raises:
            SettingsError: It cannot be made or entered, or others may enter it, or it belongs to someone else.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_folder(path)
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
        except OSError as error:
            raise unusable(path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return cls(path, lock)

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._lock)

    def check(self) -> None:
        """Check owner and mode again.

        Raises:
            SettingsError: They have changed, or it has gone.
        """
        try:
            check_folder(self.path)
        except OSError as error:
            raise unusable(self.path, error) from error

    def names(self) -> list[str]:
        """Replay files, oldest first."""
        return sorted(path.name for path in self.path.iterdir() if is_replay_file(path.name))

    def last_number(self) -> int:
        """The highest number that a file has, set aside or not."""
        found = (_NAME.fullmatch(path.name) for path in self.path.iterdir())
        return max((int(match[1]) for match in found if match is not None), default=0)

    def size(self) -> int:
        """Bytes of all files, those set aside included."""
        total = 0
        with os.scandir(self.path) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    total += entry.stat(follow_symlinks=False).st_size
        return total

    def create(self, name: str) -> int:
        """Make an empty file; returns its descriptor. Not durable before ``sync``."""
        descriptor = os.open(self.path / name, _CREATING, _MODE)
        os.fchmod(descriptor, _MODE)  # whatever the umask is
        return descriptor

    def read(self, name: str) -> BinaryIO:
        """Open a file for reading.

        Raises:
            Untrusted: Its owner, mode or kind is not as it was made.
            OSError: It cannot be read.
        """
        return open_trusted(self.path / name)

    def replace(self, name: str, content: bytes) -> None:
        """Write a small file in one step, durably: after a crash it is the old one or the new one."""
        beside = f"{name}{UNFINISHED}"
        self.remove(beside)
        descriptor = self.create(beside)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        self.rename(beside, name)

    def rename(self, name: str, to: str) -> None:
        """Give a file another name, durably."""
        (self.path / name).rename(self.path / to)
        self.sync()

    def remove(self, name: str) -> int:
        """Delete a file, if it is there; returns the bytes that it had."""
        path = self.path / name
        try:
            size = path.lstat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size

    def set_aside(self, name: str, suffix: str) -> None:
        """Keep a file under another name, so that it is not read again."""
        self.rename(name, f"{name}{suffix}")

    def remove_unfinished(self) -> None:
        """Delete files that were begun when the machine stopped: nothing was ever accepted into them."""
        for path in self.path.iterdir():
            if path.name.endswith(UNFINISHED) and is_replay_file(path.name.removesuffix(UNFINISHED)):
                path.unlink()

    def sync(self) -> None:
        """Make names durable."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_replay_file(name: str) -> bool:
    """Whether a file of this name waits to be replayed."""
    return _NAME.fullmatch(name) is not None and name.endswith(SUFFIX)


def is_set_aside(name: str) -> bool:
    """Whether a file of this name was set aside."""
    return _NAME.fullmatch(name) is not None and not name.endswith(SUFFIX)


def check_folder(path: Path) -> None:
    """Check that only this process's user may enter a folder.

    Raises:
        SettingsError: It is a link, of another owner, or open to others.
        OSError: It cannot be looked at.
    """
    found = path.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        raise SettingsError(f"{path} is not a folder", hint="name another one with --replay-dir or PWSYNC_REPLAY_DIR")
    if found.st_uid != os.geteuid():
        raise SettingsError(f"the replay folder {path} belongs to user {found.st_uid}", hint=_HINT)
    if mode & _OTHERS:
        raise SettingsError(f"the replay folder {path} can be entered by others (mode {mode:04o})", hint=_HINT)


def open_trusted(path: Path) -> BinaryIO:
    """Open a file for reading that nobody but this process's user could have written.

    Raises:
        Untrusted: Its owner, mode or kind is not as it was made.
        OSError: It cannot be read.
    """
    descriptor = os.open(path, _READING)
    try:
        _check_file(os.fstat(descriptor))
    except Untrusted:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _check_file(found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise Untrusted("it is not a file of one name")
    if found.st_uid != os.geteuid():
        raise Untrusted(f"it belongs to user {found.st_uid}")
    if mode != _MODE:
        raise Untrusted(f"its mode is {mode:04o}, not 0600")


def unusable(path: Path, error: OSError) -> SettingsError:
    """The error of a folder that the system does not let us use."""
    return SettingsError(
        f"the replay folder {path} cannot be used: {error.strerror}",
        hint="check its owner and the free space, or name another one with --replay-dir or PWSYNC_REPLAY_DIR",
    )
