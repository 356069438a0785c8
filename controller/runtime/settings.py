"""Settings of one installation: flags, then environment ``PWSYNC_*``, then defaults (contract section 1)."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.model.errors import SettingsError

DEFAULT_STATE_DIR = Path(".pwsync")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where an installation keeps what it knows.

    Attributes:
        state_dir: Holds everything embedded; created with mode 0700 when something is first written.
        database: A SQLAlchemy URL; the embedded file when none was given.
    """

    state_dir: Path
    database: str

    @property
    def key_file(self) -> Path:
        """The file with the master secrets."""
        return self.state_dir / "master.key"

    @property
    def embedded_database(self) -> Path:
        """The embedded database file, used or not."""
        return self.state_dir / "pwsync.db"

    @property
    def is_embedded(self) -> bool:
        """Whether the embedded database file is the store."""
        return self.database == f"sqlite:///{self.embedded_database}"

    def make_state_dir(self) -> None:
        """Create the state directory, for its owner alone.

        Raises:
            SettingsError: It cannot be created, or others may enter it.
        """
        try:
            self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = stat.S_IMODE(self.state_dir.stat().st_mode)
        except OSError as error:
            raise SettingsError(
                f"the state directory {self.state_dir} cannot be used: {error.strerror}",
                hint="name another one with --state-dir or PWSYNC_STATE_DIR",
            ) from error
        if mode & 0o077:
            raise SettingsError(
                f"the state directory {self.state_dir} can be entered by others (mode {mode:04o})",
                hint=f"chmod 700 {self.state_dir}",
            )


def settings_of(
    state_dir: Path | None = None, database: str | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Combine flags, environment and defaults."""
    chosen = state_dir or Path(environ.get("PWSYNC_STATE_DIR") or DEFAULT_STATE_DIR)
    folder = chosen.expanduser().absolute()
    url = database or environ.get("PWSYNC_DATABASE") or f"sqlite:///{folder / 'pwsync.db'}"
    return Settings(folder, url)
