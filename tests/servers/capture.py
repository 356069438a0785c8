"""Capture of clear-text changes on the Samba domain controller, the supported way: ``samba-tool user syncpasswords``.

The controller keeps each password encrypted for an OpenPGP key as well (``password hash gpg key ids``); the command
decrypts the changed ones and hands each to a program. Facts: samba-tool(8), smb.conf(5).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.samba import SambaServer

PROGRAM = Path(__file__).with_name("capture_program.py")
ATTRIBUTES = "objectGUID,objectSid,sAMAccountName,userAccountControl,pwdLastSet,virtualClearTextUTF8"


@contextmanager
def keeping_passwords(samba: SambaServer) -> Iterator[None]:
    """Within the block the domain controller keeps new passwords for capture (restarts it twice)."""
    before = samba.configuration.read_text()
    # Below /tmp itself: the agent of GnuPG listens on a socket there, and the path of a socket is short (unix(7)).
    with tempfile.TemporaryDirectory(prefix="pwsync-gpg-") as home, _key(Path(home)) as fingerprint:
        line = f"\tpassword hash gpg key ids = {fingerprint}\n"
        samba.configuration.write_text(before.replace("[sysvol]\n", f"{line}\n[sysvol]\n", 1))
        samba.process.environment["GNUPGHOME"] = home
        samba.process.restart()
        try:
            yield
        finally:
            samba.configuration.write_text(before)
            del samba.process.environment["GNUPGHOME"]
            samba.process.restart()


@dataclass(frozen=True, slots=True)
class Capture:
    """Hands over what has changed since the last pass.

    A pass at a time (``--no-wait``), when the test wants one: the endless loop hears of changes when the server gets
    round to telling it, which on a busy machine has taken minutes.
    """

    samba: SambaServer
    cache: Path

    def hand_over(self) -> None:
        """Hand each account whose password has changed to the program, as it is now."""
        self.samba.tool("user", "syncpasswords", "--no-wait", f"--cache-ldb={self.cache}")


def set_up_capture(samba: SambaServer, folder: Path, *, user: str, url: str, token: str) -> Capture:
    """Let each changed password of *user* be posted to *url*, the changes of a domain; needs keeping_passwords.

    Not of all users: the first pass would hand over the hundreds that other tests have made, one program for each.

    Args:
        samba: The domain controller, on this machine.
        folder: Of its own.
        user: Name of the account.
        url: Where a change is reported.
        token: Of the principal that may report it.
    """
    settings = folder / "capture.json"
    settings.write_text(json.dumps({"url": url, "token": token, "domain": samba.domain}))
    settings.chmod(0o600)
    program = folder / "capture"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -S {PROGRAM} {settings}\n")
    program.chmod(0o700)
    cache = folder / "capture.ldb"
    samba.tool(
        *("user", "syncpasswords", "--cache-ldb-initialize", f"--cache-ldb={cache}", "--decrypt-samba-gpg"),
        *(
            f"--attributes={ATTRIBUTES}",
            f"--script={program}",
            f"--filter=(&(objectClass=user)(sAMAccountName={user}))",
        ),
    )
    return Capture(samba, cache)


@contextmanager
def _key(home: Path) -> Iterator[str]:
    """A new key without a passphrase; gives its fingerprint."""
    environment = {**os.environ, "GNUPGHOME": str(home)}

    def gpg(*arguments: str) -> str:
        command = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout

    try:
        gpg("--quick-generate-key", "pwsync tests", "default", "default", "never")
        listed = gpg("--list-secret-keys", "--with-colons").splitlines()
        yield next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True, timeout=30)
