"""Users user0, user1, ... of CORP, all mapped on one adapter to accounts of the same names: for tests under load."""

import textwrap
from pathlib import Path

import bcrypt
import httpx

from controller.model.delivery import OPEN_STATES
from controller.ports.changes import ChangeQuery
from controller.ports.deliveries import DeliveryQuery
from controller.ports.store import Store

MANIFEST = """\
apiVersion: pwsync/v1
kind: System
metadata: {name: default}
spec: {fromWindowsToAdapters: true}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec: {dnsName: corp.example.com, sources: [{principal: dc1}]}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: target}
spec:
  syncToAdapter: true
  notifications: {retryCount: 5, retryDelay: 1s, maxPending: 4}
  connector:
CONNECTOR
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: STAFF}
spec: {adapter: target}
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {name: staff}
spec:
  application: STAFF
  domain: CORP
  mappings: [MAPPINGS]
"""
HTPASSWD = "{type: htpasswd, file: staff.htpasswd, cost: 4}"


def names_of(count: int) -> list[str]:
    """Names of the users, without their domain."""
    return [f"user{number}" for number in range(count)]


def declare_staff(manifests: Path, count: int, connector: str = HTPASSWD) -> None:
    """Write the manifest, and the htpasswd file with no password in it when that is the *connector* (YAML)."""
    manifests.mkdir(parents=True)
    mappings = ", ".join(f"{{windows: {name}, external: {name}}}" for name in names_of(count))
    declared = textwrap.indent(textwrap.dedent(connector), "    ")
    (manifests / "all.yaml").write_text(MANIFEST.replace("CONNECTOR", declared).replace("MAPPINGS", mappings))
    if connector == HTPASSWD:
        (manifests / "staff.htpasswd").write_text("".join(f"{name}:x\n" for name in names_of(count)))


def has_in_htpasswd(manifests: Path, name: str, password: str) -> bool:
    """Whether the htpasswd file really has this password."""
    hashes = dict(line.split(":", 1) for line in (manifests / "staff.htpasswd").read_text().split())
    return bcrypt.checkpw(password.encode(), hashes[name].encode())


def report(client: httpx.Client, name: str, password: str) -> httpx.Response:
    """Report a Windows change, as a domain controller does."""
    return client.post("/v1/domains/CORP/changes", json={"account": f"CORP\\{name}", "password": password})


def is_quiet(store: Store) -> bool:
    """Whether every accepted change and every delivery has ended."""
    with store.read() as tx:
        waiting = [d for state in OPEN_STATES for d in tx.deliveries.find(DeliveryQuery(state=state, limit=1))]
        return not waiting and not tx.changes.find(ChangeQuery(state="accepted", limit=1))
