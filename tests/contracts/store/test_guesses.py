"""Wrong old passwords, as noted in the store."""

from controller.ports.credentials import WrongPasswords
from controller.ports.store import Store
from tests.contracts.store.examples import ALICE1, AT, BOB1


def test_what_is_noted_of_an_account_is_kept_until_it_is_removed(store: Store) -> None:
    with store.write() as tx:
        assert tx.guesses.get(ALICE1) == WrongPasswords()
        tx.guesses.put(ALICE1, WrongPasswords(1, AT))
        tx.guesses.put(ALICE1, WrongPasswords(2, AT))
    with store.read() as tx:
        assert tx.guesses.get(ALICE1) == WrongPasswords(2, AT)
        assert tx.guesses.get(BOB1) == WrongPasswords()
    with store.write() as tx:
        tx.guesses.remove(ALICE1)
        tx.guesses.remove(ALICE1)
        assert tx.guesses.get(ALICE1) == WrongPasswords()
