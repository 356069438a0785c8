"""Durable before OK, harmless when repeated: the controller is killed again and again under load (decisions 5-8)."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from controller.ports.changes import ChangeQuery
from controller.store.opening import open_store
from tests.leaks import Leaks, assert_none
from tests.servers.slapd import SERVICE_DN, SERVICE_PASSWORD, SlapdServer
from tests.system.controller_process import ControllerProcess, controller_process, select_nothing
from tests.system.staff import declare_staff, is_quiet, names_of, report

ACCOUNTS = 20
CHANGES_PER_ACCOUNT = 25
KILLS = 50
REPORTERS = 4
"""So many that reports share commits."""
CONNECTOR = """\
type: ldap
url: {url}
caFile: {ca_file}
bind: {{user: "{bind}", passwordFrom: {{env: OPENLDAP_BIND_PASSWORD}}}}
accountDN: uid={{account}},ou=people,dc=example,dc=com
"""


class Reporter(threading.Thread):
    """Reports the changes of some accounts in order, each until it got its OK, as a domain controller does."""

    def __init__(self, controller: ControllerProcess, changes: dict[str, list[str]]) -> None:
        super().__init__(daemon=True)
        self.controller = controller
        self.changes = changes
        self.accepted: list[str] = []

    def run(self) -> None:
        """Report everything."""
        headers = {"Authorization": f"Bearer {self.controller.tokens['dc1']}"}
        with httpx.Client(base_url=str(self.controller.client.base_url), timeout=30, headers=headers) as client:
            for number in range(CHANGES_PER_ACCOUNT):
                for account, passwords in self.changes.items():
                    self.accepted.append(self._report(client, account, passwords[number]))

    def _report(self, client: httpx.Client, account: str, password: str) -> str:
        while True:
            try:
                answer = report(client, account, password)
            except httpx.TransportError:
                select_nothing(0.05)  # the controller is dead: the domain controller tries again
                continue
            assert answer.status_code == 202, answer.text
            return str(answer.json()["trackingId"])


@pytest.fixture
def controller(own_slapd: SlapdServer, tmp_path: Path, warm_pwsync: Path) -> Iterator[ControllerProcess]:
    """A controller for the accounts of a slapd of its own: each start is a process of its own, which starts warm."""
    folder = tmp_path / "controller"
    for name in names_of(ACCOUNTS):
        own_slapd.add_person(name)
    connector = CONNECTOR.format(url=own_slapd.ldaps_url, ca_file=own_slapd.ca_file, bind=SERVICE_DN)
    declare_staff(folder / "manifests", ACCOUNTS, connector)
    environment = {"OPENLDAP_BIND_PASSWORD": SERVICE_PASSWORD}
    with controller_process(folder, folder / "manifests", environment) as made:
        made.program = (str(warm_pwsync),)
        made.command("apply", str(made.manifests), "--yes")
        made.make_token("dc1")
        yield made


@pytest.mark.timeout(420)
def test_a_controller_killed_at_random_moments_loses_nothing(
    controller: ControllerProcess, own_slapd: SlapdServer
) -> None:
    seed = random.randrange(2**32)
    chance, leaks = random.Random(seed), Leaks()
    changes = {name: [leaks.password() for _ in range(CHANGES_PER_ACCOUNT)] for name in names_of(ACCOUNTS)}
    shares = [dict(list(changes.items())[number::REPORTERS]) for number in range(REPORTERS)]
    reporters = [Reporter(controller, share) for share in shares]
    controller.start()
    for reporter in reporters:
        reporter.start()
    for _ in range(KILLS):
        select_nothing(chance.uniform(0.0, 0.5))
        controller.kill()
        controller.start()
    for reporter in reporters:
        reporter.join(120)
        assert not reporter.is_alive(), f"seed {seed}"
    store = open_store(f"sqlite:///{controller.state_dir / 'pwsync.db'}", read_only=True)
    controller.wait_for(lambda: is_quiet(store), f"every delivery to be settled (seed {seed})", 90)
    with store.read() as tx:
        recorded = {c.tracking_id: (c.state.value, c.reason) for c in tx.changes.find(ChangeQuery(limit=100_000))}
    store.close()
    accepted = [tracking_id for reporter in reporters for tracking_id in reporter.accepted]
    assert len(accepted) == ACCOUNTS * CHANGES_PER_ACCOUNT
    assert set(accepted) <= set(recorded), f"seed {seed}: an accepted change is lost"
    fine = {("completed", ""), ("discarded", "superseded"), ("discarded", "damped")}
    assert set(recorded.values()) <= fine, f"seed {seed}"
    wrong = [n for n, passwords in changes.items() if not own_slapd.can_bind(own_slapd.person_dn(n), passwords[-1])]
    assert wrong == [], f"seed {seed}"
    assert controller.stop() == 0
    assert_none(leaks.in_files(controller.folder))
