"""Policies at run time: rounds in a thread of their own, and what one simulation knows."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from controller.model.constraints import Constraints
from controller.model.errors import StoreUnavailable
from controller.model.policy import PasswordPolicy, PolicyReading
from controller.model.secret import Secret
from controller.model.topology import Adapter, ConnectorSpec
from controller.ports.store import Store, Transaction
from controller.runtime.policies import KnownPolicies, PolicyRounds
from controller.store.opening import open_store
from tests.doubles.memory import MemoryConnectorType, MemoryDirectory
from tests.doubles.topologies import resource

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LONG = PolicyReading("d", NOW, NOW, PasswordPolicy("here", Constraints(min_length=12)))
COMPLEX = PolicyReading("d", NOW, NOW, PasswordPolicy("there", Constraints(min_categories=3)))


class OneType:
    """A catalogue of one connector type."""

    def __init__(self, directory: MemoryDirectory) -> None:
        self._type = MemoryConnectorType(directory)

    def names(self) -> list[str]:
        return [self._type.name]

    def get(self, name: str) -> MemoryConnectorType:
        assert name == self._type.name
        return self._type


class TellingStore:
    """Tells when a transaction ended, or fails the first one."""

    def __init__(self, store: Store, *, fails: bool = False) -> None:
        self._store, self.is_done, self._fails = store, Event(), fails

    def read(self) -> AbstractContextManager[Transaction]:
        if self._fails:
            self._fails = False
            raise StoreUnavailable("away")
        return self._store.read()

    def write(self) -> AbstractContextManager[Transaction]:
        self.is_done.set()
        return self._store.write()

    def close(self) -> None:
        self._store.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'own.db'}")
    with opened.write() as tx:
        tx.resources.put(resource("ad", Adapter(ConnectorSpec("memory"), sync_to_adapter=True)))
    yield opened
    opened.close()


@pytest.mark.parametrize("fails", [False, True], ids=["at once", "after the store came back"])
def test_a_round_keeps_what_the_targets_say(store: Store, *, fails: bool) -> None:
    telling = TellingStore(store, fails=fails)
    rounds = PolicyRounds(telling, OneType(MemoryDirectory()), timedelta(seconds=0.05))
    rounds.start()
    assert telling.is_done.wait(20)
    rounds.stop()
    with store.read() as tx:
        assert [reading.state for reading in tx.policies.read().values()] == ["none"]


def test_a_policy_is_looked_up_once_and_its_verdict_is_kept() -> None:
    asked: list[tuple[str, str]] = []

    def look(lane: str, account: str) -> PolicyReading | None:
        asked.append((lane, account))
        return {"alice": LONG, "bob": COMPLEX}.get(account)

    policies = KnownPolicies(look)
    for _ in range(2):
        assert policies.refusal("adapter/ad", "alice", Secret("short-1")) is not None
        assert policies.refusal("adapter/ad", "alice", Secret("a-long-password")) is None
        assert policies.refusal("adapter/ad", "eve", Secret("x")) is None
    assert asked == [("adapter/ad", "alice"), ("adapter/ad", "eve")]
    assert policies.verdicts == {("adapter/ad", "alice"): None, ("adapter/ad", "eve"): None}
    assert policies.reading("adapter/ad", "bob") == COMPLEX


def test_what_is_asked_of_all_accounts_of_a_lane_is_added_up() -> None:
    policies = KnownPolicies(
        lambda lane, account: None if lane == "domain/CORP" else LONG if account == "a" else COMPLEX
    )
    for lane, account in (("adapter/ad", "a"), ("adapter/ad", "b"), ("domain/CORP", "a"), ("adapter/other", "b")):
        policies.reading(lane, account)
    assert policies.constraints("adapter/ad") == Constraints(min_length=12, min_categories=3)
    assert policies.constraints("adapter/other") == Constraints(min_categories=3)
    assert policies.constraints("domain/CORP") == Constraints()
