"""A program that may be run: whose file nobody can exchange who could not exchange pwsync itself."""

import os
import stat
from pathlib import Path

from controller.model.errors import ChannelRefused

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def expect_trusted(path: str) -> None:
    """Make sure that the program is there, may be executed, and belongs to root or to us, as does its folder.

    Raises:
        ChannelRefused: It is not so: whoever may write to it would be handed passwords.
    """
    file = Path(path)
    try:
        program, folder = file.stat(), file.parent.stat()
    except OSError as error:
        raise ChannelRefused(
            f"the program {path} cannot be found: {error.strerror}", hint="check spec.connector.command"
        ) from error
    if not stat.S_ISREG(program.st_mode) or not os.access(path, os.X_OK):
        raise ChannelRefused(f"{path} is not a program that we may execute", hint=f"chmod 755 {path}")
    sticky = bool(folder.st_mode & stat.S_ISVTX)
    for what, found, is_safe in ((path, program, False), (str(file.parent), folder, sticky)):
        if found.st_uid not in {0, os.geteuid()} or (found.st_mode & _OTHERS_MAY_WRITE and not is_safe):
            raise ChannelRefused(
                f"{what} may be written to by others than root and us: they would be handed passwords",
                hint=f"chown root {what}; chmod go-w {what}",
            )
