"""Asks the directories of several domains at the same time, and for a limited time only."""

import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread

from controller.model.accounts import WindowsAccount
from controller.model.errors import PwsyncError, Rejected, Unavailable
from controller.model.topology import DomainDirectory
from controller.ports.windows_groups import GroupDirectory, OpenGroupDirectory

Answer = frozenset[WindowsAccount] | PwsyncError
"""The accounts behind a name, or why they are not known."""
Told = tuple[WindowsAccount, Answer]


@dataclass(frozen=True, slots=True)
class _Ended:
    """Nothing more comes from a domain; from none at all when it is empty."""

    domain: str = ""


class TooLate(Unavailable):
    """No answer came within the time that there was."""


_Heard = SimpleQueue[Told | _Ended]


class Inquiry:
    """Asks in one thread per domain, so that one that is silent or slow holds up no other one.

    A thread that is given up ends by itself, at the latest when its directory has answered what it was asked; until
    then the domain is not asked again. No thread but the caller's uses a store.
    """

    def __init__(self, open_directory: OpenGroupDirectory) -> None:
        self._open_directory = open_directory
        self._threads: dict[str, Thread] = {}
        self._heard: _Heard = SimpleQueue()
        self._is_stopping = Event()

    def stop(self) -> None:
        """End what is under way at once, and ask nothing any more."""
        self._is_stopping.set()
        self._heard.put(_Ended())

    def ask(
        self,
        names: ReadOnlyMapping[str, Sequence[WindowsAccount]],
        directories: ReadOnlyMapping[str, DomainDirectory],
        limit: timedelta,
    ) -> Iterator[Told]:
        """Yield the answers as they come, then the names (given by domain) about which none came within *limit*."""
        end, is_over, heard = time.monotonic() + limit.total_seconds(), Event(), _Heard()
        self._heard = heard

        def may_go_on() -> bool:
            return time.monotonic() < end and not is_over.is_set() and not self._is_stopping.is_set()

        idle = {domain: names[domain] for domain in names if not self._is_asked(domain)}
        for domain, some in idle.items():
            given = (domain, directories[domain], some, may_go_on, heard)
            self._threads[domain] = Thread(target=self._answer, args=given, name=f"pwsync-users-{domain}", daemon=True)
            self._threads[domain].start()
        waiting = dict.fromkeys(name for some in names.values() for name in some)
        try:
            for told in self._hear(heard, set(idle), end):
                waiting.pop(told[0], None)
                yield told
        finally:
            is_over.set()
        if not self._is_stopping.is_set():
            yield from ((name, _too_late(name.domain)) for name in waiting)

    def _is_asked(self, domain: str) -> bool:
        return domain in self._threads and self._threads[domain].is_alive()

    def _hear(self, heard: _Heard, domains: set[str], end: float) -> Iterator[Told]:
        while domains and not self._is_stopping.is_set():
            try:
                told = heard.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                return
            if isinstance(told, _Ended):
                domains.discard(told.domain)
            else:
                yield told

    def _answer(
        self,
        domain: str,
        directory: DomainDirectory,
        names: Sequence[WindowsAccount],
        may_go_on: Callable[[], bool],
        heard: _Heard,
    ) -> None:
        """The work of a thread."""
        try:
            with closing(self._open_directory(domain, directory)) as opened:
                for told in _answers(opened, names, may_go_on):
                    heard.put(told)
        except Exception as error:  # noqa: BLE001  # a defect must not hide the others; its text may hold secrets
            for name in names:
                heard.put((name, _told_by(error)))
        finally:
            heard.put(_Ended(domain))


def _answers(
    directory: GroupDirectory, names: Sequence[WindowsAccount], may_go_on: Callable[[], bool]
) -> Iterator[Told]:
    """Ask one name after another; a directory that is away is asked once."""
    away: PwsyncError | None = None
    for name in names:
        if away is not None:
            yield name, away
            continue
        if not may_go_on():
            return
        try:
            answer: Answer = directory.members(name)
        except Exception as error:  # noqa: BLE001  # as above
            answer = _told_by(error)
        if isinstance(answer, PwsyncError) and not isinstance(answer, Rejected):
            away = answer
        yield name, answer


def _told_by(error: Exception) -> PwsyncError:
    if isinstance(error, PwsyncError):
        return error
    return Unavailable(f"the look-up failed: {type(error).__name__}", hint="report it")


def _too_late(domain: str) -> PwsyncError:
    words = f"the directory of Domain/{domain} has not answered in time"
    return TooLate(words, hint="check that it is up and not overloaded")
