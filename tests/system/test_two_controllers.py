"""Two controllers on one PostgreSQL database share the work, and one of them may die."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from controller.ports.changes import ChangeQuery
from controller.store.opening import open_store
from tests.leaks import Leaks
from tests.servers.fixtures import require_server
from tests.servers.postgresql import find_binaries, new_database, running_postgresql
from tests.system.controller_process import ControllerProcess, controller_process
from tests.system.staff import declare_staff, has_in_htpasswd, is_quiet, names_of, report

USERS = 10
ROUNDS = 12


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """An empty database."""
    if not find_binaries():
        require_server("initdb")
    with running_postgresql() as server, new_database(server) as url:
        yield url


@pytest.fixture
def pair(database: str, tmp_path: Path, warm_pwsync: Path) -> Iterator[list[ControllerProcess]]:
    """Two controllers with one key on one database; both run."""
    manifests = tmp_path / "manifests"
    declare_staff(manifests, USERS)
    with ExitStack() as stack:
        pair = []
        for number in range(2):
            folder = tmp_path / f"controller{number}"
            folder.mkdir()
            pair.append(
                stack.enter_context(
                    controller_process(folder, manifests, {"PWSYNC_DATABASE": database}, warm=warm_pwsync)
                )
            )
        pair[0].command("apply", str(manifests), "--yes")
        pair[0].make_token("dc1")
        pair[1].tokens = pair[0].tokens
        pair[1].state_dir.mkdir(mode=0o700)
        shutil.copy2(pair[0].state_dir / "master.key", pair[1].state_dir / "master.key")
        for controller in pair:
            controller.start()
        yield pair


def _report_all(controller: ControllerProcess, changes: dict[str, list[str]], accepted: list[str]) -> None:
    headers = {"Authorization": f"Bearer {controller.tokens['dc1']}"}
    with httpx.Client(base_url=str(controller.client.base_url), timeout=30, headers=headers) as client:
        for number in range(ROUNDS):
            for account, passwords in changes.items():
                answer = report(client, account, passwords[number])
                assert answer.status_code == 202, answer.text
                accepted.append(answer.json()["trackingId"])


def test_two_controllers_share_the_work_and_one_may_die(pair: list[ControllerProcess], database: str) -> None:
    leaks = Leaks()
    changes = {name: [leaks.password() for _ in range(ROUNDS)] for name in names_of(USERS)}
    accepted: list[str] = []
    halves = [dict(list(changes.items())[half::2]) for half in range(2)]
    threads = [
        threading.Thread(target=_report_all, args=(controller, half, accepted))
        for controller, half in zip(pair, halves, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pair[1].kill()
    store = open_store(database, read_only=True)
    pair[0].wait_for(lambda: is_quiet(store), "every delivery to be settled")
    with store.read() as tx:
        recorded = {c.tracking_id: (c.state.value, c.reason) for c in tx.changes.find(ChangeQuery(limit=10_000))}
    store.close()
    assert len(accepted) == USERS * ROUNDS
    assert set(recorded) == set(accepted)
    assert set(recorded.values()) <= {("completed", ""), ("discarded", "superseded")}
    wrong = [name for name, tried in changes.items() if not has_in_htpasswd(pair[0].manifests, name, tried[-1])]
    assert wrong == []
    assert pair[0].stop() == 0
    assert leaks.in_text(pair[0].log.read_text() + pair[1].log.read_text()) == []
    assert "held up" not in pair[0].log.read_text()
