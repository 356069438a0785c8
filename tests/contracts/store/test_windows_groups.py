"""Who stands behind the names that applications give their users by."""

import sqlite3
from datetime import timedelta

import pytest

from controller.model.accounts import WindowsAccount
from controller.ports.store import Store
from controller.ports.windows_groups import GroupReading
from tests.contracts.store.examples import ALICE, AT, BOB

PAYROLL = WindowsAccount("CORP", "payroll-users")
STAFF = WindowsAccount("CORP", "müller und söhne (ü)")


def test_a_name_is_known_from_its_first_reading_on(store: Store) -> None:
    failed, answered = GroupReading(None, 0, "away\x00"), GroupReading(AT, 2)
    with store.write() as tx:
        assert tx.windows_groups.readings() == {}
        tx.windows_groups.note(PAYROLL, failed)
        tx.windows_groups.note(STAFF, answered)
    with store.read() as tx:
        assert tx.windows_groups.readings() == {PAYROLL: GroupReading(None, 0, "away\ufffd"), STAFF: answered}
        assert tx.windows_groups.answered([PAYROLL, STAFF, ALICE]) == {STAFF}
        assert tx.windows_groups.answered([]) == set()


def test_a_later_reading_replaces_the_earlier_and_leaves_the_members(store: Store) -> None:
    with store.write() as tx:
        tx.windows_groups.note(PAYROLL, GroupReading(AT, 1))
        tx.windows_groups.add(PAYROLL, [ALICE])
        later = GroupReading(AT + timedelta(hours=1), 1, "away")
        tx.windows_groups.note(PAYROLL, later)
        assert tx.windows_groups.readings() == {PAYROLL: later}
        assert tx.windows_groups.members(PAYROLL) == {ALICE}


def test_members_come_and_go_and_repetitions_do_no_harm(store: Store) -> None:
    with store.write() as tx:
        groups = tx.windows_groups
        groups.add(PAYROLL, [ALICE, BOB])
        groups.add(PAYROLL, [BOB])
        groups.add(STAFF, [BOB])
        groups.add(STAFF, [])
        assert groups.members(PAYROLL) == {ALICE, BOB}
        assert groups.memberships([ALICE, BOB], [PAYROLL]) == {(ALICE, PAYROLL), (BOB, PAYROLL)}
        assert groups.memberships([BOB], [PAYROLL, STAFF, ALICE]) == {(BOB, PAYROLL), (BOB, STAFF)}
        assert groups.memberships([], [PAYROLL]) == groups.memberships([BOB], []) == set()
        groups.remove(PAYROLL, [ALICE])
        groups.remove(PAYROLL, [ALICE])
        assert groups.members(PAYROLL) == {BOB}
        groups.forget(STAFF)
        groups.forget(STAFF)
        assert groups.members(STAFF) == set()
        assert groups.members(PAYROLL) == {BOB}


def test_many_members_are_written_and_found(store: Store) -> None:
    many = {WindowsAccount("CORP", f"user{n:05}") for n in range(12_000)}
    with store.write() as tx:
        tx.windows_groups.note(PAYROLL, GroupReading(AT, len(many)))
        tx.windows_groups.add(PAYROLL, many)
    with store.read() as tx:
        assert tx.windows_groups.members(PAYROLL) == many
        assert tx.windows_groups.memberships(many | {ALICE}, [PAYROLL, STAFF]) == {(m, PAYROLL) for m in many}
    with store.write() as tx:
        tx.windows_groups.remove(PAYROLL, many - {min(many)})
        assert tx.windows_groups.members(PAYROLL) == {min(many)}


def test_a_look_up_reads_an_index_and_nothing_else(engine_name: str, store_url: str, store: Store) -> None:
    if engine_name != "sqlite":
        pytest.skip("SQLite tells its plan without statistics")
    with store.write() as tx:
        tx.windows_groups.add(PAYROLL, [ALICE])
    connection = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    steps = connection.execute(
        "EXPLAIN QUERY PLAN SELECT windows_account, name FROM windows_group_members "
        "WHERE name IN ('a', 'b') AND windows_account IN ('c', 'd')"
    ).fetchall()
    connection.close()
    assert any("SEARCH" in step[-1] and "name=? AND windows_account=?" in step[-1] for step in steps)
    assert not any("SCAN windows_group_members" in step[-1] for step in steps)
