"""Says which files hold a secret that other users of the machine could read."""

import os
import stat
from pathlib import Path

from controller.model.errors import SettingsError

_OTHERS = stat.S_IROTH | stat.S_IWOTH


def refuse_open_file(path: Path, status: os.stat_result, what: str) -> None:
    """Refuse a file with a secret when every user of the machine can read or write it.

    The group may: Kubernetes and Debian's ``ssl-cert`` give access that way. So may others, where a folder above the
    file keeps them out, links followed.

    Args:
        path: Of the file.
        status: Of the file that was opened.
        what: Names it in the message.

    Raises:
        SettingsError: Others can get at it.
        OSError: A folder above it cannot be looked at.
    """
    if status.st_mode & _OTHERS and all(_lets_others_in(folder) for folder in Path(os.path.realpath(path)).parents):
        raise SettingsError(
            f"{what} {path} can be read or written by every user of this machine "
            f"(mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod o-rw {path}, and replace the secret if others may have read it",
        )


def _lets_others_in(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)
