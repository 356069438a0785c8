"""What was last heard of the target of each lane."""

from dataclasses import replace

from controller.ports.lanes import LaneStatus
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock
from tests.contracts.store.examples import AT, LANE, together

AWAY = LaneStatus(LANE, False, AT, "unavailable", "the connection was refused")


def test_a_lane_of_which_nothing_was_heard_has_no_row(store: Store) -> None:
    with store.write() as tx:
        assert (tx.lanes.get(LANE), tx.lanes.read()) == (None, {})
        tx.lanes.remove(LANE)


def test_what_was_last_heard_is_kept(store: Store) -> None:
    other = LaneStatus("domain/CORP", True, AT)
    with store.write() as tx:
        tx.lanes.put(AWAY)
        tx.lanes.put(other)
    with store.read() as tx:
        assert tx.lanes.get(LANE) == AWAY
        assert tx.lanes.read() == {LANE: AWAY, "domain/CORP": other}


def test_it_is_offline_since_that_was_first_heard(store: Store, clock: SettableClock) -> None:
    clock.advance(minutes=5)
    with store.write() as tx:
        tx.lanes.put(AWAY)
        tx.lanes.put(LaneStatus(LANE, False, clock.now, "channelRefused", "wrong password"))
        assert tx.lanes.get(LANE) == replace(AWAY, code="channelRefused", message="wrong password")
        tx.lanes.put(LaneStatus(LANE, True, clock.now))
        assert tx.lanes.get(LANE) == LaneStatus(LANE, True, clock.now)


def test_only_what_differs_from_before_is_news(store: Store) -> None:
    back = LaneStatus(LANE, True, AT)
    with store.write() as tx:
        assert [tx.lanes.put(status) for status in (AWAY, AWAY, back, back, AWAY)] == [True, False, True, False, True]


def test_of_those_who_hear_the_same_at_the_same_time_one_brings_the_news(store: Store) -> None:
    def hear() -> bool:
        with store.write() as tx:
            return tx.lanes.put(AWAY)

    assert sorted(together(*[hear] * 4)) == [False, False, False, True]


def test_a_lane_that_is_forgotten_is_gone(store: Store) -> None:
    with store.write() as tx:
        tx.lanes.put(AWAY)
        tx.lanes.remove(LANE)
        assert tx.lanes.get(LANE) is None
