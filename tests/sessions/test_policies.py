"""The policy of a real directory: found out by the controller, used by plan and simulate, asked anew on request."""

import json
from typing import Any

import pytest

from tests.servers.slapd import DEFAULT_POLICY_DN, SlapdServer
from tests.sessions.shell import Result, Shell

pytestmark = pytest.mark.system
ALICE = r"CORP\alice"
MANIFESTS = """\
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
kind: PasswordFilter
metadata: {{name: short}}
spec: {{rules: {rules}}}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {{name: people}}
spec:
  syncToAdapter: true
  filter: short
  connector:
    type: ldap
    url: {slapd.ldaps_url}
    caFile: {slapd.ca_file}
    bind: {{user: "{slapd.service_dn}", passwordFrom: {{env: BIND_PASSWORD}}}}
    accountDN: "uid={{account}},{slapd.people_dn}"
    policyDN: "{policy}"
---
apiVersion: pwsync/v1
kind: Application
metadata: {{name: PEOPLE}}
spec: {{type: individual, adapter: people}}
---
apiVersion: pwsync/v1
kind: Mapping
spec: {{application: PEOPLE, windowsAccount: 'CORP\\alice', externalAccount: alice}}
"""


def declare(shell: Shell, slapd: SlapdServer, rules: str, policy: str = DEFAULT_POLICY_DN) -> None:
    """Write manifests with one adapter for the directory."""
    text = MANIFESTS.format(rules=rules, slapd=slapd, policy=policy)
    shell.write("manifests/all.yaml", text)
    shell.variables["BIND_PASSWORD"] = slapd.service_password


def policies(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.out)["policies"]
    return found


def test_a_plan_uses_what_the_controller_found_out_and_is_held(shell: Shell, own_slapd: SlapdServer) -> None:
    declare(shell, own_slapd, "tr/9/")
    shell.expect(0, "apply", "--yes")
    shell.expect(0, "run", "--once")
    assert "Warning" not in shell.expect(0, "plan").out
    declare(shell, own_slapd, "rc/3/aei/tr/9/")
    warned = shell.expect(0, "plan").out
    assert "PasswordFilter/short makes passwords that the policy of the target of Adapter/people refuses, of " in warned
    assert f"(policy {DEFAULT_POLICY_DN}, read 20" in warned
    declare(shell, own_slapd, "tr/1/")  # one character has four bytes at most
    own_slapd.process.stop()
    held = shell.expect(1, "apply", "--yes")
    assert (
        "Held: PasswordFilter/short leaves Adapter/people no password that the policy of its target takes" in held.out
    )
    assert "change PasswordFilter/short: pad, for example with pe/8/0/" in held.out
    assert "no password" in shell.expect(1, "run", "--once").out


def test_a_simulation_names_the_policy_and_its_verdict_and_never_the_sample(shell: Shell, slapd: SlapdServer) -> None:
    slapd.add_person("alice")
    declare(shell, slapd, "rc/1/#/")
    command = ("simulate", "windows", ALICE, "manifests", "--online", "--password-sample")
    refused = shell.expect(0, *command, stdin="##Sample\n").out
    assert f"people:alice: at least 8 bytes (UTF-8) ({DEFAULT_POLICY_DN}, read 20" in refused
    assert "the sample is refused: it is shorter than the 8 bytes (UTF-8) that the target asks for" in refused
    assert "parked" in refused
    taken = shell.expect(0, *command, stdin="##Sample-7\n").out
    assert "the sample is taken" in taken
    assert "ample\n" not in shell.transcript
    assert "Sample-7" not in shell.transcript


def test_what_was_asked_for_last_is_used_until_it_is_asked_for_anew(shell: Shell, slapd: SlapdServer) -> None:
    declare(shell, slapd, "uc/")
    shell.expect(0, "apply", "--yes")
    offline = ("simulate", "windows", ALICE, "-o", "json")
    (unasked,) = policies(shell.expect(0, *offline))
    assert (unasked["state"], unasked["isTaken"]) == ("notAsked", None)
    shell.expect(0, "run", "--once")
    (known,) = policies(shell.expect(0, *offline))
    assert (known["state"], known["source"], known["isTaken"]) == ("known", DEFAULT_POLICY_DN, True)
    assert known["limits"] == ["at least 8 bytes (UTF-8)"]


def test_a_policy_that_cannot_be_found_out_is_not_taken_for_none(shell: Shell, slapd: SlapdServer) -> None:
    declare(shell, slapd, "uc/", policy=f"cn=gone,{slapd.base_dn}")
    shell.expect(0, "apply", "--yes")
    shell.expect(0, "run", "--once")
    assert (
        "the password policy of the target of Adapter/people could not be found out 20" in shell.expect(0, "plan").out
    )
    (unknown,) = policies(shell.expect(0, "simulate", "windows", ALICE, "-o", "json"))
    assert (unknown["state"], unknown["isTaken"]) == ("unknown", None)
    assert "policyDN" in unknown["problem"]
    assert "could not be found out" in shell.expect(0, "simulate", "windows", ALICE).out
    assert "policyUnknown" in shell.expect(0, "get", "events").out
