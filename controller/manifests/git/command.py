"""Running git: with time and size bounded, nothing to ask, and its whole family ended when the time is up."""

import os
import re
import signal
import subprocess
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from controller.manifests.git.access import GitAccess, environment_of, options_of
from controller.manifests.git.address import GitAddress
from controller.model.errors import ManifestsUnavailable

PATIENCE: Final = timedelta(minutes=2)
LARGEST_FILE: Final = 512 * 1024 * 1024
"""Bytes of any one file that git may write: a pack larger than that is refused, not stored."""
_LIMITED: Final = f'ulimit -f {LARGEST_FILE // 512} && exec git "$@"'  # POSIX counts blocks of 512 bytes
MOST_SAID: Final = 32 * 1024 * 1024
"""Bytes of what git says that are read: enough for a list of the files of the largest commit that is taken."""
_MOST_COMPLAINT: Final = 64 * 1024
_MOST_WORDS: Final = 500
_CREDENTIALS: Final = re.compile(r"(://)[^/\s@]*@")


class Git:
    """Runs git commands that concern one address."""

    def __init__(self, access: GitAccess, address: GitAddress, *, patience: timedelta = PATIENCE) -> None:
        self._address = address
        self._environment = environment_of(access, address)
        self._options = [word for option in options_of(access, address) for word in ("-c", option)]
        self._patience = patience.total_seconds()

    def run(
        self, folder: Path, *arguments: str, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None
    ) -> str:
        """Run one command in *folder* and return what it wrote, unless that went to *stdout*.

        Raises:
            ManifestsUnavailable: It failed, or took too long; the message is git's own.
        """
        code, out, err = self.attempt(folder, *arguments, stdin=stdin, stdout=stdout)
        if code != 0:
            raise ManifestsUnavailable(f"{self._address}: git {arguments[0]}: {said(err)}", hint=_hint(err))
        return out

    def attempt(
        self, folder: Path, *arguments: str, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None
    ) -> tuple[int, str, str]:
        """Run one command and return its exit code, what it wrote, and what it complained of.

        Raises:
            ManifestsUnavailable: It could not be started, took too long, or said too much.
        """
        words = ["/bin/sh", "-c", _LIMITED, "git", "--no-pager", *self._options, *arguments]
        with TemporaryFile() as said_here, TemporaryFile() as complaint:  # bounded as all files that git writes
            try:
                process = subprocess.Popen(  # noqa: S603  # no shell expands the words; none of them is a secret
                    words,
                    cwd=folder,
                    env=self._environment,
                    stdin=stdin or subprocess.DEVNULL,
                    stdout=stdout or said_here,
                    stderr=complaint,
                    start_new_session=True,
                )
            except OSError as error:
                raise ManifestsUnavailable(f"git cannot be started: {error.strerror}") from error
            code = self._ended(process)
            out, err = _written(said_here, MOST_SAID + 1), _written(complaint, _MOST_COMPLAINT)
        if len(out) > MOST_SAID:
            message = f"{self._address}: git {arguments[0]} said more than {MOST_SAID // 1024**2} MiB"
            raise ManifestsUnavailable(message, hint="name the folder of the manifests with path=")
        return code, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "replace")

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        with process:
            try:
                process.wait(self._patience)
            except subprocess.TimeoutExpired as error:
                _end_family(process)
                message = f"{self._address}: git did not end within {self._patience:g} seconds"
                raise ManifestsUnavailable(message, hint="check that the host can be reached") from error
            except BaseException:
                _end_family(process)
                raise
        if process.returncode == 127:  # noqa: PLR2004  # POSIX, section 2.8.2: the command was not found
            raise ManifestsUnavailable("there is no git on this machine", hint="install git")
        return process.returncode


def _written(file: IO[bytes], most: int) -> bytes:
    file.seek(0)
    return file.read(most)


def _end_family(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started: its session has the number of the first process."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def said(err: str) -> str:
    """Git's complaint in one line, without credentials."""
    lines = [line.strip() for line in err.splitlines() if line.strip() and not line.startswith("hint:")]
    return _CREDENTIALS.sub(r"\1", "; ".join(lines))[:_MOST_WORDS] or "failed without a word"


_HINTS: Final = (
    ("terminal prompts disabled", "set PWSYNC_GIT_USER and PWSYNC_GIT_PASSWORD_FILE"),
    ("Authentication failed", "check PWSYNC_GIT_USER and PWSYNC_GIT_PASSWORD_FILE"),
    ("Host key verification failed", "put the host's public key into the file that PWSYNC_GIT_KNOWN_HOSTS names"),
    ("Permission denied (publickey", "set PWSYNC_GIT_SSH_KEY to a key that may read the repository"),
    ("unable to update url base from redirection", "redirects are not followed: write the address that it leads to"),
    ("dubious ownership", "a repository on this machine must belong to the user of the controller, or to root"),
    ("certificate verif", "set PWSYNC_GIT_CA_FILE to the certificate of the authority"),
    ("SSL certificate", "set PWSYNC_GIT_CA_FILE to the certificate of the authority"),
)


def _hint(err: str) -> str:
    return next((hint for words, hint in _HINTS if words in err), "")
