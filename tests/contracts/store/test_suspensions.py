"""Adapters that an operator has disabled."""

from controller.ports.resources import Suspension
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock


def test_the_first_word_stays_and_every_change_is_noticed(store: Store, clock: SettableClock) -> None:
    since = clock.now
    with store.write() as tx:
        before = tx.resources.revision()
        tx.suspensions.put("ldap", "ops")
    clock.advance(hours=1)
    with store.write() as tx:
        assert tx.resources.revision() > before
        tx.suspensions.put("ldap", "someone")
        assert tx.suspensions.read() == {"ldap": Suspension("ldap", "ops", since)}
        before = tx.resources.revision()
        assert tx.suspensions.remove("ldap")
        assert not tx.suspensions.remove("ldap")
        assert tx.resources.revision() > before
        assert tx.suspensions.read() == {}
