"""Private files: mode 0600, written whole or not at all, in a folder that nobody else can write to."""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.model.errors import SettingsError
from controller.sealing.access_list import rights_of_others

_LARGEST = 1 << 20
_RANDOM_BYTES = 8
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def read_private(path: Path) -> bytes:
    """Return the content of the key file at *path*.

    Raises:
        SettingsError: It is a link, no file, of another owner, or open to others; or its folder is.
        FileNotFoundError: It is not there.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unusable(path, error) from error


def write_private(path: Path, content: bytes, publish: Callable[[Path, Path], None]) -> None:
    """Write a complete, synced file beside *path*, then *publish* it under its name in one step.

    Raises:
        SettingsError: It cannot be written.
        FileExistsError: *publish* does not replace, and the file is there.
    """
    try:
        _make_folder(path.parent)
        with _temporary(path) as (descriptor, beside):
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            publish(beside, path)
        sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unusable(path, error) from error


def write_new(path: Path, content: bytes, what: str) -> None:
    """Write a file that must not be there yet, for its owner alone, synced.

    Unlike the key file it may lie in a folder of others, on a file system without links: it is encrypted.

    Raises:
        SettingsError: It is there already, or cannot be written; what was begun is gone.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise SettingsError(f"{what} {path} exists already", hint="name another file; nothing is overwritten") from None
    except OSError as error:
        raise SettingsError(f"{what} {path} cannot be made: {error.strerror}", hint="check its folder") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        sync_folder(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise SettingsError(f"{what} {path} cannot be written: {error.strerror}", hint="check the space") from error


@contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Keep other processes of this machine from changing the key file at *path* meanwhile; makes its folder.

    What another one left there when it was killed is deleted.

    Raises:
        SettingsError: Another process is changing it now, or its folder cannot be used.
    """
    try:
        _make_folder(path.parent)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _lock(descriptor, path)
        _remove_leftovers(path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(
            f"another pwsync is changing the key file {path}", hint="wait until it has ended, then try again"
        ) from None


def _remove_leftovers(path: Path) -> None:
    """Delete what a killed writer left beside the key file: it holds keys.

    Only the first key file is made without the lock, so nothing is deleted before there is one.
    """
    if not os.path.lexists(path):
        return
    try:
        for beside in path.parent.glob(f".{path.name}.{'[0-9a-f]' * 2 * _RANDOM_BYTES}"):
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(path, error) from error


def _read(path: Path) -> bytes:
    # O_NONBLOCK: a named pipe in the file's place would keep us waiting for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_file(path, descriptor)
        _check_folder(path.parent)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_LARGEST)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error
    _check_folder(folder)


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[int, Path]]:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(_RANDOM_BYTES)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor, beside
    finally:
        beside.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_file(path: Path, descriptor: int) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise SettingsError(f"the key file {path} is not a regular file", hint="name the file itself")
    if status.st_uid not in {os.geteuid(), 0}:
        raise SettingsError(
            f"the key file {path} belongs to another user (uid {status.st_uid})",
            hint=f"if you trust its content: chown {os.geteuid()} {path}",
        )
    if rights_of_others(descriptor, status):
        raise SettingsError(
            f"the key file {path} is open to other users (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod 600 {path}",
        )


def _check_folder(folder: Path) -> None:
    status = folder.stat()
    if status.st_uid not in {os.geteuid(), 0}:
        raise SettingsError(
            f"the folder {folder} of the key file belongs to another user (uid {status.st_uid}), who could replace it",
            hint=f"chown {os.geteuid()} {folder}",
        )
    if status.st_mode & _OTHERS_WRITE:
        raise SettingsError(
            f"other users can write to the folder {folder} of the key file (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod 700 {folder}",
        )


def _unusable(path: Path, error: OSError) -> SettingsError:
    if error.errno == errno.ELOOP:
        return SettingsError(f"the key file {path} is a symbolic link", hint="name the file itself")
    return SettingsError(
        f"the key file {path} cannot be used: {error.strerror}",
        hint="check its owner, its mode and those of its folder",
    )
