"""Events, tokens, leases and identities."""

from datetime import timedelta

import pytest

from controller.model import events
from controller.model.errors import InvalidInput, NotFound
from controller.model.events import Event
from controller.model.secret import Secret
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.ports.tokens import Token
from controller.store import events as event_rows
from tests.contracts.store.conftest import SettableClock
from tests.contracts.store.examples import AT

MINUTE = timedelta(minutes=1)


def test_events_are_found_newest_first(store: Store, clock: SettableClock) -> None:
    with store.write() as tx:
        tx.events.add(Event(events.CHANGE_DAMPED, "t1", "racf", "CORP\\alice", {"sequence": 3, "secret": Secret("x")}))
    clock.advance(seconds=1)
    with store.write() as tx:
        tx.events.add(Event(events.CHANGE_FAILED, "t2", "ldap", "alice"))

    def found(**query: object) -> list[str]:
        with store.read() as tx:
            return [e.tracking_id for e in tx.events.find(EventQuery(**query))]  # type: ignore[arg-type]  # of this file

    assert found() == ["t2", "t1"]
    assert found(limit=1) == ["t2"]
    assert found(tracking_id="t1") == found(adapter="racf") == found(name="changeDamped") == ["t1"]
    assert (found(level="info"), found(level="error")) == (["t1"], ["t2"])
    assert found(account="corp\\ALICE") == ["t1"]
    assert found(account="alice") == ["t2"]
    with store.read() as tx:
        newest, oldest = tx.events.find(EventQuery())
    assert newest.sequence > oldest.sequence
    assert (oldest.at, newest.at) == (AT, clock.now)
    assert (oldest.name, oldest.level, oldest.message) == ("changeDamped", "info", events.CHANGE_DAMPED.message)
    assert oldest.fields == {"sequence": 3, "secret": "***"}


def test_events_come_in_pages_and_are_counted_by_name(store: Store, clock: SettableClock) -> None:
    for number in range(5):
        with store.write() as tx:
            tx.events.add(Event(events.CHANGE_DAMPED if number % 2 else events.CHANGE_STALE, f"t{number}"))
        clock.advance(seconds=1)
    with store.read() as tx:
        first = tx.events.find(EventQuery(limit=2))
        second = tx.events.find(EventQuery(limit=9, before=first[-1].sequence))
        assert [e.tracking_id for e in (*first, *second)] == ["t4", "t3", "t2", "t1", "t0"]
        late = tx.events.find(EventQuery(since=AT + timedelta(seconds=3)))
        assert [e.tracking_id for e in late] == ["t4", "t3"]
        assert tx.events.count_since(AT) == {"changeDamped": 2, "changeStale": 3}
        assert tx.events.count_since(AT + timedelta(seconds=3)) == {"changeDamped": 1, "changeStale": 1}
        assert tx.events.count_since(clock.now) == {}


def test_the_oldest_events_go_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_rows, "KEPT", 20)
    monkeypatch.setattr(event_rows, "TRIM_EVERY", 10)
    with store.write() as tx:
        for number in range(100):
            tx.events.add(Event(events.CHANGE_DAMPED, f"t{number}"))
    with store.read() as tx:
        kept = [e.tracking_id for e in tx.events.find(EventQuery(limit=1000))]
    assert 20 <= len(kept) <= 30
    assert kept == [f"t{number}" for number in range(99, 99 - len(kept), -1)]


def test_many_events_are_recorded_at_once_in_their_order_and_push_out_the_oldest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_rows, "KEPT", 20)
    monkeypatch.setattr(event_rows, "TRIM_EVERY", 10)
    for first in range(0, 99, 9):
        with store.write() as tx:
            tx.events.add_all([Event(events.CHANGE_DAMPED, f"t{number}") for number in range(first, first + 9)])
            tx.events.add_all([])
    with store.read() as tx:
        kept = [e.tracking_id for e in tx.events.find(EventQuery(limit=1000))]
    assert 20 <= len(kept) <= 40
    assert kept == [f"t{number}" for number in range(98, 98 - len(kept), -1)]


def test_tokens_are_found_by_digest_used_and_revoked_once(store: Store, clock: SettableClock) -> None:
    token = Token("id1", "ops", AT, AT + MINUTE, None, None)
    with store.write() as tx:
        tx.tokens.add(token, b"\x01" * 32)
        tx.tokens.add(Token("id0", "dc1", AT - MINUTE, None, None, None), b"\x02" * 32)
        assert tx.tokens.by_digest(b"\x01" * 32) == token
        assert tx.tokens.by_digest(b"\x03" * 32) is None
        assert [t.id for t in tx.tokens.all()] == ["id0", "id1"]
    clock.advance(seconds=9)
    with store.write() as tx:
        tx.tokens.touch("id1")
        assert tx.tokens.revoke("id1")
        assert not tx.tokens.revoke("id1")
        assert not tx.tokens.revoke("unknown")
    with store.read() as tx:
        assert tx.tokens.by_digest(b"\x01" * 32) == Token("id1", "ops", AT, AT + MINUTE, clock.now, clock.now)


def test_a_digest_belongs_to_one_token(store: Store) -> None:
    with store.write() as tx:
        tx.tokens.add(Token("id1", "ops", AT, None, None, None), b"\x01" * 32)
    with pytest.raises(InvalidInput), store.write() as tx:
        tx.tokens.add(Token("id2", "ops", AT, None, None, None), b"\x01" * 32)


def _acquire(store: Store, holder: str, name: str = "reconciler") -> int | None:
    with store.write() as tx:
        return tx.leases.acquire(name, holder, MINUTE)


def test_a_lease_has_one_holder_until_it_runs_out(store: Store, clock: SettableClock) -> None:
    first = _acquire(store, "a")
    assert first is not None
    assert _acquire(store, "b") is None
    clock.advance(seconds=59)
    assert _acquire(store, "a") == first, "renewed"
    clock.advance(seconds=59)
    assert _acquire(store, "b") is None
    clock.advance(seconds=1)
    second = _acquire(store, "b")
    assert second is not None
    assert second > first
    assert _acquire(store, "a") is None
    assert _acquire(store, "a", "another lease") is not None


def test_a_lease_given_back_is_free_and_its_token_goes_on_growing(store: Store) -> None:
    first = _acquire(store, "a")
    with store.write() as tx:
        tx.leases.release("reconciler", "b")
        tx.leases.release("unknown", "a")
    assert _acquire(store, "b") is None, "only its holder gives it back"
    with store.write() as tx:
        tx.leases.release("reconciler", "a")
    second = _acquire(store, "b")
    assert first is not None
    assert second is not None
    assert second > first


def test_a_holder_that_comes_back_after_its_lease_ran_out_gets_a_new_token(store: Store, clock: SettableClock) -> None:
    first = _acquire(store, "a")
    clock.advance(minutes=1)
    second = _acquire(store, "a")
    assert first is not None
    assert second is not None
    assert second > first


def test_an_identity_is_made_once(store: Store) -> None:
    with store.read() as tx, pytest.raises(NotFound, match="canary"):
        tx.identity("canary", lambda: b"never asked")
    with store.write() as tx:
        assert tx.identity("canary", lambda: b"\x00one") == b"\x00one"
        assert tx.identity("other", lambda: b"two") == b"two"
    with store.write() as tx:
        assert tx.identity("canary", lambda: b"never asked") == b"\x00one"
    with store.read() as tx:
        assert tx.identity("canary", lambda: b"never asked") == b"\x00one"
