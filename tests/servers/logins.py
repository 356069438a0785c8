"""Logs in where an account of examples/company has a password: at each place in the place's own way.

``python -m tests.servers.logins FILE WINDOWS_NAME``: FILE is what ``Logins.save`` wrote; the password comes on standard
input. Prints one line for each place, and ends with 1 when one of them is not opened.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import bcrypt
import psycopg

INVALID_CREDENTIALS = 49
_SEARCH = ("ldapsearch", "-x", "-LLL", "-b", "", "-s", "base")
"""For the root entry, which everybody may read, once the bind has succeeded."""
PLACES = ("windows", "openldap", "postgresql", "racf", "htpasswd")


@dataclass(frozen=True, slots=True)
class LdapPlace:
    """An LDAP server; *name* makes of an account what one binds as."""

    url: str
    ca_file: str
    name: str

    def opens(self, account: str, password: str) -> bool:
        """Bind, with OpenLDAP's own client."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(password.encode())
            file.flush()
            done = subprocess.run(
                [*_SEARCH, "-H", self.url, "-D", self.name.format(account), "-y", file.name],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
                env={**os.environ, "LDAPTLS_CACERT": self.ca_file},
            )
        if done.returncode not in {0, INVALID_CREDENTIALS}:
            raise RuntimeError(f"ldapsearch at {self.url}: {done.stderr}")
        return done.returncode == 0


@dataclass(frozen=True, slots=True)
class Logins:
    """Where to log in. Accounts have their Windows names everywhere, in upper case in RACF."""

    windows: LdapPlace
    openldap: LdapPlace
    racf: LdapPlace
    postgresql_port: int
    htpasswd: str

    def opens(self, place: str, account: str, password: str) -> bool:
        """Whether *password* opens the account at one of ``PLACES``."""
        match place:
            case "windows":
                return self.windows.opens(account, password)
            case "openldap":
                return self.openldap.opens(account, password)
            case "racf":
                return self.racf.opens(account.upper(), password)
            case "postgresql":
                return self._opens_role(account, password)
            case _:
                return self._is_in_file(account, password)

    def opened(self, account: str, password: str) -> list[str]:
        """All places that *password* opens."""
        return [place for place in PLACES if self.opens(place, account, password)]

    def _opens_role(self, role: str, password: str) -> bool:
        try:
            psycopg.connect(
                host="127.0.0.1", port=self.postgresql_port, user=role, password=password, dbname="postgres"
            ).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):  # libpq gives no code while it connects
                return False
            raise
        return True

    def _is_in_file(self, account: str, password: str) -> bool:
        """As a web server does."""
        lines = dict(line.split(":", 1) for line in Path(self.htpasswd).read_text().splitlines())
        return bcrypt.checkpw(password.encode(), lines[account].encode())

    def save(self, file: Path) -> None:
        """Write it down; no password is in it."""
        file.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read what ``save`` wrote."""
        values = json.loads(file.read_text())
        for name in ("windows", "openldap", "racf"):
            values[name] = LdapPlace(**values[name])
        return cls(**values)


def main() -> int:
    """Log in everywhere."""
    logins, password = Logins.load(Path(sys.argv[1])), sys.stdin.readline().rstrip("\n")
    opened = logins.opened(sys.argv[2], password)
    for place in PLACES:
        sys.stdout.write(f"{place}: {'open' if place in opened else 'closed'}\n")
    return 0 if len(opened) == len(PLACES) else 1


if __name__ == "__main__":
    sys.exit(main())
