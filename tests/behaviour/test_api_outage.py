"""The API while the store is away: rows R1 and R6."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path

import pytest

from controller.replay.log import ReplayFiles
from controller.runtime.drain import Drain
from controller.runtime.wiring import Installation
from controller.web.app import make_app
from tests.doubles.api import WINDOWS, ApiBench, new_password
from tests.doubles.replay import OutageStore

BODY = {"account": "CORP\\alice"}


@dataclass
class Outage:
    """An API whose store can be taken away."""

    api: ApiBench
    store: OutageStore
    installation: Installation


@pytest.fixture
def outage(tmp_path: Path) -> Iterator[Outage]:
    """The store has been seen, and so has the token of dc1."""
    api = ApiBench(tmp_path)
    store = OutageStore(api.bench.store)
    log = ReplayFiles.open(tmp_path / "replay", api.bench.sealer)
    assert log is not None
    installation = Installation(api.installation.settings, store, api.bench.sealer, replay_log=log)
    api.app = make_app(installation, lambda: None)
    assert api.post(WINDOWS, {**BODY, "password": new_password()}).status_code == 202
    yield Outage(api, store, installation)
    log.close()
    api.close()


def test_r6_a_change_is_accepted_while_the_store_is_away_and_found_by_its_tracking_id_later(outage: Outage) -> None:
    outage.store.is_away = True
    answer = outage.api.post(WINDOWS, {**BODY, "password": new_password()})
    assert answer.status_code == 202
    path = f"/v1/changes/{answer.json()['trackingId']}"
    assert outage.api.call("GET", path, by="dc1").status_code == 503
    outage.store.is_away = False
    behind = outage.api.call("GET", path, by="dc1")
    assert (behind.status_code, behind.json()["code"]) == (503, "storeUnavailable")
    assert outage.installation.replay is not None
    while outage.installation.replay.step():
        pass
    found = outage.api.call("GET", path, by="dc1")
    assert (found.status_code, found.json()["state"]) == (200, "accepted")
    assert outage.api.call("GET", "/v1/changes/never-given", by="dc1").status_code == 404


def test_r6_a_caller_not_known_lately_is_told_to_come_again(outage: Outage) -> None:
    outage.store.is_away = True
    answer = outage.api.call("POST", "/v1/adapters/racf/changes", by="agent", json={"account": "A", "password": "b"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_r6_when_the_disk_is_full_too_the_answer_is_no_202(outage: Outage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(ENOSPC, "No space left on device")

    outage.store.is_away = True
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        answer = outage.api.post(WINDOWS, {**BODY, "password": new_password()})
    assert (answer.status_code, answer.json()["code"]) == (503, "storeUnavailable")
    assert outage.api.post(WINDOWS, {**BODY, "password": new_password()}).status_code == 202


def test_r1_what_one_run_of_the_controller_kept_the_next_one_takes_over(outage: Outage) -> None:
    outage.store.is_away = True
    change = outage.api.post(WINDOWS, {**BODY, "password": new_password()}).json()["trackingId"]
    outage.store.is_away = False
    Drain(outage.installation).work_off()
    with outage.store.read() as tx:
        found = tx.changes.get(change)
    assert found is not None
    assert found.routed
