"""Contract of ``ports.Sessions``."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from controller.model.membership import Told
from controller.model.session import AdapterSession, Presence
from controller.ports.store import Store

THEN = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
SESSION = AdapterSession("racf", "id-1", "agent", THEN, THEN + timedelta(seconds=1), THEN + timedelta(seconds=2))


def test_an_adapter_without_a_session_has_none(store: Store) -> None:
    with store.read() as tx:
        assert tx.sessions.get("racf") is None
        assert tx.sessions.read() == {}


def test_a_session_comes_back_as_it_was_put(store: Store) -> None:
    for presence in Presence:
        session = replace(SESSION, presence=presence)
        with store.write() as tx:
            tx.sessions.put(session)
        with store.read() as tx:
            assert tx.sessions.get("racf") == session


def test_what_a_session_was_told_comes_back_too(store: Store) -> None:
    for names in (frozenset({"racf", "db2"}), frozenset[str]()):
        session = replace(SESSION, told=Told(names, THEN))
        with store.write() as tx:
            tx.sessions.put(session)
        with store.read() as tx:
            assert tx.sessions.get("racf") == session


def test_an_adapter_has_one_session(store: Store) -> None:
    newer = replace(SESSION, id="id-2", principal="other")
    with store.write() as tx:
        tx.sessions.put(SESSION)
        tx.sessions.put(replace(SESSION, adapter="ldap"))
        tx.sessions.put(newer)
    with store.read() as tx:
        assert tx.sessions.read() == {"ldap": replace(SESSION, adapter="ldap"), "racf": newer}


def test_a_session_is_removed_once(store: Store) -> None:
    with store.write() as tx:
        tx.sessions.put(SESSION)
        assert tx.sessions.remove("racf")
        assert not tx.sessions.remove("racf")
        assert tx.sessions.get("racf") is None
