"""Tokens while the store is away: known ones are valid for a while, and no longer than that."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from controller.model.actor import Actor
from controller.model.errors import StoreUnavailable, Unauthenticated
from controller.model.secret import Secret
from controller.pipeline import remembering
from controller.pipeline.callers import Callers
from controller.pipeline.remembering import ASK_AGAIN, VALID_FOR, RememberedCallers
from tests.doubles.replay import ReplayBench, replay_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ReplayBench]:
    """A store that can be away."""
    with replay_bench(tmp_path) as made:
        yield made


@pytest.fixture
def callers(bench: ReplayBench) -> Callers:
    """Callers with a memory."""
    return Callers(bench.store, bench.new_id, RememberedCallers(lambda: bench.now))


def test_a_token_used_lately_is_valid_without_the_store_until_its_time_is_over(
    bench: ReplayBench, callers: Callers
) -> None:
    known, unknown = (callers.create(name, valid_for=None, by=Actor("t"))[1] for name in ("dc1", "dc2"))
    assert callers.authenticate(known) == "dc1"
    bench.wait(VALID_FOR - timedelta(seconds=1))
    with bench.away():
        assert callers.authenticate(known) == "dc1"
        assert callers.authenticate(known) == "dc1"
        for token in (unknown, Secret("pwsync_never-made")):
            with pytest.raises(StoreUnavailable, match="not used lately"):
                callers.authenticate(token)
        bench.wait(ASK_AGAIN)
        with pytest.raises(StoreUnavailable, match="the store is away"):
            callers.authenticate(known)
    bench.wait(ASK_AGAIN)
    assert callers.authenticate(known) == "dc1"
    assert callers.authenticate(unknown) == "dc2"


def test_a_token_that_expires_during_the_outage_ends_then(bench: ReplayBench, callers: Callers) -> None:
    token = callers.create("dc1", valid_for=timedelta(minutes=5), by=Actor("t"))[1]
    callers.authenticate(token)
    bench.wait(timedelta(minutes=5))
    with bench.away(), pytest.raises(StoreUnavailable):
        callers.authenticate(token)


def test_a_token_that_the_store_calls_revoked_is_forgotten(bench: ReplayBench, callers: Callers) -> None:
    token, text = callers.create("dc1", valid_for=None, by=Actor("t"))
    callers.authenticate(text)
    callers.revoke(token.id, by=Actor("t"))
    with pytest.raises(Unauthenticated):
        callers.authenticate(text)
    with bench.away(), pytest.raises(StoreUnavailable):
        callers.authenticate(text)


def test_the_store_is_asked_again_by_one_request_at_a_time(bench: ReplayBench) -> None:
    remembered = RememberedCallers(lambda: bench.now)
    assert not remembered.is_store_away()
    remembered.note_away()
    assert remembered.is_store_away()
    bench.wait(ASK_AGAIN)
    assert [remembered.is_store_away() for _ in range(3)] == [False, True, True]


def test_a_valid_token_is_valid_though_its_use_cannot_be_written_down(
    bench: ReplayBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = Callers(bench.store, bench.new_id)
    token = callers.create("dc1", valid_for=None, by=Actor("t"))[1]

    def refuse() -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(bench.outage, "write", refuse)
    assert callers.authenticate(token) == "dc1"


def test_the_memory_is_bounded(bench: ReplayBench, callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MOST", 2)
    tokens = [callers.create(f"dc{n}", valid_for=None, by=Actor("t"))[1] for n in range(3)]
    for token in tokens:
        callers.authenticate(token)
    with bench.away():
        with pytest.raises(StoreUnavailable):
            callers.authenticate(tokens[0])
        assert callers.authenticate(tokens[2]) == "dc2"
