"""Capture of clear-text changes on the Samba domain controller, the supported way: ``samba-tool user syncpasswords``.

The controller keeps each password encrypted for an OpenPGP key as well (``password hash gpg key ids``); the command
decrypts the changed ones and hands each to a program. Facts: samba-tool(8), smb.conf(5).
"""

import os
import shlex
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.processes import ServerProcess
from tests.servers.samba import SambaServer
from tests.servers.slapd import SlapdServer

_SOCK_LINES = "extensions connid\nsockops modify extended add\nsockresps result\n"


@contextmanager
def keeping_passwords(samba: SambaServer) -> Iterator[None]:
    """Within the block the domain controller keeps new passwords for capture (restarts it twice)."""
    before = samba.configuration.read_text()
    with new_key() as (home, fingerprint):
        line = f"\tpassword hash gpg key ids = {fingerprint}\n"
        samba.configuration.write_text(before.replace("[sysvol]\n", f"{line}\n[sysvol]\n", 1))
        samba.process.environment["GNUPGHOME"] = str(home)
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


@contextmanager
def repeating(capture: Capture) -> Iterator[None]:
    """Passes follow each other until the end of the block."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.2):
            capture.hand_over()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(120)


@contextmanager
def looping(capture: Capture, folder: Path) -> Iterator[None]:
    """The endless loop of samba-tool runs until the end of the block, as a service does."""
    configuration = ["--configfile", str(capture.samba.configuration)]
    command = ["samba-tool", "user", "syncpasswords", f"--cache-ldb={capture.cache}", *configuration]
    loop = ServerProcess(command, folder / "syncpasswords.log", [], capture.samba.process.environment)
    loop.start()
    try:
        yield
    finally:
        loop.stop()


@contextmanager
def capturing(
    samba: SambaServer, folder: Path, pwsync: Callable[..., str], *, users: Sequence[str], url: str, token: str
) -> Iterator[Capture]:
    """Within the block each changed password of *users* goes to the controller at *url*; needs keeping_passwords.

    Not of all users: the first pass would hand over the hundreds that other tests have made, one program for each.

    Args:
        samba: The domain controller, on this machine.
        folder: Of its own.
        pwsync: Runs a command of ``pwsync`` where the controller's key file is; returns what it says.
        users: Names of the accounts.
        url: Where the controller listens.
        token: Of the principal that may report a change of the domain.
    """
    program, cache = folder / "capture", folder / "capture.ldb"
    settings = write_settings(folder, pwsync, url=url, token=token, more=f"domain: {samba.domain}")
    steps = pwsync("capture", "setup", "samba", "--config", str(settings), "--program", str(program))
    names = "".join(f"(sAMAccountName={user})" for user in users)
    given = [word for word in shlex.split(steps, comments=True) if word.startswith(("--attributes=", "--script="))]
    samba.tool(
        *("user", "syncpasswords", "--cache-ldb-initialize", f"--cache-ldb={cache}", "--decrypt-samba-gpg"),
        *(*given, f"--filter=(&(objectClass=user)(|{names}))"),
    )
    with forwarding(settings):
        yield Capture(samba, cache)


def write_settings(folder: Path, pwsync: Callable[..., str], *, url: str, token: str, more: str) -> Path:
    """Write the settings of capture, with the key of the controller and a token; returns their file.

    *more* are further lines below ``spec``.
    """
    (folder / "capture.key").write_text(pwsync("secret", "capture-key"))
    token_file = folder / "capture.token"
    token_file.touch(0o600)
    token_file.write_text(token)
    settings = folder / "capture.yaml"
    lines = f"servers: ['{url}']\ntokenFile: capture.token\nkeyFile: capture.key\nspool: spool\n{more}\n"
    head = "apiVersion: pwsync/v1\nkind: Capture\nmetadata: {name: source}\nspec:\n"
    settings.write_text(head + textwrap.indent(lines, "  "))
    return settings


@contextmanager
def forwarding(settings: Path) -> Iterator[ServerProcess]:
    """A forwarder runs until the end of the block."""
    command = [sys.executable, "-m", "controller", "capture", "forward", "--config", str(settings)]
    forwarder = ServerProcess(command, settings.with_name("forwarder.log"), [])
    forwarder.start()
    try:
        yield forwarder
    finally:
        forwarder.stop()


def add_sock_overlay(slapd: SlapdServer, socket: Path) -> None:
    """Let slapd tell the program at *socket* of changes, as 'pwsync capture setup openldap' says (restarts it)."""
    file = slapd.folder / "slapd.conf"
    text = file.read_text().replace("moduleload ppolicy\n", "moduleload ppolicy\nmoduleload back_sock\n")
    overlay = f"overlay sock\nsocketpath {socket}\n{_SOCK_LINES}"
    text = text.replace("ppolicy_use_lockout\n", f"ppolicy_use_lockout\n{overlay}")
    rule = "access to attrs=userPassword"
    allowed = f'by dn.exact="{slapd.service_dn}" write by self write by * read'
    text = text.replace(rule, f"access to attrs=entry {allowed}\n{rule}")
    file.write_text(text.replace("by anonymous auth", "by self write by anonymous auth"))
    slapd.process.restart()


@contextmanager
def capturing_openldap(
    slapd: SlapdServer, folder: Path, pwsync: Callable[..., str], *, adapter: str, url: str, token: str
) -> Iterator[ServerProcess]:
    """Within the block changes in slapd are captured for *adapter*; gives the forwarder.

    Args as of ``capturing``; the socket stands below /tmp itself: the path of a socket is short (unix(7)).
    """
    with tempfile.TemporaryDirectory(prefix="pwsync-sock-") as short:
        socket = Path(short) / "s"
        where = f"socket: {socket}, loginSocket: {slapd.login_socket}, baseDN: '{slapd.people_dn}'"
        more = f"adapter: {adapter}\nopenldap: {{{where}}}"
        settings = write_settings(folder, pwsync, url=url, token=token, more=more)
        add_sock_overlay(slapd, socket)
        command = [sys.executable, "-m", "controller", "capture", "openldap", "--config", str(settings)]
        program = ServerProcess(command, folder / "openldap.log", [])
        program.is_ready = lambda: "listens" in (folder / "openldap.log").read_text()
        program.start()
        try:
            with forwarding(settings) as forwarder:
                yield forwarder
        finally:
            program.stop()


@contextmanager
def new_key() -> Iterator[tuple[Path, str]]:
    """A new OpenPGP key without a passphrase; gives its GNUPGHOME and its fingerprint."""
    # Below /tmp itself: the agent of GnuPG listens on a socket there, and the path of a socket is short (unix(7)).
    with tempfile.TemporaryDirectory(prefix="pwsync-gpg-") as home:
        environment = {**os.environ, "GNUPGHOME": home}

        def gpg(*arguments: str) -> str:
            command = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", *arguments]
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
            return done.stdout

        try:
            gpg("--quick-generate-key", "pwsync tests", "default", "default", "never")
            listed = gpg("--list-secret-keys", "--with-colons").splitlines()
            yield Path(home), next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
        finally:
            subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True, timeout=30)
