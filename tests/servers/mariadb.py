"""A private MariaDB server: its own data folder, a free loopback port, gone with the test run."""

import getpass
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql

from tests.servers.processes import ServerProcess, free_port

_REFUSED = re.compile("ERROR (1045|1698) ")  # access denied; the second for accounts that are not there
ROOT_PASSWORD = "Root-of-mariadb-1"
_SETTINGS = """\
[mariadbd]
datadir={folder}/data
socket={folder}/socket
pid-file={folder}/pid
port={port}
bind-address=127.0.0.1
general-log=1
general-log-file={folder}/general.log
innodb-buffer-pool-size=16M
innodb-log-file-size=8M
innodb-flush-log-at-trx-commit=0
performance-schema=off
skip-name-resolve
init-file={folder}/root.sql
user={user}
"""


@dataclass(frozen=True, slots=True)
class MariadbServer:
    """A running server.

    Attributes:
        general_log: Every statement, as it came.
    """

    port: int
    general_log: Path

    def administer(self, *statements: str) -> Sequence[Sequence[object]]:
        """Run statements as root; returns the rows of the last one."""
        connection = pymysql.connect(host="127.0.0.1", port=self.port, user="root", password=ROOT_PASSWORD)
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()
            return cursor.fetchall()

    def lets_in(self, user: str, password: str) -> bool:
        """Prove *password* with the server's own client program (and driver), which reads it from a file."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".cnf") as file:
            quoted = password.replace("\\", "\\\\").replace('"', '\\"')
            file.write(f'[client]\nuser="{user}"\npassword="{quoted}"\n')
            file.flush()
            done = subprocess.run(
                ["mariadb", f"--defaults-file={file.name}", "-h127.0.0.1", f"-P{self.port}", "-e", "SELECT 1"],
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            )
        if done.returncode != 0 and not _REFUSED.match(done.stderr):
            raise RuntimeError(done.stderr)
        return done.returncode == 0


@contextmanager
def running_mariadb(folder: Path) -> Iterator[MariadbServer]:
    """Run a server until the end of the block.

    Args:
        folder: Of its own; everything it writes stands there.
    """
    port = free_port()
    settings = folder / "my.cnf"
    settings.write_text(_SETTINGS.format(folder=folder, port=port, user=getpass.getuser()))
    _install(folder, settings)
    process = ServerProcess(["mariadbd", f"--defaults-file={settings}"], folder / "server.log", [port])
    try:
        process.start()
        yield MariadbServer(port, folder / "general.log")
    finally:
        process.stop()


def _install(folder: Path, settings: Path) -> None:
    (folder / "root.sql").write_text(
        f"CREATE OR REPLACE USER root@127.0.0.1 IDENTIFIED BY '{ROOT_PASSWORD}';\n"
        "GRANT ALL ON *.* TO root@127.0.0.1 WITH GRANT OPTION;\n"
    )
    subprocess.run(
        ["mariadb-install-db", f"--defaults-file={settings}", "--skip-test-db", "--skip-name-resolve"],
        check=True,
        capture_output=True,
        timeout=60,
    )
