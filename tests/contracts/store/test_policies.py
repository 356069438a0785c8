"""What was found out about the password policies of targets."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from controller.model.constraints import Constraints
from controller.model.errors import StoreUnusable
from controller.model.policy import PasswordPolicy, PolicyReading
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock

POLICY = PasswordPolicy(
    "DC=corp,DC=example,DC=com",
    Constraints(7, 256, None, "\x00 #", min_bytes=7, min_categories=3),
    history=24,
    min_age=timedelta(days=1, microseconds=1),
    notes=("a note",),
)


def test_a_reading_comes_back_as_it_was_put(store: Store, clock: SettableClock) -> None:
    known = PolicyReading("digest", clock.now, clock.now - timedelta(hours=1), POLICY, "lately it did not answer")
    unknown = PolicyReading("digest", clock.now, problem="never answered")
    none = PolicyReading("digest", clock.now, clock.now)
    with store.write() as tx:
        tx.policies.put("adapter/ad", known)
        tx.policies.put("adapter/ldap", known)
        tx.policies.put("adapter/ldap", unknown)
        tx.policies.put("domain/CORP", none)
        tx.policies.put("adapter/gone", none)
        tx.policies.remove("adapter/gone")
        tx.policies.remove("adapter/gone")
    with store.read() as tx:
        assert tx.policies.read() == {"adapter/ad": known, "adapter/ldap": unknown, "domain/CORP": none}


def test_a_row_that_cannot_be_read_is_named(store: Store, store_url: str, clock: SettableClock) -> None:
    with store.write() as tx:
        tx.policies.put("adapter/ad", PolicyReading("digest", clock.now, clock.now, POLICY))
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE policies SET policy = '7'"))
    engine.dispose()
    with store.read() as tx, pytest.raises(StoreUnusable, match="adapter/ad"):
        tx.policies.read()


def test_readings_do_not_count_as_a_change_of_the_topology(store: Store, clock: SettableClock) -> None:
    with store.write() as tx:
        before = tx.resources.revision()
        tx.policies.put("adapter/ad", PolicyReading("digest", clock.now, clock.now, POLICY))
    with store.read() as tx:
        assert tx.resources.revision() == before
