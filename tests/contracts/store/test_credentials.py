"""The credential database and what is known of the passwords in force."""

from dataclasses import replace

from controller.model.accounts import ExternalAccount
from controller.model.credential import Fingerprint, Write
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock
from tests.contracts.store.examples import ALICE, ALICE1, AT, BOB, mapping, stored


def test_external_credentials_are_kept_per_field(store: Store) -> None:
    with store.write() as tx:
        tx.credentials.put_external("PAYROLL", "A1", "Password", stored(b"one"))
        tx.credentials.put_external("PAYROLL", "A1", "Password", stored(b"\x00\xff two", sequence=0, tracking_id=""))
        tx.credentials.put_external("PAYROLL", "A1", "PIN", stored(b"pin"))
        tx.credentials.put_external("CRM", "A1", "Password", stored(b"another"))
    with store.read() as tx:
        assert tx.credentials.external("PAYROLL", "A1") == {
            "Password": stored(b"\x00\xff two", sequence=0, tracking_id=""),
            "PIN": stored(b"pin"),
        }
        assert tx.credentials.external("PAYROLL", "a1") == {}


def test_a_field_is_expired_from_the_first_report_until_it_is_put_anew(store: Store, clock: SettableClock) -> None:
    first = clock.now
    with store.write() as tx:
        tx.credentials.put_external("PAYROLL", "A1", "Password", stored(b"one"))
        tx.credentials.put_external("PAYROLL", "A1", "PIN", stored(b"pin"))
        assert tx.credentials.mark_expired("PAYROLL", "A1", "Password")
        assert not tx.credentials.mark_expired("PAYROLL", "A2", "Password")
    clock.advance(hours=1)
    with store.write() as tx:
        assert tx.credentials.mark_expired("PAYROLL", "A1", "Password")
        found = tx.credentials.external("PAYROLL", "A1")
        assert found == {"Password": replace(stored(b"one"), expired_at=first), "PIN": stored(b"pin")}
        tx.credentials.put_external("PAYROLL", "A1", "Password", stored(b"two"))
        assert tx.credentials.external("PAYROLL", "A1")["Password"].expired_at is None


def test_removing_external_credentials_tells_whether_there_were_any(store: Store) -> None:
    with store.write() as tx:
        tx.credentials.put_external("PAYROLL", "A1", "Password", stored(b"one"))
        tx.credentials.put_external("PAYROLL", "A1", "PIN", stored(b"pin"))
        assert tx.credentials.remove_external("PAYROLL", "A1")
        assert not tx.credentials.remove_external("PAYROLL", "A1")
        assert tx.credentials.external("PAYROLL", "A1") == {}


def test_credentials_that_no_mapping_refers_to_are_removed_and_counted_by_account(store: Store) -> None:
    with store.write() as tx:
        tx.mappings.put([mapping("alice", "A1"), mapping("bob", "B1", "CRM")])
        for application, external, field in (
            ("PAYROLL", "A1", "Password"),
            ("PAYROLL", "B1", "Password"),
            ("PAYROLL", "B1", "PIN"),
            ("CRM", "A1", "Password"),
        ):
            tx.credentials.put_external(application, external, field, stored(b"x"))
        assert tx.credentials.remove_unmapped() == 2
        assert tx.credentials.remove_unmapped() == 0
        assert tx.credentials.external("PAYROLL", "A1") == {"Password": stored(b"x")}


def test_windows_passwords_are_kept_per_account(store: Store) -> None:
    with store.write() as tx:
        assert tx.credentials.windows(ALICE) is None
        tx.credentials.put_windows(ALICE, stored(b"one"))
        tx.credentials.put_windows(ALICE, stored(b"two", sequence=9))
        assert tx.credentials.windows(ALICE) == stored(b"two", sequence=9)
        assert tx.credentials.windows(BOB) is None
        assert tx.credentials.remove_windows(ALICE)
        assert not tx.credentials.remove_windows(ALICE)
        assert tx.credentials.windows(ALICE) is None


def test_fingerprints_are_kept_per_account(store: Store) -> None:
    writes = (Write(b"o", 3, AT, is_made=True), Write(b"p", 4))
    known = Fingerprint(b"f", 3, "report", AT, AT, b"t", writes)
    same_name_elsewhere = ExternalAccount("ldap", ALICE1.name)
    with store.write() as tx:
        assert tx.fingerprints.get(ALICE1) == Fingerprint()
        tx.fingerprints.put(ALICE1, known)
        tx.fingerprints.put(ALICE1, replace(known, writes=()))
        tx.fingerprints.put(ALICE, known)
    with store.read() as tx:
        assert tx.fingerprints.get(ALICE1) == replace(known, writes=())
        assert tx.fingerprints.get(ALICE) == known
        assert tx.fingerprints.get(same_name_elsewhere) == Fingerprint()


def test_clearing_fingerprints_forgets_all_and_tells_how_many(store: Store) -> None:
    with store.write() as tx:
        tx.fingerprints.put(ALICE, Fingerprint(b"a"))
        tx.fingerprints.put(ALICE1, Fingerprint(b"b"))
        assert tx.fingerprints.clear() == 2
        assert tx.fingerprints.clear() == 0
        assert tx.fingerprints.get(ALICE) == Fingerprint()
