"""A change that no key opens is kept, and lives again once the right key file is back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.model.errors import SealBroken
from controller.model.secret import Secret
from controller.pipeline import housekeeping
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import OPEN_ADAPTER, START, PipelineBench

DAY = timedelta(days=1)


@pytest.fixture
def directory(bench: PipelineBench) -> MemoryDirectory:
    """Alice and bob are mapped on the adapter ``ldap``; this is its directory."""
    made = bench.adapter("ldap", OPEN_ADAPTER, "alice", "bob")
    bench.map("LDAP", "alice", "alice")
    bench.map("LDAP", "bob", "bob")
    return made


@pytest.fixture
def lose_keys(bench: PipelineBench) -> Callable[[], Callable[[], None]]:
    """Puts another keyring in the place of the right one; what it returns puts that back."""

    def lose() -> Callable[[], None]:
        right = bench.sealer

        def bring() -> None:
            bench.sealer = right
            bench.restart()

        bench.sealer = KeyringSealer(Keyring.generate(START))
        bench.restart()
        return bring

    return lose


Lose = Callable[[], Callable[[], None]]


def _failures(bench: PipelineBench) -> list[str]:
    return [event.tracking_id for event in bench.events("changeFailed")]


def test_a_change_whose_key_comes_back_is_delivered(
    bench: PipelineBench, directory: MemoryDirectory, lose_keys: Lose
) -> None:
    change = bench.windows("alice", "New-1")
    bring = lose_keys()
    for _ in range(3):
        bench.settle()
        bench.keep_house()
    assert bench.outcome(change) == ("failed", "sealBroken")
    assert _failures(bench) == [change]

    bring()
    bench.keep_house()
    assert bench.outcome(change) == ("accepted", "")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert directory.accounts["alice"] == "New-1"


@pytest.mark.usefixtures("directory")
def test_an_old_password_of_another_key_is_waited_for_too(bench: PipelineBench) -> None:
    change = bench.external("ldap", "alice", "New-1", old="old")
    with bench.store.write() as tx:
        tx.changes.set_aside(change, "sealBroken", "")
    opening = bench.sealer.open

    def refuse_old(sealed: bytes, place: Any) -> Secret:
        return opening(sealed, replace(place, row="another") if place.field == "oldPassword" else place)

    bench.sealer.open = refuse_old  # type: ignore[method-assign]  # one broken seal
    bench.keep_house()
    assert bench.outcome(change) == ("failed", "sealBroken")
    bench.sealer.open = opening  # type: ignore[method-assign]
    bench.keep_house()
    assert bench.outcome(change) == ("accepted", "")


def test_a_newer_change_of_the_account_goes_on_and_is_not_undone_by_the_one_that_comes_back(
    bench: PipelineBench, directory: MemoryDirectory, lose_keys: Lose
) -> None:
    older = bench.windows("alice", "New-1")
    bring = lose_keys()
    bench.settle()
    bring()
    newer = bench.windows("alice", "New-2")
    bench.settle()
    bench.keep_house()
    bench.settle()

    assert bench.outcome(newer) == ("completed", "")
    assert bench.outcome(older) == ("discarded", "stale")
    assert directory.accounts["alice"] == "New-2"


@pytest.mark.usefixtures("directory")
def test_a_change_whose_key_never_comes_back_expires_and_is_forgotten(bench: PipelineBench, lose_keys: Lose) -> None:
    change = bench.windows("alice", "New-1")
    lose_keys()
    bench.settle()
    bench.wait(DAY)
    bench.keep_house()
    bench.settle()

    assert bench.outcome(change) == ("discarded", "expired")
    assert bench.change(change).sealed_password is None


def test_more_than_a_batch_of_changes_comes_back(
    bench: PipelineBench, directory: MemoryDirectory, lose_keys: Lose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 1)
    bench.windows("alice", "New-1")
    bench.windows("bob", "New-2")
    bring = lose_keys()
    bench.settle()
    bring()
    bench.keep_house()
    bench.settle()

    assert directory.accounts == {"alice": "New-1", "bob": "New-2"}


@pytest.mark.usefixtures("directory")
def test_a_stored_password_that_no_key_opens_fails_a_change_that_is_told_once(
    bench: PipelineBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = bench.windows("alice", "New-1")

    def fail(*_: object) -> None:
        raise SealBroken("a stored password")

    with monkeypatch.context() as broken:
        broken.setattr("controller.pipeline.router.route_windows_change", fail)
        for _ in range(3):
            bench.settle()
            bench.keep_house()
        bench.settle()
    assert bench.outcome(change) == ("failed", "sealBroken")
    assert _failures(bench) == [change]


@pytest.mark.usefixtures("directory")
def test_a_change_that_another_router_has_routed_meanwhile_stays_as_it_is(
    bench: PipelineBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = bench.windows("alice", "New-1")

    without_key = bench.router
    setting_aside = without_key._fail

    def fail(*_: object) -> None:
        raise SealBroken("for want of a key")

    def be_late(*given: Any) -> None:
        monkeypatch.undo()
        bench.settle()
        setting_aside(*given)

    monkeypatch.setattr("controller.pipeline.router.route_windows_change", fail)
    monkeypatch.setattr(without_key, "_fail", be_late)
    bench.restart()
    without_key.route_next()
    assert bench.outcome(change) == ("completed", "")
    assert _failures(bench) == []
