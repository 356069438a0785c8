"""An Apache password file: lines ``account:hash``, of which one is replaced and all others stay byte for byte.

Lines are read as Apache httpd does (mod_authn_file): blanks at the start are skipped, ``#`` begins a comment, the
first line of an account counts, and what follows a second colon is no part of the hash.
"""

import errno
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    ConnectorError,
    Indeterminate,
    Unavailable,
)

LOCK_TIMEOUT = 10.0
_POLL = 0.01
_NO_RIGHT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.EISDIR})
_LINE = re.compile(rb"^[ \t]*(?P<account>[^:# \t\r\n][^:\r\n]*):(?P<hash>[^:\r\n]*)", re.MULTILINE)
_UNFIT = re.compile(r"[:\x00-\x1f\x7f\ud800-\udfff]|^[#\s]|\s$|^$")


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """The file at *path*, which keeps its owner and mode.

    A link in its place is not followed, and a folder in which others could put one is not worked in: whoever could
    would choose which file of the system gets a hash.
    """

    path: str
    lock_timeout: float = LOCK_TIMEOUT

    def __str__(self) -> str:
        return f"password file {self.path}"

    @property
    def folder(self) -> Path:
        """Where the file itself stands."""
        return self._real().parent

    def read(self) -> bytes:
        """All of the file.

        Raises:
            Unavailable: It is not there.
            ChannelRefused: We may not read it, or others may replace it.
        """
        real = self._guarded()
        try:
            descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                return file.read()
        except OSError as error:
            raise self._failure("read", error) from error

    def find(self, account: str) -> str:
        """The hash of *account*.

        Raises:
            AccountUnknown: The file has no such account.
            AccountRefused: The name cannot stand in such a file.
            ConnectorError: As for ``read``.
        """
        line = self._line(account, self.read())
        return line["hash"].decode("ascii", "replace")

    def names(self) -> frozenset[str]:
        """All accounts.

        Raises:
            ConnectorError: As for ``read``.
        """
        return frozenset(line["account"].decode("utf-8", "replace") for line in _LINE.finditer(self.read()))

    def replace(self, account: str, new_hash: str, *, only_if: str | None = None) -> None:
        """Replace the hash of *account*, in one step and durably; readers see the old file or the new one.

        Args:
            account: Whose hash.
            new_hash: The new one.
            only_if: The hash that must still be there.

        Raises:
            Busy: The lock was not to be had in time, or the file was changed meanwhile.
            Unavailable: The file is not there, or its file system is full or failing. Nothing was changed.
            ChannelRefused: We may not replace it, or others may.
            Indeterminate: It was replaced, but maybe not durably.
            ConnectorError: As for ``find``.
        """
        real = self._guarded()
        with self._locked(real):
            before = self._status(real)
            content = self.read()
            line = self._line(account, content)
            if only_if is not None and line["hash"] != only_if.encode("ascii", "replace"):
                raise Busy(f"the hash of {account!r} in {self} was changed by another program meanwhile")
            start, end = line.span("hash")
            self._publish(real, before, content[:start] + new_hash.encode("ascii") + content[end:])

    def _real(self) -> Path:
        path = Path(self.path)
        return Path(os.path.realpath(path.parent)) / path.name

    def _guarded(self) -> Path:
        real = self._real()
        try:
            folder = real.parent.stat()
        except OSError as error:
            raise self._failure("read", error) from error
        if _is_open_to_others(folder):
            raise ChannelRefused(
                f"others can write to the folder {real.parent} of {self}, and so put another file or a link in its "
                f"place (mode {stat.S_IMODE(folder.st_mode):04o}, group {folder.st_gid})",
                hint=f"chmod go-w {real.parent}",
            )
        self._status(real)
        return real

    def _line(self, account: str, content: bytes) -> re.Match[bytes]:
        if _UNFIT.search(account):
            raise AccountRefused(
                f"the name {account!r} cannot stand in a password file",
                hint="no colon, no control character, no # at the start, no blank around it",
            )
        wanted = account.encode("utf-8")
        for line in _LINE.finditer(content):
            if line["account"] == wanted:
                return line
        raise AccountUnknown(f"{self} has no account {account!r}", hint="make it there first, with htpasswd")

    @contextmanager
    def _locked(self, real: Path) -> Iterator[None]:
        """Hold the lock file beside the password file. ``flock`` locks keep out other threads as well."""
        try:
            descriptor = os.open(f"{real}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._failure("lock", error) from error
        try:
            self._acquire(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _acquire(self, descriptor: int) -> None:
        give_up = time.monotonic() + self.lock_timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise Busy(f"another program holds the lock of {self}") from None
                time.sleep(_POLL)  # flock has no time limit of its own
            else:
                return

    def _status(self, real: Path) -> os.stat_result:
        try:
            status = real.lstat()
        except OSError as error:
            raise self._failure("read", error) from error
        if stat.S_ISLNK(status.st_mode):
            raise ChannelRefused(f"{self} is a symbolic link, which is not followed", hint="name the file itself")
        return status

    def _publish(self, real: Path, before: os.stat_result, content: bytes) -> None:
        beside = real.with_name(f".{real.name}.{secrets.token_hex(8)}")
        try:
            self._prepare(real, before, beside, content)
            try:
                beside.replace(real)
                _sync_folder(real.parent)
            except OSError as error:
                raise Indeterminate(
                    f"{self} was perhaps replaced, perhaps not durably: {error.strerror}", directory_code=_code(error)
                ) from error
        finally:
            beside.unlink(missing_ok=True)

    def _prepare(self, real: Path, before: os.stat_result, beside: Path, content: bytes) -> None:
        try:
            _write_like(before, beside, content)
        except OSError as error:
            raise self._failure("write beside", error) from error
        if _identity(self._status(real)) != _identity(before):
            raise Busy(f"{self} was changed by another program meanwhile")

    def _failure(self, what: str, error: OSError) -> ConnectorError:
        message = f"cannot {what} {self}: {error.strerror}"
        if error.errno in _NO_RIGHT:
            hint = f"give user {os.geteuid()} the right to read the file and to write to its folder {self.folder}"
            return ChannelRefused(message, directory_code=_code(error), hint=hint)
        return Unavailable(message, directory_code=_code(error), hint="check the path and its file system")


def _is_open_to_others(folder: os.stat_result) -> bool:
    """Whether anyone but its owner, root and the members of our own group can replace files in a folder."""
    if folder.st_mode & stat.S_ISVTX:  # sticky: files are replaced by their owners only
        return False
    is_trusted_group = folder.st_gid in {0, os.getegid()}
    return bool(folder.st_mode & (stat.S_IWOTH if is_trusted_group else stat.S_IWOTH | stat.S_IWGRP))


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _write_like(status: os.stat_result, target: Path, content: bytes) -> None:
    """Write *content* to the new file *target*, synced, with the owner and mode of *status*."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, status.st_uid, status.st_gid)
        os.fchmod(descriptor, status.st_mode & 0o7777)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _code(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "")
