"""Notices that manifests have changed, so that the reconcile loop need not wait for its next round.

Nothing depends on it: each round reads everything anew. It watches folders by what the kernel tells, and asks the
remotes of repositories at an interval.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Final

import structlog
from watchfiles import Change, watch

from controller.model.errors import ManifestsUnavailable
from controller.runtime.desired import LastingReading, Paths
from controller.runtime.workers import warn

log = structlog.get_logger()

POLL: Final = timedelta(minutes=1)
"""How often remotes of repositories are asked for another revision."""
_SUFFIXES: Final = (".yaml", ".yml", ".csv")
_SWAPPED: Final = "..data"
"""The link that Kubernetes puts in another's place when a ConfigMap changes."""


class ManifestWatch:
    """Calls *wake* when manifests may have changed; once too often does no harm."""

    def __init__(self, paths: Paths, reading: LastingReading, poll: timedelta, wake: Callable[[], None]) -> None:
        self._reading = reading
        self._poll = poll
        self._wake = wake
        self._is_stopping = Event()
        self._threads = [
            Thread(target=self._watch, args=(place, recursive), name="pwsync-watch", daemon=True)
            for place, recursive in _places(paths)
        ]
        if paths.addresses:
            self._threads.append(Thread(target=self._ask, name="pwsync-git", daemon=True))

    def start(self) -> None:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; a remote that does not answer is waited for no longer than git waits."""
        self._is_stopping.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, place: Path, recursive: bool) -> None:
        try:
            for changes in watch(
                place, watch_filter=_may_matter, stop_event=self._is_stopping, recursive=recursive, debounce=800
            ):
                log.debug("Manifests have changed", files=len(changes))
                self._wake()
        except Exception as error:  # noqa: BLE001  # the rounds go on at their interval
            warn("Manifests are not watched any more; they are read at the interval of the System", error)

    def _ask(self) -> None:
        while not self._is_stopping.wait(self._poll.total_seconds()):
            try:
                if self._reading.has_news():
                    self._wake()
            except ManifestsUnavailable as error:
                log.debug("A repository cannot be asked; the next round tells", problem=str(error))
            except Exception as error:  # noqa: BLE001  # a defect must not end the asking for good
                warn("Repositories are asked later", error)


def _places(paths: Paths) -> Iterator[tuple[Path, bool]]:
    """The folders to watch, and whether with all below: of a file its folder, since editors replace files."""
    for given in paths.given:
        if given in paths.addresses or given == "-":
            continue
        path = Path(given)
        yield (path, True) if path.is_dir() else (path.parent, False)


def _may_matter(_: Change, path: str) -> bool:
    """Whether a file may be a manifest, or a table of mappings; the store beside them is not."""
    return path.endswith((*_SUFFIXES, _SWAPPED))
