"""A private PostgreSQL server: its own data folder, a free loopback port, gone with the test run."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

_DEBIAN = Path("/usr/lib/postgresql")
_SETTINGS = """
listen_addresses = '127.0.0.1'
shared_buffers = 32MB
max_connections = 100
lc_messages = 'C'
"""
_FAST = "fsync = off\nfull_page_writes = off\n"


def find_binaries() -> Path | None:
    """The folder of the newest initdb and postgres on this machine; None when there is none."""
    versions = [p for p in _DEBIAN.glob("*/bin") if (p / "initdb").exists() and p.parent.name.isdigit()]
    if versions:
        return max(versions, key=lambda p: int(p.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def running_postgresql(*, durable: bool = False) -> Iterator[str]:
    """Start a server of its own; yields the URL of its ``postgres`` database, with user and password.

    Args:
        durable: Keep fsync on, for tests that kill the server.

    Raises:
        FileNotFoundError: PostgreSQL is not installed.
    """
    with own_postgresql(durable=durable) as server:
        yield server.url


@dataclass
class PostgresqlServer:
    """A server that its test may stop and start.

    Attributes:
        url: Of its ``postgres`` database, with user and password.
    """

    url: str = field(repr=False)
    folder: Path
    control: list[str]
    is_running: bool = False

    def start(self) -> None:
        """Start it; returns when it answers."""
        _run([*self.control, "-l", str(self.folder / "log"), "start"], self.folder)
        self.is_running = True

    def stop(self) -> None:
        """End it at once, as a crash does."""
        _run([*self.control, "-m", "immediate", "stop"], self.folder)
        self.is_running = False


@contextmanager
def own_postgresql(*, durable: bool = False) -> Iterator[PostgresqlServer]:
    """Start a server; as for ``running_postgresql``."""
    binaries = find_binaries()
    if binaries is None:
        raise FileNotFoundError("no PostgreSQL server is installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pwsync-postgresql-"))
    try:
        with _server(binaries, folder, durable=durable) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def new_database(server: str, name: str | None = None, *, template: str = "template1") -> Iterator[str]:
    """Create a database on a running server; yields its URL; dropped at the end, whoever is still connected.

    *template* names the database that it starts as a copy of.
    """
    name = name or f"test_{secrets.token_hex(8)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _administer(server, create.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(plain_url(server), autocommit=True) as connection:
        connection.execute(statement)


def plain_url(url: str) -> str:
    """The URL as libpq reads it, without the name of SQLAlchemy's driver."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def _server(binaries: Path, folder: Path, *, durable: bool) -> Iterator[PostgresqlServer]:
    data, password, port = folder / "data", secrets.token_urlsafe(16), _free_port()
    _initialise(binaries, folder, data, password)
    settings = f"{_SETTINGS}port = {port}\nunix_socket_directories = '{folder}'\n{'' if durable else _FAST}"
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(settings)
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
    url = f"postgresql+psycopg://postgres:{password}@127.0.0.1:{port}/postgres"
    server = PostgresqlServer(url, folder, control)
    server.start()
    try:
        yield server
    finally:
        if server.is_running:
            server.stop()


def _initialise(binaries: Path, folder: Path, data: Path, password: str) -> None:
    secret = folder / "password"
    secret.write_text(password, encoding="utf-8")
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        for path in (folder, secret):
            shutil.chown(path, "postgres", "postgres")
    initialise = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-E", "UTF8", "--no-sync"]
    _run([*initialise, "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={secret}"], folder)
    secret.unlink()


def _run(command: list[str], folder: Path) -> None:
    identity = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    # To a file, not a pipe: the server inherits it and would keep a pipe open.
    with (folder / "output").open("a+", encoding="utf-8") as output:
        done = subprocess.run(command, cwd=folder, stdout=output, stderr=output, check=False, **identity)  # type: ignore[call-overload]  # identity is either complete or empty
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed:\n{(folder / 'output').read_text(encoding='utf-8')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
