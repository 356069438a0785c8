"""Threads of one process take turns to write, in the order in which they came."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from controller.model.errors import StoreUnavailable
from controller.store import turn as turns
from controller.store.turn import Turn

PATIENCE = 60.0


@contextmanager
def waiting(turn: Turn, name: str, came: list[str]) -> Iterator[threading.Thread]:
    """A thread that waits for its turn, and notes when it comes."""

    def take() -> None:
        with turn.taken():
            came.append(name)

    before = len(turn._waiting)
    thread = threading.Thread(target=take)
    thread.start()
    while len(turn._waiting) == before:
        threading.Event().wait(0.001)
    yield thread
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_the_turn_comes_in_the_order_of_waiting_also_when_who_has_it_asks_again_at_once() -> None:
    turn, came = Turn(), list[str]()
    held = turn.taken()
    held.__enter__()
    with waiting(turn, "first", came), waiting(turn, "second", came):
        held.__exit__(None, None, None)
        with turn.taken():
            came.append("again")
    assert came == ["first", "second", "again"]


def test_who_has_the_turn_cannot_wait_for_itself() -> None:
    turn = Turn()
    with turn.taken(), pytest.raises(RuntimeError, match="wait for itself"), turn.taken():
        pass
    with turn.taken():
        pass


def test_who_waits_too_long_gives_up_and_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "BUSY_SECONDS", 0.01)
    turn, problems = Turn(), list[StoreUnavailable]()

    def take() -> None:
        try:
            with turn.taken():
                raise AssertionError("it was never free")
        except StoreUnavailable as error:
            problems.append(error)

    with turn.taken():
        thread = threading.Thread(target=take)
        thread.start()
        thread.join(PATIENCE)
    assert len(problems) == 1
    with turn.taken():
        pass
