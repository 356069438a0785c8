"""PostgreSQL is stopped and started under load: every change that got its 202 ends in the store, exactly once (R1)."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from controller.ports.changes import ChangeQuery
from controller.ports.events import EventQuery
from controller.replay.waiting import look
from controller.store.opening import open_store
from tests.leaks import Leaks, assert_none
from tests.servers.fixtures import require_server
from tests.servers.postgresql import PostgresqlServer, find_binaries, own_postgresql
from tests.system.controller_process import ControllerProcess, controller_process, select_nothing
from tests.system.staff import declare_staff, has_in_htpasswd, is_quiet, names_of, report

USERS = 4
OUTAGES = 2


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    """A server that keeps what it has confirmed, also when it is stopped as by a crash."""
    if find_binaries() is None:
        require_server("initdb")
    with own_postgresql(durable=True) as made:
        yield made


@pytest.fixture
def controller(server: PostgresqlServer, tmp_path: Path, warm_pwsync: Path) -> Iterator[ControllerProcess]:
    """A controller on that server; it runs."""
    manifests = tmp_path / "manifests"
    declare_staff(manifests, USERS)
    with controller_process(tmp_path, manifests, {"PWSYNC_DATABASE": server.url}, warm=warm_pwsync) as made:
        made.command("apply", str(manifests), "--yes")
        made.make_token("dc1")
        made.start()
        yield made


class Source(threading.Thread):
    """Reports changes of one account, one after another, without end; a refusal for now is sent again."""

    def __init__(self, controller: ControllerProcess, account: str, leaks: Leaks, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.controller, self.account, self.leaks, self.stop_event = controller, account, leaks, stop
        self.accepted: list[str] = []
        self.last = ""
        self.others: Counter[int] = Counter()

    def run(self) -> None:
        """Report until told to stop, and then what was not accepted yet."""
        headers = {"Authorization": f"Bearer {self.controller.tokens['dc1']}"}
        with httpx.Client(base_url=str(self.controller.client.base_url), timeout=60, headers=headers) as client:
            while not self.stop_event.is_set():
                self.last = self.leaks.password()
                while (answer := report(client, self.account, self.last)).status_code != 202:
                    self.others[answer.status_code] += 1
                    select_nothing(0.05)
                self.accepted.append(answer.json()["trackingId"])
                select_nothing(0.1)


@pytest.mark.timeout(420)
def test_r1_every_change_accepted_around_outages_ends_in_the_store_exactly_once(
    controller: ControllerProcess, server: PostgresqlServer
) -> None:
    leaks, stop = Leaks(), threading.Event()
    sources = [Source(controller, name, leaks, stop) for name in names_of(USERS)]
    for source in sources:
        source.start()
    replay_dir = controller.state_dir / "replay"
    controller.wait_for(lambda: all(source.accepted for source in sources), "the first changes to be accepted")
    for _ in range(OUTAGES):
        before = [len(source.accepted) for source in sources]
        server.stop()
        controller.wait_for(
            lambda before=before: all(len(s.accepted) >= n + 5 for s, n in zip(sources, before, strict=True)),
            "changes to be accepted during the outage",
        )
        assert look(replay_dir).changes > 0
        server.start()
        controller.wait_for(lambda: look(replay_dir).changes == 0, "the kept changes to be taken over", 120)
    stop.set()
    for source in sources:
        source.join(60)
        assert not source.is_alive()
    store = open_store(server.url, read_only=True)
    controller.wait_for(lambda: is_quiet(store), "every change to be finished", 120)
    with store.read() as tx:
        recorded = tx.changes.find(ChangeQuery(limit=1_000_000))
        replayed = tx.events.find(EventQuery(name="changeReplayed", limit=1_000_000))
    store.close()
    stored = Counter(change.tracking_id for change in recorded)
    accepted = [tracking_id for source in sources for tracking_id in source.accepted]
    assert set(accepted) <= set(stored), "an accepted change is lost"
    assert set(stored.values()) == {1}
    assert replayed
    assert len({event.tracking_id for event in replayed}) == len(replayed)
    by_age = sorted(recorded, key=lambda change: change.sequence)
    for source in sources:
        own = [c.tracking_id for c in by_age if c.tracking_id in set(source.accepted)]
        assert own == source.accepted, "the changes of an account are in another order"
    assert all(has_in_htpasswd(controller.manifests, source.account, source.last) for source in sources)
    assert sum((source.others for source in sources), Counter()) == Counter()
    assert controller.stop() == 0
    assert look(replay_dir).set_aside == ()
    assert_none(leaks.in_files(controller.folder))
