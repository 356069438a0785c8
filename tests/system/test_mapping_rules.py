"""Mapping rules from the command line, against a real OpenLDAP that stands for the directory of a domain."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.slapd import SlapdServer
from tests.unit.cli.console import Console

pytestmark = pytest.mark.system

MANIFESTS = """\
{{apiVersion: pwsync/v1, kind: System, metadata: {{name: default}}, spec: {{fromWindowsToAdapters: true}}}}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {{name: CORP}}
spec:
  dnsName: corp.example.com
  directory:
    url: {slapd.ldaps_url}
    caFile: {slapd.ca_file}
    bind: {{user: "{slapd.service_dn}", passwordFrom: {{env: RULES_BIND}}}}
    baseDN: {slapd.base_dn}
---
{{apiVersion: pwsync/v1, kind: Application, metadata: {{name: PAYROLL}}}}
---
apiVersion: pwsync/v1
kind: MappingRule
metadata: {{name: staff}}
spec:
  application: PAYROLL
  domain: CORP
  match: {{baseDN: "{unit}", filter: "(employeeNumber=*)"}}
  windowsAccount: {{attribute: uid}}
  externalAccount: {{attribute: employeeNumber, case: upper}}
"""


def test_a_rule_maps_whom_openldap_tells_and_a_person_sees_why(
    slapd: SlapdServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_name: Callable[[str], str]
) -> None:
    unit = f"ou={fresh_name('unit')},{slapd.base_dn}"
    slapd.add(f"dn: {unit}\nobjectClass: organizationalUnit\n")
    _add(slapd, unit, "ada", "k1")
    monkeypatch.setenv("RULES_BIND", slapd.service_password)
    monkeypatch.chdir(tmp_path)
    console = Console(tmp_path)
    console.write("manifests/all.yaml", MANIFESTS.format(slapd=slapd, unit=unit))
    assert "+ Mapping PAYROLL: CORP\\ada <-> K1 (by MappingRule/staff)" in console.expect(0, "plan").out
    simulated = ("simulate", "windows", "CORP\\ada", "manifests")
    assert "PAYROLL/CORP\\ada" in console.expect(0, *simulated, "--online").out
    offline = json.loads(console.expect(0, *simulated, "-o", "json").out)
    assert offline["warnings"] == ["MappingRule/staff: whom it maps is not known; --online asks its directory"]
    assert offline["fates"] == []
    console.expect(0, "apply", "--yes")
    assert "Declared by: MappingRule/staff" in console.expect(0, "describe", "mapping", "PAYROLL/CORP\\ada").out
    assert "Nothing to do" in console.expect(0, "plan").out
    _add(slapd, unit, "bea", "k1")
    console.expect(0, "run", "--once")
    shown = console.expect(0, "describe", "mappingrule", "staff").out
    assert "CORP\\ada and CORP\\bea would have the same external account K1" in shown
    assert "PAYROLL" in console.expect(0, "get", "mappingrules").out
    slapd.modify(f"dn: uid=bea,{unit}\nchangetype: delete\n\ndn: uid=ada,{unit}\nchangetype: delete\n")
    assert "finds no account at all" in console.expect(1, "apply", "--yes").err
    monkeypatch.setenv("RULES_BIND", "wrong")
    assert "MappingRule/staff: " in console.expect(0, "plan").out
    assert "Warning: MappingRule/staff: " in console.expect(0, *simulated, "--online").out
    assert "Plan:" not in console.expect(0, "plan").out


def _add(slapd: SlapdServer, unit: str, uid: str, number: str) -> None:
    slapd.add(f"dn: uid={uid},{unit}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: p\nsn: p\nemployeeNumber: {number}\n")
