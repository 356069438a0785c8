"""Locks of a spool: who does a thing with it is the only one."""

import fcntl
import os
from pathlib import Path

from controller.model.errors import SettingsError

MODE = 0o600
"""Of the files of a spool."""


def lock_alone(path: Path, what: str) -> int:
    """Be the only one that does a thing with a spool, until the descriptor is closed.

    Args:
        path: A file in the spool.
        what: What we are, as others are told.

    Raises:
        SettingsError: There is another, or the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    except OSError as error:
        raise unusable(path.parent, error) from error
    while not _lock(descriptor, fcntl.LOCK_EX):
        if not _lock(descriptor, fcntl.LOCK_SH):  # who only looks shares, for a moment
            os.close(descriptor)
            raise SettingsError(
                f"another {what} works on the spool {path.parent}", hint="end it, or give this one a spool of its own"
            )
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether somebody is that one now.

    Raises:
        SettingsError: The file cannot be looked at.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # who only looks makes no file
    except OSError as error:
        raise unusable(path.parent, error) from error
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unusable(path: Path, error: OSError) -> SettingsError:
    """What is told of a spool that the system does not let us use."""
    return SettingsError(
        f"the spool {path} cannot be used: {error.strerror}", hint="check its owner and the free space of its disk"
    )
