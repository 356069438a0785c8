"""Users of applications at run time: asked in a thread of their own, which nothing waits for."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.errors import StoreUnavailable
from controller.model.topology import Access, DomainDirectory
from controller.model.topology import Domain as DomainSpec
from controller.ports.store import Store
from controller.ports.windows_groups import GroupDirectory, OpenGroupDirectory
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.users import Users
from controller.runtime.lifecycle import Controller
from controller.runtime.settings import settings_of
from controller.runtime.users import UserRounds
from controller.runtime.wiring import open_installation
from controller.store.opening import open_store
from tests.doubles.pipeline import DIRECTORY
from tests.doubles.topologies import application, resource, state, system

STAFF, OPS = WindowsAccount("CORP", "staff"), WindowsAccount("CORP", "ops")
LOOK = timedelta(seconds=0.05)


class TellingDirectory:
    """Tells who was asked about, and answers when it may."""

    def __init__(self) -> None:
        self.asked: SimpleQueue[WindowsAccount] = SimpleQueue()
        self.may_answer = Event()

    def open(self, _domain: str, _directory: DomainDirectory) -> GroupDirectory:
        return self

    def members(self, name: WindowsAccount) -> frozenset[WindowsAccount]:
        self.asked.put(name)
        assert self.may_answer.wait(20)
        return frozenset({name})

    def close(self) -> None:
        """Nothing is open."""


class FailingOnce(Users):
    """Cannot reach the store the first time."""

    def __init__(self, store: Store, open_directory: OpenGroupDirectory) -> None:
        super().__init__(store, open_directory)
        self.has_failed = Event()

    def refresh(self, *args: object, **kwargs: object) -> list[str]:
        if not self.has_failed.is_set():
            self.has_failed.set()
            raise StoreUnavailable("away")
        return super().refresh(*args, **kwargs)  # type: ignore[arg-type]  # handed through


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'own.db'}")
    with opened.write() as tx:
        tx.resources.put(resource("CORP", DomainSpec("corp.example.com", directory=DIRECTORY)))
        tx.resources.put(application("A", access=Access(users=(str(STAFF),))))
    yield opened
    opened.close()


@pytest.fixture
def directory() -> TellingDirectory:
    return TellingDirectory()


def test_each_wake_asks_about_every_name_anew(store: Store, directory: TellingDirectory) -> None:
    directory.may_answer.set()
    rounds = UserRounds(Users(store, directory.open))
    rounds.wake()
    rounds.start()
    assert directory.asked.get(timeout=20) == STAFF
    rounds.wake()
    assert directory.asked.get(timeout=20) == STAFF
    rounds.stop()


def test_a_name_that_another_process_applied_is_asked_about_without_a_wake(
    store: Store, directory: TellingDirectory
) -> None:
    directory.may_answer.set()
    rounds = UserRounds(Users(store, directory.open), look=LOOK)
    rounds.start()
    assert directory.asked.get(timeout=20) == STAFF
    with store.write() as tx:
        tx.resources.put(application("B", access=Access(users=(str(OPS),))))
    assert directory.asked.get(timeout=20) == OPS
    rounds.stop()
    assert directory.asked.empty()


def test_a_stop_waits_for_no_directory(store: Store, directory: TellingDirectory) -> None:
    rounds = UserRounds(Users(store, directory.open))
    rounds.start()
    rounds.wake()
    assert directory.asked.get(timeout=20) == STAFF
    rounds.stop()
    with store.read() as tx:
        assert tx.windows_groups.readings() == {}
    directory.may_answer.set()


def test_a_failure_ends_nothing(store: Store, directory: TellingDirectory) -> None:
    directory.may_answer.set()
    users = FailingOnce(store, directory.open)
    rounds = UserRounds(users, look=LOOK)
    rounds.start()
    assert users.has_failed.wait(20)
    assert directory.asked.get(timeout=20) == STAFF
    rounds.stop()


def test_a_controller_starts_and_stops_while_a_directory_is_silent(
    tmp_path: Path, directory: TellingDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.runtime.lifecycle.make_users", lambda store: Users(store, directory.open))
    corp = resource("CORP", DomainSpec("corp.example.com", directory=DIRECTORY))
    declared = state(system(), corp, application("A", access=Access(users=(str(STAFF),))))
    with open_installation(settings_of(tmp_path / "state", environ={})) as installation:
        controller = Controller(installation, Reconciler(installation.store, lambda: (declared, [])))
        controller.start()
        assert directory.asked.get(timeout=20) == STAFF
        controller.stop()
        with installation.store.read() as tx:
            assert len(tx.resources.read()) == 3
            assert tx.windows_groups.readings() == {}
    directory.may_answer.set()
