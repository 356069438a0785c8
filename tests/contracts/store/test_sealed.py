"""Sealed values, found by the key that sealed them."""

from sqlalchemy import LargeBinary

from controller.ports.sealing import MARK_SIZE, SealedKind, SealedValue
from controller.ports.store import Store
from controller.store import sealed, tables
from tests.contracts.store.conftest import OpenStore
from tests.contracts.store.examples import ALICE, ALICE1, BOB, change, delivery, stored

OLD = b"\x01old-key."
NEW = b"\x01new-key."


def test_marks_of_the_examples_have_the_size_of_marks() -> None:
    assert len(OLD) == len(NEW) == MARK_SIZE


def test_no_sealed_column_is_left_out() -> None:
    known = {where.sealed for where in sealed._WHERE.values()}
    columns = {c for table in tables.METADATA.tables.values() for c in table.c if isinstance(c.type, LargeBinary)}

    assert {c for c in columns if c.name.startswith("sealed")} == known
    assert {f"{c.table.name}.{c.name}" for c in columns - known} == {
        "audit.hash",  # hashes of a chain, and tags with a key that does not rotate
        "audit.tag",
        "audit_heads.hash",
        "audit_heads.tag",
        "audit_heads.trimmed_hash",
        "fingerprints.in_force",  # keyed hashes, whose key does not rotate
        "fingerprints.told",
        "identities.value",
        "tokens.digest",
    }


def fill(store: Store) -> None:
    with store.write() as tx:
        tx.credentials.put_external("PAYROLL", "ALICE1", "Password", stored(OLD + b"a"))
        tx.credentials.put_external("PAYROLL", "BOB1", "Password", stored(NEW + b"b"))
        tx.credentials.put_windows(ALICE, stored(OLD + b"c"))
        tx.changes.add(change("t1", ALICE, sealed_password=OLD + b"d", sealed_old_password=OLD + b"e"))
        tx.changes.add(change("t2", BOB, sealed_password=None))
        tx.deliveries.add(delivery("d1", ALICE1, sealed_password=OLD + b"f"))
        tx.deliveries.add(delivery("d2", ALICE1, sealed_password=None))


def test_values_are_counted_by_their_key(store: Store) -> None:
    with store.read() as tx:
        assert tx.sealed.count_by_mark() == {}
    fill(store)
    with store.read() as tx:
        assert tx.sealed.count_by_mark() == {OLD: 5, NEW: 1}


def test_each_kind_is_found_with_the_names_of_its_place(store: Store) -> None:
    fill(store)
    with store.write() as tx:
        found = {kind: tx.sealed.claim_others(kind, NEW, None, 10) for kind in SealedKind}
    assert found == {
        SealedKind.CREDENTIAL: [SealedValue(("PAYROLL", "ALICE1", "Password"), OLD + b"a")],
        SealedKind.WINDOWS_PASSWORD: [SealedValue((r"CORP\alice",), OLD + b"c")],
        SealedKind.CHANGE: [SealedValue(("t1", ALICE.lane, ALICE.name), OLD + b"d")],
        SealedKind.OLD_PASSWORD: [SealedValue(("t1", ALICE.lane, ALICE.name), OLD + b"e")],
        SealedKind.DELIVERY: [SealedValue(("d1", ALICE1.lane, ALICE1.name), OLD + b"f")],
    }


def test_batches_follow_each_other_without_gap_or_repeat(store: Store) -> None:
    with store.write() as tx:
        for number in range(7):
            tx.credentials.put_external("A" if number % 2 else "B", f"u{number}", "Password", stored(OLD + b"x"))
    seen: list[SealedValue] = []
    with store.write() as tx:
        while batch := tx.sealed.claim_others(SealedKind.CREDENTIAL, NEW, seen[-1] if seen else None, 3):
            seen += batch
    assert [value.names[:2] for value in seen] == sorted(value.names[:2] for value in seen)
    assert len({value.names for value in seen}) == 7


def test_a_value_is_replaced_only_while_it_is_the_one_that_was_read(store: Store) -> None:
    fill(store)
    with store.write() as tx:
        (value,) = tx.sealed.claim_others(SealedKind.WINDOWS_PASSWORD, NEW, None, 10)
        assert tx.sealed.replace(SealedKind.WINDOWS_PASSWORD, value, NEW + b"c")
        assert not tx.sealed.replace(SealedKind.WINDOWS_PASSWORD, value, NEW + b"x")
        secret = tx.credentials.windows(ALICE)
        assert secret is not None
        assert secret.sealed == NEW + b"c"
        assert (secret.sequence, secret.tracking_id) == (7, "t7")


def test_what_another_transaction_works_on_is_passed_over(engine_name: str, opened: OpenStore) -> None:
    store, other = opened(), opened()
    fill(store)
    if engine_name == "sqlite":
        return  # one writer at a time
    with store.write() as tx:
        tx.credentials.put_windows(ALICE, stored(OLD + b"z"))
        with other.write() as tx2:
            assert tx2.sealed.claim_others(SealedKind.WINDOWS_PASSWORD, NEW, None, 10) == []
            assert len(tx2.sealed.claim_others(SealedKind.CREDENTIAL, NEW, None, 10)) == 1
