"""Callers that call too often are told so, over HTTP, and recorded once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.web.app import make_app
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
