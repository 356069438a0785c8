"""The audit: rows that are linked, bounded trails, levels, failures, and what tampering shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, Row, create_engine, text
from sqlalchemy.exc import DBAPIError

from controller.model.actor import Actor
from controller.model.audit import AuditAction, AuditPolicy, Trail
from controller.model.audit_chain import Head, Verdict, hash_of, verify
from controller.model.errors import InvalidInput, NotFound, Refused, StoreUnusable
from controller.model.topology import Kind, Resource, System
from controller.ports.audit import AuditQuery
from controller.ports.store import Store
from controller.store.opening import open_store
from tests.contracts.store.conftest import OpenStore, SettableClock
from tests.contracts.store.examples import AT
from tests.doubles.audited import AUDIT_KEY, FixedAuditKey, audit_rows

OPS = Actor("ops", "192.0.2.7")
TRIGGERS = {
    "sqlite": [
        f"DROP TRIGGER {name}"
        for name in ("audit_no_update", "audit_no_delete", "audit_heads_no_delete", "audit_heads_no_return")
    ],
    "postgresql": [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in ("audit", "audit_heads")],
}


def _add(store: Store, *subjects: str, trail: Trail = Trail.ACTIONS) -> None:
    for subject in subjects:
        with store.write() as tx:
            tx.audit.add(OPS, AuditAction.TOKEN_CREATE, subject, trail=trail)


def _policy(store: Store, policy: AuditPolicy) -> None:
    with store.write() as tx:
        tx.resources.put(Resource(Kind.SYSTEM, "default", System(audit=policy)))


def _verify(
    store: Store, trail: Trail = Trail.ACTIONS, anchors: dict[int, str] | None = None, key: FixedAuditKey = AUDIT_KEY
) -> Verdict:
    with store.read() as tx:
        return verify(trail, tx.audit.heads().get(trail), tx.audit.scan(trail), key.tag, anchors or {})


def _subjects(store: Store, trail: Trail = Trail.ACTIONS, **query: Any) -> list[str]:
    with store.read() as tx:
        return [row.object for row in tx.audit.find(AuditQuery(trail, **query))]


@pytest.fixture
def database(store_url: str) -> Iterator[Engine]:
    """Direct access, as somebody has it who owns the database."""
    engine = create_engine(store_url)
    yield engine
    engine.dispose()


@dataclass
class Tamper:
    """Carries out statements after dropping the triggers that would refuse them."""

    database: Engine
    triggers: list[str]
    kept: dict[str, Sequence[Row[Any]]] = field(default_factory=dict)

    def __call__(self, *statements: str, **given: Any) -> None:
        with self.database.begin() as connection:
            for statement in (*self.triggers, *statements):
                if not self.kept and statement not in self.triggers:
                    tables = ("audit", "audit_heads")
                    self.kept = {t: connection.execute(text(f"SELECT * FROM {t}")).all() for t in tables}  # noqa: S608
                connection.execute(text(statement), given)
        self.triggers = []

    def put_back(self) -> None:
        """Let all rows be as they were before the first statement."""
        with self.database.begin() as connection:
            for table, rows in self.kept.items():
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608  # of this file
                for row in rows:
                    names = [str(name) for name in row._mapping]
                    values = ", ".join(f":{name}" for name in names)
                    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"  # noqa: S608
                    connection.execute(text(statement), dict(row._mapping))


@pytest.fixture
def tamper(store: Store, database: Engine, engine_name: str) -> Tamper:
    """The hand of somebody who owns the database."""
    assert store is not None
    return Tamper(database, list(TRIGGERS[engine_name]))


def test_audit_rows_are_found_newest_first(store: Store, clock: SettableClock) -> None:
    with store.write() as tx:
        tx.audit.add(OPS, AuditAction.CREDENTIALS_REVEAL, "Mapping/PAYROLL/ALICE1", "words\x00")
    clock.advance(seconds=1)
    with store.write() as tx:
        tx.audit.add(Actor("admin"), AuditAction.CREDENTIALS_CLEAR, "Mapping/PAYROLL/ALICE1")
    newest, oldest = audit_rows(store)
    assert (oldest.sequence, oldest.at, oldest.principal, oldest.origin) == (1, AT, "ops", "192.0.2.7")
    assert (oldest.action, oldest.object) == ("credentials show --reveal", "Mapping/PAYROLL/ALICE1")
    assert (oldest.detail, oldest.failure) == ("words\ufffd", "")
    assert (newest.sequence, newest.at, newest.principal, newest.origin) == (2, clock.now, "admin", "")


def test_audit_rows_are_narrowed_down(store: Store, clock: SettableClock) -> None:
    _add(store, "a", "b")
    clock.advance(seconds=1)
    with store.write() as tx:
        tx.audit.add(Actor("admin"), AuditAction.ADAPTER_RESET, "c", failure="notFound")
    assert _subjects(store) == ["c", "b", "a"]
    assert _subjects(store, limit=1) == ["c"]
    assert _subjects(store, before=3) == ["b", "a"]
    assert _subjects(store, principal="admin") == ["c"]
    assert _subjects(store, action="adapter reset") == ["c"]
    assert _subjects(store, object="a") == ["a"]
    assert _subjects(store, only_failures=True) == ["c"]
    assert _subjects(store, since=clock.now) == ["c"]
    assert _subjects(store, Trail.CREDENTIAL_LOOKUPS) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET detail = ''",
        "DELETE FROM audit",
        "DELETE FROM audit_heads",
        "UPDATE audit_heads SET sequence = 0",
    ],
)
def test_the_database_refuses_to_change_audit_rows(store: Store, database: Engine, statement: str) -> None:
    _add(store, "a")
    with pytest.raises(DBAPIError, match="audit rows are never changed"), database.begin() as connection:
        connection.execute(text(statement))
    assert not _verify(store).problem


def test_what_fails_is_audited_as_failed_and_nothing_else_of_it_stays(store: Store) -> None:
    def fail(error: Exception) -> None:
        with store.write() as tx:
            tx.audit.add(OPS, AuditAction.TOKEN_REVOKE, "id1")
            tx.suspensions.put("racf", "ops")
            raise error

    for error in (NotFound("no such token"), Refused("no", reason="notAdministrator"), ValueError("a defect")):
        with pytest.raises(type(error)):
            fail(error)
    rows = audit_rows(store)
    assert [(row.object, row.failure) for row in rows] == [("id1", "notAdministrator"), ("id1", "notFound")]
    with store.read() as tx:
        assert not tx.suspensions.read()


def test_a_statement_that_fails_is_audited_too(store: Store) -> None:
    def disable() -> None:
        with store.write() as tx:
            tx.audit.add(OPS, AuditAction.ADAPTER_DISABLE, "Adapter/x")
            tx.suspensions.put("NUL\x00", "ops")

    with pytest.raises(InvalidInput):
        disable()
    assert [row.failure for row in audit_rows(store)] == ["invalidInput"]
    assert not _verify(store).problem


def test_nothing_is_audited_without_the_key_or_in_a_reading_transaction(store: Store, store_url: str) -> None:
    with store.read() as tx, pytest.raises(RuntimeError, match="key of the audit"):
        tx.audit.add(OPS, AuditAction.APPLY, "")
    keyless = open_store(store_url)
    with pytest.raises(RuntimeError, match="key of the audit"), keyless.write() as tx:
        tx.audit.add(OPS, AuditAction.APPLY, "")
    keyless.close()


def test_levels_say_what_is_recorded(store: Store) -> None:
    def recorded(successes: int, failures: int) -> list[str]:
        _policy(store, AuditPolicy(successes, failures))
        before = len(audit_rows(store))
        with store.write() as tx:
            for action in (AuditAction.TOKEN_CREATE, AuditAction.CREATE, AuditAction.LOG_IN):
                tx.audit.add(OPS, action, "done")
                tx.audit.add(OPS, action, "tried", failure="refused")
            tx.audit.add(OPS, AuditAction.UPDATE, "System/default")
        rows = audit_rows(store)
        return [f"{row.action} {row.object}" for row in reversed(rows[: len(rows) - before])]

    assert recorded(0, 0) == ["update System/default"], "who changes what is audited cannot hide it"
    assert recorded(1, 0) == ["token create done", "update System/default"]
    assert recorded(0, 1) == ["token create tried", "update System/default"]
    assert recorded(2, 0) == ["token create done", "create done", "update System/default"]
    assert len(recorded(3, 3)) == 7
    assert not _verify(store).problem


def test_each_trail_has_its_bound_and_stays_a_chain(store: Store) -> None:
    _policy(store, AuditPolicy(deleted_applications=0, deleted_mappings=2, credential_lookups=3))
    for trail in Trail:
        _add(store, "a", "b", "c", "d", "e", trail=trail)
    with store.write() as tx:
        for subject in "vwxyz":
            tx.audit.add(OPS, AuditAction.PRUNE, subject, trail=Trail.DELETED_MAPPINGS)
    assert _subjects(store) == ["e", "d", "c", "b", "a"]
    assert _subjects(store, Trail.DELETED_APPLICATIONS) == []
    assert _subjects(store, Trail.DELETED_MAPPINGS) == ["z", "y"]
    assert _subjects(store, Trail.CREDENTIAL_LOOKUPS) == ["e", "d", "c"]
    verdicts = {trail: _verify(store, trail) for trail in Trail}
    assert [(v.problem, v.count, v.head.sequence) for v in verdicts.values()] == [
        ("", 5, 5),
        ("", 0, 5),
        ("", 2, 10),
        ("", 3, 5),
    ]


def test_old_rows_are_trimmed_to_a_checkpoint_from_which_the_chain_goes_on(store: Store, clock: SettableClock) -> None:
    _policy(store, AuditPolicy(retention=timedelta(days=1)))
    _add(store, "a", "b")
    old = audit_rows(store)[0]
    clock.advance(hours=1)
    _add(store, "c")
    clock.advance(hours=23, seconds=1)
    with store.write() as tx:
        assert tx.audit.trim(1) == 1
    assert _subjects(store) == ["c", "b"]
    with store.write() as tx:
        assert tx.audit.trim(9) == 1
    with store.write() as tx:
        assert tx.audit.trim(9) == 0
    _add(store, "d")
    assert _subjects(store) == ["d", "c"]
    verdict = _verify(store, anchors={2: old.hash.hex()})
    assert (verdict.problem, verdict.count, verdict.head.trimmed) == ("", 2, 2)
    assert _verify(store, anchors={1: "ab"}).problem.startswith("row 1 was removed as too old")


def test_a_row_that_was_altered_is_not_trimmed_whatever_age_it_shows(store: Store, tamper: Tamper) -> None:
    _add(store, "a", "b", "c")
    for statement in (
        "UPDATE audit SET at = 0 WHERE sequence = 1",
        "UPDATE audit SET object = 'other' WHERE sequence = 1",
        "DELETE FROM audit WHERE sequence = 1",
    ):
        tamper(statement)
        tamper("UPDATE audit SET at = 0 WHERE sequence = 2")
        with store.write() as tx:
            assert tx.audit.trim(9) == 0
        assert _verify(store).problem.startswith("row 1 ")
        tamper.put_back()


def test_a_row_that_cannot_be_read_is_not_trimmed(store: Store, tamper: Tamper, clock: SettableClock) -> None:
    _policy(store, AuditPolicy(retention=timedelta(days=1)))
    _add(store, "a", "b", "c")
    clock.advance(hours=25)
    tamper("UPDATE audit SET at = -9223372036854775807 WHERE sequence = 2")
    with store.write() as tx:
        assert tx.audit.trim(9) == 1
    assert _subjects(store, limit=1) == ["c"]
    assert "2" in _problem_of_reading(store)


def _problem_of_reading(store: Store) -> str:
    with pytest.raises(StoreUnusable) as caught:
        _verify(store)
    return caught.value.message


def test_writers_at_the_same_time_make_one_chain(opened: OpenStore, clock: SettableClock) -> None:
    stores, barrier = [opened(clock) for _ in range(4)], Barrier(4)

    def write(store: Store, name: str) -> None:
        barrier.wait()
        for number in range(5):
            with store.write() as tx:
                tx.audit.add(OPS, AuditAction.TOKEN_CREATE, f"{name}{number}")
                tx.audit.add(OPS, AuditAction.PRUNE, name, trail=Trail.DELETED_MAPPINGS)

    threads = [Thread(target=write, args=(store, name)) for store, name in zip(stores, "abcd", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_subjects(stores[0])) == 20
    for trail in (Trail.ACTIONS, Trail.DELETED_MAPPINGS):
        verdict = _verify(stores[0], trail)
        assert (verdict.problem, verdict.count) == ("", 20)


def test_a_changed_row_is_named(store: Store, tamper: Tamper) -> None:
    _add(store, "a", "b", "c", "d")
    for name in ("at", "principal", "origin", "action", "object", "detail", "failure"):
        tamper(f"UPDATE audit SET {name} = {'7' if name == 'at' else repr('x')} WHERE sequence = 2")  # noqa: S608
        verdict = _verify(store)
        assert (verdict.problem, verdict.count) == ("row 2 does not fit: it was changed, inserted or moved", 1)
        tamper.put_back()


def test_a_row_that_was_changed_with_all_hashes_after_it_is_named(store: Store, tamper: Tamper) -> None:
    _add(store, "a", "b", "c")
    rows = audit_rows(store)[::-1]
    forged = replace(rows[1], object="forged")
    second = hash_of(forged, rows[0].hash)
    third = hash_of(rows[2], second)
    tamper(
        "UPDATE audit SET object = 'forged', hash = :second WHERE sequence = 2",
        "UPDATE audit SET hash = :third WHERE sequence = 3",
        "UPDATE audit_heads SET hash = :third WHERE trail = 'actions'",
        second=second,
        third=third,
    )
    assert _verify(store).problem == "row 2 does not fit: it was changed, inserted or moved"


def test_removed_rows_are_named(store: Store, tamper: Tamper) -> None:
    _add(store, "a", "b", "c", "d")
    for statement, problem in (
        ("DELETE FROM audit WHERE sequence = 2", "row 2 is missing"),
        ("DELETE FROM audit WHERE sequence IN (2, 3)", "rows 2 to 3 are missing"),
        ("DELETE FROM audit WHERE sequence = 1", "row 1 is missing"),
        ("DELETE FROM audit WHERE sequence > 2", "rows 3 to 4 are missing at the end"),
        ("DELETE FROM audit", "rows 1 to 4 are missing at the end"),
        ("DELETE FROM audit_heads", "its head is missing"),
    ):
        tamper(statement)
        assert _verify(store).problem == problem
        tamper.put_back()
    assert not _verify(store).problem


def test_an_inserted_row_is_named(store: Store, tamper: Tamper) -> None:
    _add(store, "a", "b", "c", "d")
    columns = "trail, sequence, at, principal, origin, action, object, detail, failure, hash, tag"
    for sequence, problem in (
        (5, "row 5 was inserted behind the newest row"),
        (0, "row 0 was inserted before the oldest row"),
    ):
        copied = columns.replace("sequence", str(sequence))
        tamper(f"INSERT INTO audit ({columns}) SELECT {copied} FROM audit WHERE sequence = 4")  # noqa: S608
        assert _verify(store).problem == problem
        tamper.put_back()


def test_reordered_rows_are_named(store: Store, tamper: Tamper) -> None:
    _add(store, "a", "b", "c", "d")
    moves = [(2, 99), (3, 2), (99, 3)]
    tamper(*(f"UPDATE audit SET sequence = {to} WHERE sequence = {before}" for before, to in moves))  # noqa: S608
    assert _verify(store).problem == "row 2 does not fit: it was changed, inserted or moved"


def test_a_row_that_cannot_be_read_is_named(store: Store, tamper: Tamper, engine_name: str) -> None:
    _add(store, "a")
    tamper(f"UPDATE audit SET at = {repr('never') if engine_name == 'sqlite' else (1 << 63) - 1}")  # noqa: S608
    with pytest.raises(StoreUnusable, match="row actions/1 of the store's table audit"):
        _verify(store)


def test_a_cut_end_shows_by_the_head_whose_tag_nobody_else_can_make(store: Store, tamper: Tamper) -> None:
    _add(store, "a", "b", "c")
    kept = audit_rows(store)[1]
    tamper(
        "DELETE FROM audit WHERE sequence = 3",
        "UPDATE audit_heads SET sequence = 2, hash = :hash WHERE trail = 'actions'",
        hash=kept.hash,
    )
    assert _verify(store).problem.startswith("its head was changed")
    with pytest.raises(StoreUnusable, match="trail actions is missing or was changed: nothing can be audited"):
        _add(store, "d")
    assert _subjects(store) == ["b", "a"], "nothing is linked to it, which would make it look right"


def test_a_trail_that_does_not_fit_is_begun_anew_behind_its_rows_and_the_others_stay(
    store: Store, tamper: Tamper
) -> None:
    _add(store, "a", "b", "c")
    _add(store, "x", trail=Trail.DELETED_MAPPINGS)
    before = _verify(store, Trail.DELETED_MAPPINGS).head
    tamper("DELETE FROM audit WHERE sequence = 2", "DELETE FROM audit_heads WHERE trail = 'actions'")
    with store.write() as tx:
        kept = list(tx.audit.raw(Trail.ACTIONS))
        tx.audit.begin_anew(Trail.ACTIONS, OPS, "row 2 is missing")
    assert [(row["object"], row["sequence"]) for row in kept] == [("a", 1), ("c", 3)]
    assert len(str(kept[0]["hash"])) == 64
    _add(store, "d")
    verdict = _verify(store)
    assert (verdict.problem, verdict.count, verdict.head.trimmed) == ("", 2, 3)
    added, begun = audit_rows(store)
    assert (begun.sequence, begun.action, begun.object, begun.detail) == (
        4,
        "audit begin",
        "actions",
        "row 2 is missing",
    )
    assert (begun.principal, begun.origin, added.object) == ("ops", "192.0.2.7", "d")
    assert _verify(store, Trail.DELETED_MAPPINGS).head == before


def test_a_forged_checkpoint_shows(store: Store, tamper: Tamper) -> None:
    _add(store, "a", "b", "c")
    second = audit_rows(store)[1]
    tamper(
        "UPDATE audit_heads SET trimmed = 2, trimmed_hash = :hash WHERE trail = 'actions'",
        "DELETE FROM audit WHERE sequence <= 2",
        hash=second.hash,
    )
    assert _verify(store).problem.startswith("its head was changed: rows up to 2")


def test_an_end_that_was_put_back_shows_by_what_was_written_down_elsewhere(store: Store, tamper: Tamper) -> None:
    _add(store, "a", "b")
    with store.read() as tx:
        earlier = tx.audit.heads()[Trail.ACTIONS]
    _add(store, "c")
    with store.read() as tx:
        later = tx.audit.heads()[Trail.ACTIONS]
    assert later.anchor == f"actions:3:{later.hash.hex()}"
    assert not _verify(store, anchors={2: earlier.hash.hex(), 3: later.hash.hex()}).problem
    tamper(
        "DELETE FROM audit WHERE sequence = 3",
        "UPDATE audit_heads SET sequence = 2, hash = :hash, tag = :tag WHERE trail = 'actions'",
        hash=earlier.hash,
        tag=earlier.tag,
    )
    assert not _verify(store).problem
    assert _verify(store, anchors={3: later.hash.hex()}).problem == "row 3 is missing at the end"
    _add(store, "another c")
    assert _verify(store, anchors={3: later.hash.hex()}).problem == "row 3 has another hash than is expected"


def test_another_key_does_not_verify(store: Store) -> None:
    _add(store, "a")
    assert _verify(store, key=FixedAuditKey(b"another")).problem.startswith("row 1 does not fit")
    assert _verify(store, Trail.DELETED_MAPPINGS, key=FixedAuditKey(b"another")).problem.startswith("its head was")


def test_the_row_before_which_others_were_removed_must_be_there_to_trim(store: Store, tamper: Tamper) -> None:
    _policy(store, AuditPolicy(credential_lookups=2))
    _add(store, "a", "b", trail=Trail.CREDENTIAL_LOOKUPS)
    tamper("DELETE FROM audit WHERE sequence = 1")
    _add(store, "c", trail=Trail.CREDENTIAL_LOOKUPS)
    assert _verify(store, Trail.CREDENTIAL_LOOKUPS).problem == "row 2 does not fit: it was changed, inserted or moved"


def test_a_head_says_of_its_last_row_what_is_there(store: Store) -> None:
    _add(store, "a")
    rows = audit_rows(store)
    head = Head(Trail.ACTIONS, 1, b"\x01" * 32).sealed(AUDIT_KEY.tag)
    assert verify(Trail.ACTIONS, head, rows, AUDIT_KEY.tag, {}).problem == "row 1 is not the one that its head names"
