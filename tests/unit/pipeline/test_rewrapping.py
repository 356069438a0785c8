"""Rewrapping: everything sealed is sealed with the newest key, in small steps that a kill cannot spoil."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.actor import Actor
from controller.model.credential import StoredSecret
from controller.model.errors import SealBroken, StoreUnavailable
from controller.model.secret import Secret
from controller.pipeline import rewrapping
from controller.pipeline.rewrapping import MOST_PASSES, Rewrapped, Rewrapping
from controller.ports.sealing import SealedKind
from controller.ports.store import Store, Transaction
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer
from tests.doubles.pipeline import FULL_ADAPTER, START, PipelineBench


class Killed(Exception):
    """The process ended here."""


@pytest.fixture
def keyring(bench: PipelineBench) -> Keyring:
    """The keyring of the bench, which has sealed a value of every kind."""
    made = Keyring.generate(START)
    bench.sealer = KeyringSealer(made)
    bench.restart()
    bench.system()
    bench.domain()
    bench.adapter("ldap", FULL_ADAPTER, "alice1")
    bench.map("LDAP", "alice", "alice1")
    bench.credentials.set("LDAP", "alice1", Secret("old"), by=Actor("t"))
    bench.directories["domain/CORP"].set("alice", "one")
    bench.windows("CORP\\alice", "one")
    bench.route()  # its delivery is pending
    bench.external("ldap", "alice1", "two", old="old")  # not routed
    return made


def quiet(_: int, __: int) -> None:
    """Tell nobody."""


def rewrapping_with(bench: PipelineBench, keyring: Keyring) -> Rewrapping:
    return Rewrapping(bench.store, KeyringSealer(keyring))


def test_every_kind_of_sealed_value_is_rewrapped_and_opens_without_the_old_key(
    bench: PipelineBench, keyring: Keyring
) -> None:
    rotated = keyring.rotated(START)
    work = rewrapping_with(bench, rotated)
    with bench.store.read() as tx:
        assert all(tx.sealed.claim_others(kind, KeyringSealer(rotated).newest_mark, None, 10) for kind in SealedKind), (
            "the bench has a value of every kind"
        )
    before = work.remaining()
    told: list[tuple[int, int]] = []

    result = work.run(lambda done, total: told.append((done, total)))

    assert result == Rewrapped(before, ())
    assert told[-1] == (before, before)
    assert work.remaining() == 0
    bench.sealer = KeyringSealer(rotated.retired())
    bench.restart()
    bench.settle()
    assert bench.directories["domain/CORP"].accounts["alice"] == "two"
    assert bench.credentials.show("LDAP", "alice1", reveals=True, by=Actor("t")).password is not None


def test_a_second_run_finds_nothing_to_do(bench: PipelineBench, keyring: Keyring) -> None:
    work = rewrapping_with(bench, keyring.rotated(START))
    work.run(quiet)

    assert work.run(quiet) == Rewrapped(0, ())


def test_it_goes_on_after_a_kill_at_any_point(
    bench: PipelineBench, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "BATCH", 1)
    work = rewrapping_with(bench, keyring.rotated(START))
    total = work.remaining()

    def die(_: int, __: int) -> None:
        raise Killed

    for done in range(1, total + 1):
        with pytest.raises(Killed):
            work.run(die)
        assert work.remaining() == total - done
    assert work.run(quiet) == Rewrapped(0, ())


def test_what_does_not_open_stays_as_it_is_and_stops_nothing(bench: PipelineBench, keyring: Keyring) -> None:
    stranger = KeyringSealer(Keyring.generate(START))
    alice = WindowsAccount("CORP", "alice")
    with bench.store.write() as tx:
        sealed = stranger.seal(Secret("x"), rewrapping.place_of(SealedKind.WINDOWS_PASSWORD, (str(alice),)))
        tx.credentials.put_windows(alice, StoredSecret(sealed, 0, "", tx.now))
    work = rewrapping_with(bench, keyring.rotated(START))
    total = work.remaining()

    result = work.run(quiet)

    assert result.count == total - 1
    assert len(result.broken) == 1
    assert "not in the keyring" in result.broken[0]
    assert work.remaining() == 1


def test_a_value_that_changes_meanwhile_is_not_overwritten(bench: PipelineBench, keyring: Keyring) -> None:
    rotated = KeyringSealer(keyring.rotated(START))
    with bench.store.read() as tx:
        (value,) = tx.sealed.claim_others(SealedKind.CREDENTIAL, rotated.newest_mark, None, 10)
    bench.credentials.set("LDAP", "alice1", Secret("newer"), by=Actor("t"))
    with bench.store.write() as tx:
        place = rewrapping.place_of(SealedKind.CREDENTIAL, value.names)
        assert not tx.sealed.replace(SealedKind.CREDENTIAL, value, rotated.rewrap(value.sealed, place))

    assert bench.credentials.show("LDAP", "alice1", reveals=True, by=Actor("t")).password == Secret("newer")


def test_it_ends_although_another_machine_goes_on_sealing_with_the_old_key(
    bench: PipelineBench, keyring: Keyring
) -> None:
    work = rewrapping_with(bench, keyring.rotated(START))

    def interfere(_: int, __: int) -> None:
        bench.credentials.set("LDAP", "alice1", Secret("again"), by=Actor("t"))

    result = work.run(interfere)

    assert result.count > MOST_PASSES
    assert work.remaining() > 0


def test_when_the_store_goes_away_what_was_done_stays_done(
    bench: PipelineBench, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "BATCH", 1)
    rotated = keyring.rotated(START)
    total = rewrapping_with(bench, rotated).remaining()

    with pytest.raises(StoreUnavailable):
        Rewrapping(FailingStore(bench.store, after=3), KeyringSealer(rotated)).run(quiet)
    left = rewrapping_with(bench, rotated).remaining()
    assert total - 3 <= left < total


class FailingStore:
    """Goes away after some writing transactions."""

    def __init__(self, store: Store, after: int) -> None:
        self._store = store
        self._left = after
        self.read = store.read
        self.close = store.close

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        if self._left == 0:
            raise StoreUnavailable("the store went away")
        self._left -= 1
        with self._store.write() as tx:
            yield tx


def test_a_value_is_bound_to_its_account_still(bench: PipelineBench, keyring: Keyring) -> None:
    rotated = keyring.rotated(START)
    rewrapping_with(bench, rotated).run(quiet)
    with bench.store.read() as tx:
        secret = tx.credentials.external("LDAP", "alice1")["Password"]

    with pytest.raises(SealBroken, match="another place"):
        KeyringSealer(rotated).open(
            secret.sealed, rewrapping.place_of(SealedKind.CREDENTIAL, ("LDAP", "bob1", "Password"))
        )
