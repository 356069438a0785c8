"""Users of applications, seen by an operator whose directory cannot be asked."""

import json

import pytest

from tests.unit.cli.console import Console

MANIFEST = r"""
apiVersion: pwsync/v1
kind: System
metadata: {name: default}
spec: {fromWindowsToAdapters: true}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec:
  dnsName: corp.example.com
  directory:
    url: ldaps://dc1.corp.example.com
    baseDN: DC=corp,DC=example,DC=com
    bind: {user: svc, passwordFrom: {env: NO_SUCH_PASSWORD}}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: wiki}
spec: {syncToAdapter: true, connector: {type: htpasswd, file: wiki.htpasswd}}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: WIKI}
spec: {adapter: wiki, access: {users: ['CORP\Staff', 'CORP\bob']}}
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {name: wiki}
spec:
  application: WIKI
  domain: CORP
  mappings: [{windows: alice, external: alice}, {windows: bob, external: bob}]
"""
NOT_SET = "environment variable NO_SUCH_PASSWORD is not set"


@pytest.fixture
def wiki(console: Console, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Staff and bob are the users of the wiki; the password of the service account is not there."""
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    console.write("wiki.yaml", MANIFEST)
    console.write("wiki.htpasswd", "alice:x\nbob:x\n")
    return console


def fates(console: Console, account: str) -> list[tuple[str, str]]:
    """Outcome and reason of each mapping, as simulate foretells them."""
    simulated = json.loads(console.expect(0, "simulate", "windows", account, "-o", "json").out)
    return [(fate["outcome"], fate["reason"]) for fate in simulated["fates"]]


def test_apply_warns_and_applies_and_plan_and_status_say_so_from_then_on(wiki: Console) -> None:
    assert "CORP\\staff" not in wiki.expect(0, "plan", "wiki.yaml").err
    applied = wiki.expect(0, "apply", "wiki.yaml", "--yes")
    assert f"Warning: users CORP\\staff: {NOT_SET}" in applied.err
    assert "created" in applied.out
    hint = "set it where the controller runs (the environment of its unit)"
    told = f"users CORP\\staff: {NOT_SET} ({hint}); it was never read"
    assert f"Warning: Application/WIKI: {told}" in wiki.expect(0, "plan", "wiki.yaml").out
    status = json.loads(wiki.expect(0, "status", "-o", "json").out)
    (application,) = (each for each in status["objects"] if each["kind"] == "Application")
    assert application["health"] == "Degraded"
    assert (application["conditions"][0]["reason"], application["conditions"][0]["type"]) == ("usersUnknown", "Healthy")
    assert told in application["conditions"][0]["message"]
    events = json.loads(wiki.expect(0, "get", "events", "-o", "json").out)["items"]
    assert {e["account"] for e in events if e["name"] == "windowsGroupUnread"} == {"CORP\\staff", "CORP\\bob"}
    assert f"Warning: users CORP\\staff: {NOT_SET}" in wiki.expect(0, "apply", "wiki.yaml", "--yes").err


def test_simulate_tells_who_is_a_user(wiki: Console) -> None:
    wiki.expect(0, "apply", "wiki.yaml", "--yes")
    assert fates(wiki, "CORP\\alice") == [("skipped", "applicationUsersUnknown")]
    assert fates(wiki, "CORP\\bob") == [("delivered", "")]
    wiki.alter_store("UPDATE windows_groups SET read_at = 0")
    assert fates(wiki, "CORP\\alice") == [("skipped", "notAnApplicationUser")]
    wiki.alter_store("INSERT INTO windows_group_members (name, windows_account) VALUES ('CORP\\staff', 'CORP\\alice')")
    assert fates(wiki, "CORP\\alice") == [("delivered", "")]
