"""Durable before OK, harmless when repeated: the controller is killed again and again under load (decisions 5-8)."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from controller.model.accounts import ExternalAccount
from controller.model.delivery import OPEN_STATES
from controller.ports import ChangeQuery, DeliveryQuery
from controller.store.opening import open_store
from tests.leaks import Leaks, assert_none
from tests.servers.slapd import SERVICE_DN, SERVICE_PASSWORD, SlapdServer
from tests.system.controller_process import ControllerProcess, controller_process, select_nothing

ACCOUNTS = 20
CHANGES_PER_ACCOUNT = 25
KILLS = 50
MANIFEST = """\
apiVersion: pwsync/v1
kind: System
metadata: {{name: default}}
spec: {{fromWindowsToAdapters: true}}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {{name: CORP}}
spec: {{dnsName: corp.example.com, sources: [{{principal: dc1}}]}}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {{name: openldap}}
spec:
  syncToAdapter: true
  notifications: {{retryCount: 5, retryDelay: 1s, maxPending: 4}}
  connector:
    type: ldap
    url: {url}
    caFile: {ca_file}
    bind: {{user: "{bind}", passwordFrom: {{env: OPENLDAP_BIND_PASSWORD}}}}
    accountDN: uid={{account}},ou=people,dc=example,dc=com
---
apiVersion: pwsync/v1
kind: Application
metadata: {{name: STAFF}}
spec: {{adapter: openldap}}
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {{name: staff}}
spec:
  application: STAFF
  domain: CORP
  mappings: [{mappings}]
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
        with httpx.Client(base_url=f"http://127.0.0.1:{self.controller.port}", timeout=30) as client:
            for number in range(CHANGES_PER_ACCOUNT):
                for account, passwords in self.changes.items():
                    self.accepted.append(self._report(client, account, passwords[number]))

    def _report(self, client: httpx.Client, account: str, password: str) -> str:
        headers = {"Authorization": f"Bearer {self.controller.tokens['dc1']}"}
        while True:
            try:
                body = {"account": f"CORP\\{account}", "password": password}
                answer = client.post("/v1/domains/CORP/changes", json=body, headers=headers)
            except httpx.TransportError:
                select_nothing(0.05)  # the controller is dead: the domain controller tries again
                continue
            assert answer.status_code == 202, answer.text
            return str(answer.json()["trackingId"])


@pytest.fixture
def controller(own_slapd: SlapdServer, tmp_path: Path) -> Iterator[ControllerProcess]:
    """A controller for the accounts of a slapd of its own."""
    folder = tmp_path / "controller"
    (folder / "manifests").mkdir(parents=True)
    names = [f"user{n}" for n in range(ACCOUNTS)]
    for name in names:
        own_slapd.add_person(name)
    manifest = MANIFEST.format(
        url=own_slapd.ldaps_url,
        ca_file=own_slapd.ca_file,
        bind=SERVICE_DN,
        mappings=", ".join(f"{{windows: {name}, external: {name}}}" for name in names),
    )
    (folder / "manifests" / "all.yaml").write_text(manifest)
    environment = {"OPENLDAP_BIND_PASSWORD": SERVICE_PASSWORD}
    with controller_process(folder, folder / "manifests", environment) as made:
        made.command("apply", str(made.manifests), "--yes")
        made.make_token("dc1")
        yield made


@pytest.mark.timeout(420)
def test_a_controller_killed_at_random_moments_loses_nothing(
    controller: ControllerProcess, own_slapd: SlapdServer
) -> None:
    seed = random.randrange(2**32)
    chance, leaks = random.Random(seed), Leaks()
    changes = {f"user{n}": [leaks.password() for _ in range(CHANGES_PER_ACCOUNT)] for n in range(ACCOUNTS)}
    halves = [dict(list(changes.items())[half::2]) for half in range(2)]
    reporters = [Reporter(controller, half) for half in halves]
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

    def is_quiet() -> bool:
        with store.read() as tx:
            open_changes = tx.changes.find(ChangeQuery(state="accepted", limit=1))
            lane = ExternalAccount("openldap", "any").lane
            waiting = [d for s in OPEN_STATES for d in tx.deliveries.find(DeliveryQuery(lane=lane, state=s, limit=1))]
            return not open_changes and not waiting

    controller.wait_for(is_quiet, f"every delivery to be settled (seed {seed})", 90)
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
