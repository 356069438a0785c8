"""What was last seen of accounts at their own systems."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from controller.model.errors import StoreUnusable
from controller.model.observation import Observation, SurveyNote
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock


def test_what_was_seen_comes_back(store: Store, clock: SettableClock) -> None:
    earlier = clock.now - timedelta(hours=1)
    seen = {
        "al": Observation(earlier),
        "bo": Observation(missing_since=earlier),
        "ca": Observation(earlier, None, clock.now),
    }
    with store.write() as tx:
        tx.observations.put("adapter/x", {"al": Observation(), "gone": Observation()})
        tx.observations.put("adapter/x", seen)
        tx.observations.put("adapter/y", {})
        tx.observations.forget("adapter/x", ["gone", "never"])
        tx.observations.forget("adapter/x", [])
    with store.read() as tx:
        assert tx.observations.of_lane("adapter/x") == seen
        assert tx.observations.of_lane("adapter/y") == {}


def test_notes_come_back_and_go_with_their_lane(store: Store, clock: SettableClock) -> None:
    note = SurveyNote(clock.now, 1, 2, 3, ("al", "bo"), "it is away")
    with store.write() as tx:
        for lane in ("adapter/x", "domain/Y"):
            tx.observations.note(lane, SurveyNote(clock.now))
            tx.observations.note(lane, note)
            tx.observations.put(lane, {"al": Observation()})
        tx.observations.forget_lane("domain/Y")
    with store.read() as tx:
        assert tx.observations.notes() == {"adapter/x": note}
        assert tx.observations.of_lane("domain/Y") == {}


def test_a_note_that_cannot_be_read_is_named(store: Store, store_url: str, clock: SettableClock) -> None:
    with store.write() as tx:
        tx.observations.note("adapter/x", SurveyNote(clock.now))
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE surveys SET names = '7'"))
    engine.dispose()
    with store.read() as tx, pytest.raises(StoreUnusable, match="surveys"):
        tx.observations.notes()
