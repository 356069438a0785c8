"""How repositories are reached: credentials, whose signatures count, and an environment that trusts nothing else."""

import hashlib
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from controller.manifests.git.address import GitAddress  # at run time every command, also --help, would load it

_HELPER: Final = (
    '!f() { test "$1" = get || exit 0; '
    'if test -n "$PWSYNC_GIT_PASSWORD_FILE"; then IFS= read -r PWSYNC_GIT_PASSWORD < "$PWSYNC_GIT_PASSWORD_FILE"; fi; '
    'printf "username=%s\\npassword=%s\\n" "$PWSYNC_GIT_USER" "$PWSYNC_GIT_PASSWORD"; }; f'
)
"""A constant: the password goes from the file or variable through a pipe to git, and stands in no command line."""
_PASSED_ON: Final = ("PATH", "SSH_AUTH_SOCK", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "TMPDIR")
DEFAULT_USER: Final = "git"


@dataclass(frozen=True, slots=True)
class GitAccess:
    """What an installation says about its repositories.

    Attributes:
        allowed_signers: Who may sign (ssh-keygen(1), ALLOWED SIGNERS); None: signatures are not asked for.
        user: Of HTTPS; hosts that take a token ignore it or tell what it must be.
        password: Of HTTPS, as the environment gave it.
        password_file: Holds it in its first line.
        ca_file: Certificates of authorities for HTTPS; those of the system when None.
        ssh_key: The private key for SSH; None: the agent, or the keys of the user.
        known_hosts: Public keys of hosts for SSH; None: those of the user and the system.
    """

    allowed_signers: Path | None = None
    user: str = DEFAULT_USER
    password: str = field(default="", repr=False)
    password_file: Path | None = None
    ca_file: Path | None = None
    ssh_key: Path | None = None
    known_hosts: Path | None = None

    @property
    def has_password(self) -> bool:
        """Whether there is something to log in with over HTTPS."""
        return bool(self.password) or self.password_file is not None

    def signers_digest(self) -> bytes:
        """What tells one state of the file of allowed signers from another; empty when there is none to read."""
        if self.allowed_signers is None:
            return b""
        try:
            return hashlib.sha256(self.allowed_signers.read_bytes()).digest()
        except OSError:
            return b""  # told when a signature is checked


def options_of(access: GitAccess, address: "GitAddress") -> Iterator[str]:
    """Yield the settings of a git command (``-c``): all that it knows, since no file of settings is read."""
    yield from (
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "gc.auto=0",
        "maintenance.auto=false",
        "submodule.recurse=false",
        "fetch.recurseSubmodules=false",
        "fetch.fsckObjects=true",
        "protocol.allow=never",
        f"protocol.{address.scheme}.allow=always",
        "http.followRedirects=false",
        "http.lowSpeedLimit=1000",
        "http.lowSpeedTime=30",
        "credential.helper=",
        "gpg.format=ssh",
        "gpg.minTrustLevel=fully",
        # A signature of another kind would be tried with whatever keys the user's own keyring trusts.
        "gpg.program=/bin/false",
        "gpg.openpgp.program=/bin/false",
        "gpg.x509.program=/bin/false",
    )
    if access.allowed_signers is not None:
        yield f"gpg.ssh.allowedSignersFile={access.allowed_signers}"
    if access.ca_file is not None:
        yield f"http.sslCAInfo={access.ca_file}"
    if address.scheme == "https" and access.has_password:
        yield f"credential.https://{address.host}.helper={_HELPER}"


def environment_of(access: GitAccess, address: "GitAddress", environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The whole environment of a git command. Without HOME no file of the user tells it where to log in with what."""
    kept = {name: environ[name] for name in _PASSED_ON if name in environ}
    secret = {
        "PWSYNC_GIT_USER": access.user,
        "PWSYNC_GIT_PASSWORD": access.password,
        "PWSYNC_GIT_PASSWORD_FILE": str(access.password_file or ""),
    }
    return (
        kept
        | (secret if address.scheme == "https" and access.has_password else {})
        | {
            "GIT_ALLOW_PROTOCOL": address.scheme,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_SSH_COMMAND": _ssh_command(access),
            "GIT_SSH_VARIANT": "ssh",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
        }
    )


def _ssh_command(access: GitAccess) -> str:
    words = ["ssh", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oForwardAgent=no", "-oConnectTimeout=20"]
    if access.ssh_key is not None:
        words += ["-oIdentitiesOnly=yes", "-i", str(access.ssh_key)]
    if access.known_hosts is not None:
        # Paths with spaces are quoted once more for ssh itself: the option takes a list.
        words += [f'-oUserKnownHostsFile="{access.known_hosts}"', "-oGlobalKnownHostsFile=/dev/null"]
    return shlex.join(words)
