"""Callers that call too often are told so, over HTTP, and recorded once."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Semaphore

import anyio
import httpx
import pytest
from anyio import to_thread

from controller.model.change import PasswordChange
from controller.ports.changes import ChangeQuery
from controller.store.changes import SqlChanges
from controller.web.app import READING_THREADS, REQUEST_THREADS, make_app
from controller.web.limiting import FAILURES, calls_a_minute
from tests.doubles.api import WINDOWS, ApiBench

ALICE = {"account": r"CORP\alice", "password": "n3w"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path)
    bench.app = make_app(bench.installation, lambda: None, limit=calls_a_minute(2))
    yield bench
    bench.close()


def test_a_caller_that_calls_too_often_is_told_to_wait_and_nothing_of_it_is_stored(api: ApiBench) -> None:
    answers = [api.post(WINDOWS, ALICE) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]
    assert answers[2].json()["code"] == "tooManyCalls"
    assert answers[2].headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 30
    assert api.count_changes() == 2
    assert api.call("GET", "/v1/status", by="ops").status_code == 200, "another caller is not held up"
    (event,) = api.events("callsLimited")
    assert event.fields == {"caller": "dc1", "address": "127.0.0.1"}


def test_who_proves_nothing_too_often_is_turned_away_before_the_store_is_asked(api: ApiBench) -> None:
    known = api.post(WINDOWS, ALICE)
    headers = {"Authorization": "Bearer wrong"}

    statuses = [api.call("POST", WINDOWS, headers=headers).status_code for _ in range(FAILURES.burst + 5)]

    assert statuses[: FAILURES.burst] == [401] * FAILURES.burst
    assert statuses[-1] == 429
    assert (known.status_code, api.post(WINDOWS, ALICE).status_code) == (202, 202), "a known token still passes"
    (event,) = api.events("callsLimited")
    assert event.fields == {"caller": "", "address": "127.0.0.1"}


def test_lists_that_take_long_do_not_hold_up_a_report(api: ApiBench, monkeypatch: pytest.MonkeyPatch) -> None:
    searching, is_over, statuses = Semaphore(0), Event(), list[int]()

    def search(_: SqlChanges, __: ChangeQuery) -> list[PasswordChange]:
        searching.release()
        assert is_over.wait(60)
        return []

    async def call(method: str, path: str, by: str, body: object = None) -> None:
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": f"Bearer {api.tokens[by]}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://controller") as client:
            answer = await client.request(method, path, headers=headers, json=body)
            statuses.append(answer.status_code)

    async def work() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(REQUEST_THREADS + READING_THREADS):
                group.start_soon(call, "GET", "/v1/changes", "ops")
            for _ in range(READING_THREADS):
                assert await to_thread.run_sync(searching.acquire, True, 20)
            with anyio.fail_after(20):
                await call("POST", WINDOWS, "dc1", ALICE)
            is_over.set()

    app = make_app(api.installation, lambda: None, limit=None)
    monkeypatch.setattr(SqlChanges, "find", search)
    try:
        anyio.run(work)
    finally:
        is_over.set()

    assert statuses == [202] + [200] * (REQUEST_THREADS + READING_THREADS)
