"""Mapping provisioning by rule (behaviours section 11): create, delete, deleteAll, and what is declared beside it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from controller.manifests.reader import read_manifests
from controller.model.rule_reading import FoundAccount
from controller.ports.store import Store
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.rule_reading import RuleReader
from controller.store.opening import open_store
from tests.doubles.audited import audited
from tests.doubles.memory import MemoryAccounts
from tests.unit.manifests.catalogue import FakeCatalogue

BASE = """\
{apiVersion: pwsync/v1, kind: System, metadata: {name: default}, spec: {}}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec:
  dnsName: corp.example.com
  directory: {url: ldaps://dc1, bind: {user: u, passwordFrom: {env: E}}, baseDN: dc=x}
---
{apiVersion: pwsync/v1, kind: Application, metadata: {name: A}, spec: {}}
---
{apiVersion: pwsync/v1, kind: Application, metadata: {name: B}, spec: {}}
---
{apiVersion: pwsync/v1, kind: Mapping, metadata: {name: zoe}, spec: {application: B, windowsAccount: 'CORP\\zoe',
externalAccount: zoe}}
---
"""
RULE = """\
apiVersion: pwsync/v1
kind: MappingRule
metadata: {{name: r}}
spec:
  application: A
  domain: CORP
  externalAccount: {{attribute: employeeID, case: upper}}
  create: {create}
  delete: {delete}
  deleteAll: {all}
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = audited(open_store(f"sqlite:///{tmp_path}/pwsync.db"))
    yield opened
    opened.close()


@pytest.fixture
def directory() -> MemoryAccounts:
    """The domain's directory: five people of whom all have an employee number, and zoe."""
    people = {name.encode(): FoundAccount(name, (f"{name}1",)) for name in ("ann", "ben", "cem", "dua", "eva")}
    return MemoryAccounts(people, others={"zoe"})


def reconcile(
    store: Store, directory: MemoryAccounts, *, create: str = "true", delete: str = "true", all_: str = "false"
) -> list[str]:
    """Reconcile with a rule, and tell the mappings that there are then."""
    manifests = BASE + RULE.format(create=create, delete=delete, all=all_)
    state = read_manifests(["-"], FakeCatalogue(), stdin=manifests).state
    rules = RuleReader(lambda *_: directory, timedelta(seconds=10))
    Reconciler(store, lambda: (state, []), rules=rules).reconcile()
    with store.read() as tx:
        return [f"{m.windows.name}={m.external}" for m in tx.mappings.scan()]


FIVE = ["ann=ANN1", "ben=BEN1", "cem=CEM1", "dua=DUA1", "eva=EVA1"]


def test_provisioning_creates_and_deletes_mappings_by_rule(store: Store, directory: MemoryAccounts) -> None:
    assert reconcile(store, directory) == [*FIVE, "zoe=zoe"]
    del directory.accounts[b"ann"]
    assert reconcile(store, directory) == [*FIVE[1:], "zoe=zoe"]


def test_provisioning_without_delete_leaves_what_is_there(store: Store, directory: MemoryAccounts) -> None:
    reconcile(store, directory)
    del directory.accounts[b"ann"]
    assert reconcile(store, directory, delete="false") == [*FIVE, "zoe=zoe"]


def test_provisioning_without_create_makes_nothing_new(store: Store, directory: MemoryAccounts) -> None:
    reconcile(store, directory)
    directory.accounts[b"fay"] = FoundAccount("fay", ("f",))
    assert reconcile(store, directory, create="false") == [*FIVE, "zoe=zoe"]


def test_provisioning_with_delete_all_removes_every_mapping_of_a_deleted_identity(
    store: Store, directory: MemoryAccounts
) -> None:
    reconcile(store, directory, all_="true")
    directory.others = set()
    assert reconcile(store, directory) == [*FIVE, "zoe=zoe"]
    assert reconcile(store, directory, all_="true") == FIVE
