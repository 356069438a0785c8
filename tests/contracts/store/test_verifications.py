"""Tries of stored passwords, and what there is to try."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.credential import StoredSecret
from controller.model.errors import StoreUnusable
from controller.model.verification import Verification, VerificationOutcome
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock

AL = ExternalAccount("x", "Al")


def test_the_last_try_comes_back_however_its_account_is_written(store: Store, clock: SettableClock) -> None:
    earlier = Verification(clock.now - timedelta(days=2), clock.now - timedelta(days=3))
    last = Verification(clock.now, clock.now - timedelta(days=1), VerificationOutcome.DIFFERS)
    with store.write() as tx:
        for tried in (earlier, last):
            tx.verifications.lock(AL)
            tx.verifications.put(AL, tried)
        tx.verifications.put(WindowsAccount("CORP", "alice"), earlier)
    with store.read() as tx:
        assert tx.verifications.of_lane("adapter/x") == {"al": last}
        assert tx.verifications.get(ExternalAccount("x", "AL")) == last
        assert tx.verifications.get(ExternalAccount("x", "bo")) is None
        assert tx.verifications.count() == {("adapter/x", "differs"): 1, ("domain/CORP", "unknown"): 1}


def test_what_is_stored_is_told_with_its_time_unless_it_has_expired(store: Store, clock: SettableClock) -> None:
    secret = StoredSecret(b"sealed", 0, "", clock.now)
    with store.write() as tx:
        for application, external, field in (("X", "al", "Password"), ("X", "al", "Other"), ("Y", "bo", "Password")):
            tx.credentials.put_external(application, external, field, secret)
        tx.credentials.put_external("X", "old", "Password", secret)
        assert tx.credentials.mark_expired("X", "old", "Password")
        for account in ("CORP\\alice", "CORP-2\\bob", "CORP]\\carol"):
            tx.credentials.put_windows(WindowsAccount(*account.split("\\")), secret)
    with store.read() as tx:
        assert tx.verifications.stored_external("X", "Password") == {"al": clock.now}
        assert tx.verifications.stored_windows("CORP") == {"alice": clock.now}


def test_a_try_that_cannot_be_read_is_named(store: Store, store_url: str, clock: SettableClock) -> None:
    with store.write() as tx:
        tx.verifications.put(AL, Verification(clock.now, clock.now))
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE verifications SET outcome = 'perhaps'"))
    engine.dispose()
    with store.read() as tx:
        with pytest.raises(StoreUnusable, match="verifications"):
            tx.verifications.of_lane("adapter/x")
        with pytest.raises(StoreUnusable, match="adapter/x al"):
            tx.verifications.get(AL)
