"""The external systems of the demo: an htpasswd file and a user table, made where the manifests say they are."""

import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from controller.connectors.hashing import Bcrypt, hash_password
from controller.model.errors import SettingsError
from controller.model.secret import Secret
from controller.model.topology import Adapter
from controller.pipeline.topology import Topology

INITIAL_COST = 4
"""bcrypt is cheap here: nobody knows the initial passwords, and they are replaced."""


def random_password() -> Secret:
    """A password that no one knows, of more characters than an old system takes."""
    return Secret(f"{secrets.token_urlsafe(18)}#Aa1")


def prepare(name: str, adapter: Adapter, accounts: Iterable[str], folder: Path) -> str:
    """Make the system behind an adapter, with these accounts, or add those that it lacks; says what was made.

    Raises:
        SettingsError: It is not of a kind that the demo can make, or does not lie in *folder*.
    """
    options = adapter.connector.options
    match adapter.connector.type:
        case "htpasswd":
            path = _inside(name, Path(str(options["file"])), folder)
            _fill_htpasswd(path, list(accounts))
        case "sql" if str(options.get("url", "")).startswith("sqlite:///"):
            path = _inside(name, Path(str(options["url"]).removeprefix("sqlite:///")), folder)
            _fill_table(path, options, list(accounts))
        case other:
            raise SettingsError(
                f"the demo cannot make the system behind adapter {name} (connector type {other})",
                hint="it makes htpasswd files and tables of SQLite; run it on the manifests of the quickstart",
            )
    return f"{adapter.connector.type} {path}"


def systems_of(topology: Topology) -> dict[str, Adapter]:
    """The adapters that take part, by name."""
    return {name: adapter for name, adapter in sorted(topology.adapters.items()) if adapter.enabled}


def _inside(name: str, path: Path, folder: Path) -> Path:
    if not path.is_relative_to(folder):
        raise SettingsError(
            f"adapter {name} uses {path}, which the demo does not touch: it works in {folder} alone",
            hint=f"change the path in the manifests, or use the state directory that they expect (--state-dir "
            f"{path.parent.parent})",
        )
    return path


def _fill_htpasswd(path: Path, accounts: list[str]) -> None:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {line.partition(":")[0] for line in lines}
    scheme = Bcrypt(INITIAL_COST, prefix="2y")
    lines += [f"{a}:{hash_password(scheme, random_password(), a)}" for a in accounts if a not in known]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    path.chmod(0o600)


def _fill_table(path: Path, options: Mapping[str, Any], accounts: list[str]) -> None:
    # Names of tables and columns are identifiers: the options' own patterns admit nothing that would need quoting.
    table, account, password = options["table"], options["accountColumn"], options["passwordColumn"]
    scheme = Bcrypt(INITIAL_COST)
    rows = [(a, hash_password(scheme, random_password(), a)) for a in accounts]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({account} TEXT PRIMARY KEY, {password} TEXT)")
        connection.executemany(f"INSERT OR IGNORE INTO {table} ({account}, {password}) VALUES (?, ?)", rows)  # noqa: S608  # identifiers, see above
    path.chmod(0o600)
