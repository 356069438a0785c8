"""OpenLDAP's own clients: what tests ask a real server with, instead of with our code."""

import os
import subprocess
import tempfile
from pathlib import Path

INVALID_CREDENTIALS = 49


class LdapClients:
    """Runs clients against a server over TLS. A password is in a file for as long as a client runs, and in no argv.

    Attributes:
        folder: Where that file is made.
        ldaps_url: TLS from the start.
        ca_file: The authority that signed its certificate.
    """

    __slots__ = ()

    folder: Path
    ldaps_url: str
    ca_file: Path

    def run_client(
        self, command: list[str], dn: str, password: str, standard_input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a client as *dn*; how it ended is the caller's to judge."""
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(password.encode())
            file.flush()
            return subprocess.run(
                [command[0], "-x", "-H", self.ldaps_url, "-D", dn, "-y", file.name, *command[1:]],
                input=standard_input,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
                env={**os.environ, "LDAPTLS_CACERT": str(self.ca_file)},
            )

    def change_own_password(self, dn: str, old: str, new: str) -> None:
        """A person changes the own password, with ldappasswd (RFC 3062).

        Raises:
            RuntimeError: The server refuses it; with its words.
        """
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(new.encode())
            file.flush()
            done = self.run_client(["ldappasswd", "-T", file.name], dn, old)
        if done.returncode != 0:
            raise RuntimeError(f"ldappasswd: {done.stdout}{done.stderr}")

    def can_bind(self, dn: str, password: str) -> bool:
        """Tell whether *password* opens *dn*."""
        done = self.run_client(["ldapwhoami"], dn, password)
        if done.returncode not in {0, INVALID_CREDENTIALS}:
            raise RuntimeError(f"ldapwhoami: {done.stderr}")
        return done.returncode == 0
