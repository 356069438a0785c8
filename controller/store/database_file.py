"""The file of an SQLite database and the files that SQLite keeps beside it: whose they are, and who may read them."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.model.errors import StoreUnavailable, StoreUnusable

_OWNER_ONLY = 0o600
_OTHERS = 0o077
_ENDINGS = ("", "-wal", "-shm", "-journal")
"""Of the database itself and of its side files (https://www.sqlite.org/tempfiles.html)."""


def ensure_file(path: Path) -> None:
    """Make sure that the SQLite file is there, and that nobody else can have put it or a side file there.

    A new one is readable by its owner only; the mode of another one stays, for it may be no database of ours.

    Raises:
        StoreUnavailable: It cannot be created or looked at, or is not a file.
        StoreUnusable: It or a side file is a link, or belongs to another user.
    """
    try:
        # Only a new file is opened here: closing a second descriptor of a database in use drops SQLite's locks.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _OWNER_ONLY))
    except FileExistsError:
        pass  # checked below, like the side files
    except OSError as error:
        raise _not_accessible(path, error) from error
    for _ in _files_of(path):
        pass


def protect_files(path: Path) -> None:
    """Close the SQLite file and its side files to others, once the file is known to be a store.

    Raises:
        StoreUnavailable: One cannot be protected.
        StoreUnusable: One is a link, or belongs to another user.
    """
    for file, descriptor in _files_of(path):
        if os.fstat(descriptor).st_mode & _OTHERS:
            try:
                Path(f"/proc/self/fd/{descriptor}").chmod(
                    _OWNER_ONLY
                )  # the file that was checked, whatever is there now
            except OSError as error:
                raise _not_accessible(file, error) from error


def file_exists(path: Path) -> bool:
    """Tell whether the SQLite file is there.

    Raises:
        StoreUnavailable: It may not be looked at, or is something else.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _not_accessible(path, error) from error
    if not stat.S_ISREG(mode):
        raise _not_a_file(path)
    return True


def _files_of(path: Path) -> Iterator[tuple[Path, int]]:
    """The files that are there, each checked, with a descriptor that lasts until the next one is asked for."""
    for ending in _ENDINGS:
        file = path.with_name(path.name + ending)
        with _opened(file) as descriptor:
            if descriptor is not None:
                _check(file, os.fstat(descriptor))
                yield file, descriptor


@contextmanager
def _opened(file: Path) -> Iterator[int | None]:
    """The file or link itself; None when there is none. O_PATH: closing it leaves SQLite's locks alone."""
    try:
        descriptor = os.open(file, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise _not_accessible(file, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _check(file: Path, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise StoreUnusable(
            f"SQLite database {file} is a symbolic link", hint="name the file that it leads to with --database"
        )
    if not stat.S_ISREG(status.st_mode):
        raise _not_a_file(file)
    if status.st_uid not in {os.geteuid(), 0}:
        raise StoreUnusable(
            f"SQLite database {file} belongs to another user (uid {status.st_uid})",
            hint=f"run pwsync as that user; or, if you trust its content: chown {os.geteuid()} {file}",
        )


def _not_a_file(path: Path) -> StoreUnavailable:
    return StoreUnavailable(f"SQLite database {path} is not a file", hint="name a file with --database")


def _not_accessible(path: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"SQLite database {path} cannot be used: {error.strerror}",
        hint="its folder must exist, and both must belong to the user that runs pwsync",
    )
