"""Finds connector types among the installed packages (entry-point group ``pwsync.connectors``)."""

import difflib
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from threading import Lock
from typing import Any

from pydantic import BaseModel

from controller.model.errors import NotFound, SettingsError
from controller.ports.connectors import ConnectorCatalogue, ConnectorType

GROUP = "pwsync.connectors"


def installed_connectors() -> ConnectorCatalogue:
    """The connector types of all installed packages; a package is imported only when its type is asked for."""
    return InstalledConnectors()


class InstalledConnectors:
    """The catalogue of ``ports.ConnectorCatalogue`` over entry points."""

    def __init__(self) -> None:
        self._entries: dict[str, list[EntryPoint]] | None = None
        self._loaded: dict[str, ConnectorType] = {}
        self._lock = Lock()

    def names(self) -> Sequence[str]:
        """Names, sorted, without importing any connector."""
        with self._lock:
            return sorted(self._by_name())

    def get(self, name: str) -> ConnectorType:
        """Return a type.

        Raises:
            NotFound: No such type; the message names those there are.
            SettingsError: The package that offers it cannot be used.
        """
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = _load(name, self._by_name())
            return self._loaded[name]

    def _by_name(self) -> dict[str, list[EntryPoint]]:
        if self._entries is None:
            self._entries = {}
            for entry in entry_points(group=GROUP):
                self._entries.setdefault(entry.name, []).append(entry)
        return self._entries


def _load(name: str, entries: dict[str, list[EntryPoint]]) -> ConnectorType:
    offered = entries.get(name, [])
    if not offered:
        raise _not_found(name, sorted(entries))
    if len({entry.value for entry in offered}) > 1:
        raise SettingsError(
            f"connector type {name!r} is offered by several packages: {', '.join(map(_package, offered))}",
            hint="uninstall all but one of them",
        )
    entry = offered[0]
    try:
        loaded: Any = entry.load()
    except Exception as error:  # whatever a foreign package raises while it is imported
        raise SettingsError(
            f"connector type {name!r} of package {_package(entry)} cannot be loaded: {type(error).__name__}: {error}",
            hint=f"reinstall or upgrade {_package(entry)}",
        ) from error
    flaw = _flaw(name, loaded)
    if flaw:
        raise SettingsError(
            f"{entry.value} of package {_package(entry)} is not a connector type: {flaw}",
            hint=f"upgrade {_package(entry)}, or report it to its author",
        )
    connector_type: ConnectorType = loaded
    return connector_type


def _not_found(name: str, names: Sequence[str]) -> NotFound:
    lowered = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), lowered, n=1)
    return NotFound(
        f"there is no connector type {name!r}; there are {', '.join(names) or 'none'}",
        hint=f"did you mean {lowered[close[0]]!r}?" if close else "a type may come from a package not yet installed",
    )


def _flaw(name: str, loaded: object) -> str:
    options = getattr(loaded, "options", None)
    if getattr(loaded, "name", None) != name:
        return f"its name is not {name!r}"
    if not (isinstance(options, type) and issubclass(options, BaseModel)):
        return "its options are not a pydantic model"
    missing = [method for method in ("capabilities", "connect") if not callable(getattr(loaded, method, None))]
    return f"it has no {' and no '.join(missing)}" if missing else ""


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value
