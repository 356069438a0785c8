"""A user of a Unix host with an /etc of its own, in a mount namespace, whose PAM calls a program after each change.

Needs root, and Linux-PAM 1.6: where the own one is older, the ``pam_exec`` that tests/servers/install has fetched is
laid over it, in the namespace alone.
"""

import os
import pty
import re
import subprocess
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.servers.fixtures import require_server

USER = "pwsyncprobe"
EXPOSES_SINCE = (1, 6)
"""The Linux-PAM whose pam_exec hands over the new password in the stack 'password'."""
NEWER = Path("/var/cache/pwsync-tests/security/pam_exec.so")
_ENTER = textwrap.dedent("""\
    set -eu
    [ -e "$1/etc" ] && is_new=no || is_new=yes
    [ $is_new = no ] || cp -a /etc "$1/etc"
    mount --bind "$1/etc" /etc
    if [ $is_new = yes ]; then
        useradd --no-create-home {user}
        printf '%s\\n' '{user}:{password}' | chpasswd
        cat "$1/steps" >>/etc/pam.d/common-password
    fi
    if [ -n "$2" ]; then mount --bind "$2" "$(find /lib/ /usr/lib/ -name pam_exec.so | head -1)"; fi
    {do}
""")
_PROMPT = re.compile(rb"assword: $")


class Host:
    """The host.

    Attributes:
        initial: The user's first password.
    """

    initial = "Initial-2030-password"

    def __init__(self, folder: Path, steps: str) -> None:
        """*folder* is its own; *steps* are the lines of PAM."""
        require_server("unshare", "setpriv", "chpasswd", "useradd", "passwd")
        if os.geteuid() != 0:
            message = "another /etc needs root and a mount namespace"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        self._folder = folder
        self._module = "" if _version() >= EXPOSES_SINCE else str(NEWER)
        if self._module and not NEWER.exists():
            message = "pam_exec is too old (tests/servers/install fetches a newer one)"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        (folder / "steps").write_text(steps)

    def passwd(self, *answers: str) -> tuple[int, str]:
        """The user runs passwd at a terminal, and types these; returns its exit code, and what the terminal shows."""
        command = self._command(f"exec setpriv --reuid={USER} --regid={USER} --clear-groups passwd")
        ours, theirs = pty.openpty()
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        shown = _typed(ours, answers)
        os.close(ours)
        return process.wait(60), shown.decode("utf-8", "replace")

    def chpasswd(self, password: str) -> int:
        """Root sets the user's password; returns the exit code."""
        command = self._command("exec chpasswd")
        return subprocess.run(
            command, input=f"{USER}:{password}\n".encode(), capture_output=True, check=False, timeout=60
        ).returncode

    def _command(self, do: str) -> list[str]:
        script = _ENTER.format(user=USER, password=self.initial, do=do)
        return ["unshare", "--mount", "sh", "-c", script, "sh", str(self._folder), self._module]


def _typed(terminal: int, answers: Sequence[str]) -> bytes:
    """Type an answer at each prompt; returns all that was shown, once the other side has ended."""
    shown, waiting = bytearray(), list(answers)
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux's way to say that nobody has the terminal open any more
            return bytes(shown)
        shown += part
        if waiting and _PROMPT.search(shown):
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
            shown += b"\n"


def _version() -> tuple[int, ...]:
    command = ["dpkg-query", "--show", "--showformat=${Version}", "libpam-modules"]
    version = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
