"""Settings of one installation: flags, then environment ``PWSYNC_*``, then defaults (contract section 1)."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controller.manifests.git.access import DEFAULT_USER, GitAccess
from controller.model.errors import SettingsError

_PASSWORD = re.compile(r"://[^:/]*:[^@]*@|[?&][^=&]*password=", re.IGNORECASE)
DEFAULT_STATE_DIR = Path(".pwsync")
_ANOTHER = "name another one with --state-dir or PWSYNC_STATE_DIR"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where an installation keeps what it knows.

    Attributes:
        state_dir: Holds everything embedded; created with mode 0700 when something is first written.
        database: A SQLAlchemy URL, which may hold a password; the embedded file when none was given.
        given_replay_dir: Where changes are kept while the store is away, when it is not the state directory.
        given_key_file: The file with the master secrets, when it is not in the state directory.
        git: How repositories with manifests are reached.
    """

    state_dir: Path
    database: str = field(repr=False)
    given_replay_dir: Path | None = None
    given_key_file: Path | None = None
    git: GitAccess = field(default_factory=GitAccess)

    @property
    def replay_dir(self) -> Path:
        """Where changes are kept while the store is away."""
        return self.given_replay_dir or self.state_dir / "replay"

    @property
    def key_file(self) -> Path:
        """The file with the master secrets."""
        return self.given_key_file or self.state_dir / "master.key"

    @property
    def revisions_dir(self) -> Path:
        """Where revisions of repositories with manifests are kept."""
        return self.state_dir / "revisions"

    @property
    def embedded_database(self) -> Path:
        """The embedded database file, used or not."""
        return self.state_dir / "pwsync.db"

    def check_state_dir(self) -> None:
        """See that it is a directory, if it is there.

        Raises:
            SettingsError: It is something else.
        """
        try:
            is_other = self.state_dir.exists() and not self.state_dir.is_dir()
        except OSError:
            return  # a folder above it cannot be entered: who needs the directory says so
        if is_other:
            raise SettingsError(f"the state directory {self.state_dir} is not a directory", hint=_ANOTHER)

    def make_state_dir(self) -> None:
        """Create the state directory, for its owner alone.

        Raises:
            SettingsError: It cannot be created, belongs to another user, or others may enter it.
        """
        self.check_state_dir()
        try:
            self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.state_dir.stat()
        except OSError as error:
            raise SettingsError(
                f"the state directory {self.state_dir} cannot be used: {error.strerror}", hint=_ANOTHER
            ) from error
        if status.st_uid not in {os.geteuid(), 0}:
            raise SettingsError(
                f"the state directory {self.state_dir} belongs to another user (uid {status.st_uid})",
                hint=f"name another one with --state-dir; if you trust its content: chown {os.geteuid()} it",
            )
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            raise SettingsError(
                f"the state directory {self.state_dir} can be entered by others (mode {mode:04o})",
                hint=f"chmod 700 {self.state_dir}",
            )


def settings_of(
    state_dir: Path | None = None,
    database: str | None = None,
    replay_dir: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    key_file: Path | None = None,
    git_allowed_signers: Path | None = None,
) -> Settings:
    """Combine flags, environment and defaults.

    Raises:
        SettingsError: The flag *database* holds a password; other users of the machine can read command lines. Or the
            file that ``PWSYNC_DATABASE_FILE`` names cannot be used, or ``PWSYNC_DATABASE`` is set as well; likewise
            ``PWSYNC_GIT_PASSWORD_FILE`` and ``PWSYNC_GIT_PASSWORD``.
    """
    if database is not None and _PASSWORD.search(database):
        raise SettingsError(
            "--database holds a password, which other users of this machine can read",
            hint="set PWSYNC_DATABASE instead, or leave the password to libpq's PGPASSFILE",
        )
    chosen = state_dir or Path(environ.get("PWSYNC_STATE_DIR") or DEFAULT_STATE_DIR)
    folder = chosen.expanduser().absolute()
    url = database or _database_in(environ) or f"sqlite:///{folder / 'pwsync.db'}"
    replay = _path(replay_dir, environ.get("PWSYNC_REPLAY_DIR"))
    keys = _path(key_file, environ.get("PWSYNC_KEY_FILE"))
    return Settings(folder, url, replay, keys, _git_access(git_allowed_signers, environ))


def _path(flag: Path | None, text: str | None) -> Path | None:
    chosen = flag or (Path(text) if text else None)
    return None if chosen is None else chosen.expanduser().absolute()


def _git_access(allowed_signers: Path | None, environ: Mapping[str, str]) -> GitAccess:
    password, file = environ.get("PWSYNC_GIT_PASSWORD", ""), _path(None, environ.get("PWSYNC_GIT_PASSWORD_FILE"))
    if password and file is not None:
        raise SettingsError("both PWSYNC_GIT_PASSWORD and PWSYNC_GIT_PASSWORD_FILE are set", hint="unset one of them")
    return GitAccess(
        allowed_signers=_path(allowed_signers, environ.get("PWSYNC_GIT_ALLOWED_SIGNERS")),
        user=environ.get("PWSYNC_GIT_USER") or DEFAULT_USER,
        password=password,
        password_file=file,
        ca_file=_path(None, environ.get("PWSYNC_GIT_CA_FILE")),
        ssh_key=_path(None, environ.get("PWSYNC_GIT_SSH_KEY")),
        known_hosts=_path(None, environ.get("PWSYNC_GIT_KNOWN_HOSTS")),
    )


def _database_in(environ: Mapping[str, str]) -> str | None:
    url, file = environ.get("PWSYNC_DATABASE"), environ.get("PWSYNC_DATABASE_FILE")
    if not file:
        return url
    if url:
        raise SettingsError("both PWSYNC_DATABASE and PWSYNC_DATABASE_FILE are set", hint="unset one of them")
    from controller.model.options import SecretReference
    from controller.runtime.references import resolve_secret

    return resolve_secret(SecretReference(file=file)).reveal().strip()
