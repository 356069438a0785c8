"""A private OpenSSH server whose accounts are not this machine's: a copy of /etc in a mount namespace of its own.

Needs root: for the namespace, and since only root's sshd and chpasswd can look at other accounts' passwords.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.processes import ServerProcess, free_port

_SETTINGS = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
StrictModes no
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PidFile none
Match User keyonly
    PasswordAuthentication no
"""
# sshd gives up its rights in /run/sshd, which is made in the namespace alone.
_START = (
    'mount --bind "$1/etc" /etc && mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd'
    ' && exec /usr/sbin/sshd -D -e -f "$1/sshd_config"'
)


@dataclass(frozen=True, slots=True)
class SshServer:
    """A running server and how to reach it.

    Attributes:
        known_hosts: File with its key, for *port*.
        private_key: File with the key that lets root in.
    """

    folder: Path
    port: int

    @property
    def private_key(self) -> Path:
        """File with the key that lets root in."""
        return self.folder / "key"

    def known_hosts(self, port: int) -> Path:
        """File with the server's key, as known for *port*."""
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        file = self.folder / f"known_hosts-{port}"
        file.write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
        return file

    def add_account(self, name: str, password: str) -> None:
        """Add an account with its password."""
        with (self.folder / "etc" / "passwd").open("a") as file:
            file.write(f"{name}:x:20001:20001::/:/bin/sh\n")
        done = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"],
            input=password,
            text=True,
            capture_output=True,
            check=True,
            timeout=10,
        )
        with (self.folder / "etc" / "shadow").open("a") as file:
            file.write(f"{name}:{done.stdout.strip()}:19000:0:99999:7:::\n")

    def hash_of(self, name: str) -> str:
        """What the host keeps of the account's password."""
        lines = (self.folder / "etc" / "shadow").read_text().splitlines()
        return next((line.split(":")[1] for line in lines if line.startswith(f"{name}:")), "")


@contextmanager
def running_sshd(folder: Path) -> Iterator[SshServer]:
    """Run a server until the end of the block; *folder* is its own."""
    port = free_port()
    shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
    for name in ("host_key", "key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True, timeout=30
        )
    (folder / "sshd_config").write_text(_SETTINGS.format(port=port, folder=folder))
    command = ["unshare", "--mount", "sh", "-c", _START, "sh", str(folder)]
    process = ServerProcess(command, folder / "sshd.log", [port])
    try:
        process.start()
        yield SshServer(folder, port)
    finally:
        process.stop()
