"""A session with an application of each type: validate, plan, apply, look, set credentials, change, nothing to do."""

import json

from tests.sessions.shell import Shell

NOTHING = "Nothing to do: the actual state is as declared.\n"
MANIFEST = """\
apiVersion: pwsync/v1
kind: System
metadata: {name: default}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec: {dnsName: corp.example.com}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: PAYROLL}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: KIOSK}
spec: {type: group}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: ORDERS}
spec: {type: hostGroup}
---
apiVersion: pwsync/v1
kind: Mapping
spec: {application: PAYROLL, windowsAccount: 'CORP\\alice', externalAccount: ALICE1}
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {name: kiosk-staff}
spec:
  application: KIOSK
  domain: CORP
  mappings: [{windows: alice, external: KIOSK1}, {windows: bob, external: KIOSK1}]
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {name: order-clerks}
spec: {application: ORDERS, domain: CORP, csvFile: clerks.csv}
"""
CLERKS = "windows,external\nsvc-orders,CLERK1\nsvc-orders,CLERK2\nsvc-orders,CLERK3\n"


def declare(shell: Shell, manifest: str = MANIFEST, clerks: str = CLERKS) -> None:
    """Write the manifests."""
    shell.write("manifests/all.yaml", manifest)
    shell.write("manifests/clerks.csv", clerks)


def test_applications_of_all_types_from_their_manifests_to_their_credentials(shell: Shell) -> None:
    declare(shell)
    shell.expect(0, "validate")
    planned = shell.expect(0, "plan").out
    assert r"+ Mapping KIOSK: CORP\bob <-> KIOSK1" in planned
    assert r"+ Mapping ORDERS: CORP\svc-orders <-> CLERK2" in planned
    assert "Plan: 11 to create" in planned
    shell.expect(0, "apply", "--yes")
    assert shell.expect(0, "plan").out == NOTHING
    listed = json.loads(shell.expect(0, "get", "mappings", "-o", "json", "--account", r"CORP\svc-orders").out)
    assert [item["spec"]["externalAccount"] for item in listed["items"]] == ["CLERK1", "CLERK2", "CLERK3"]
    for clerk in ("CLERK1", "CLERK2"):
        stored = shell.expect(0, "credentials", "set", "ORDERS", clerk, stdin=f"of-{clerk}\n").err
        assert "The password was stored." in stored
    for clerk in ("CLERK1", "CLERK2"):
        assert shell.expect(0, "credentials", "show", "ORDERS", clerk, "--reveal").out == f"of-{clerk}\n"
    assert (
        "No password is stored for CLERK3" in shell.expect(1, "credentials", "show", "ORDERS", "CLERK3", "--reveal").err
    )
    shell.expect(0, "credentials", "set", "KIOSK", r"CORP\alice", stdin="of-all\n")
    assert shell.expect(0, "credentials", "show", "KIOSK", r"CORP\bob", "--reveal").out == "of-all\n"


def test_an_account_that_does_not_say_which_mapping_is_refused_with_those_there_are(shell: Shell) -> None:
    declare(shell)
    shell.expect(0, "apply", "--yes")
    several = r"'CORP\\svc-orders' is mapped to several external accounts (CLERK1, CLERK2, CLERK3)"
    assert several in shell.expect(1, "credentials", "show", "ORDERS", r"CORP\svc-orders").err
    unclear = shell.expect(1, "describe", "mapping", r"ORDERS/CORP\svc-orders").err
    assert r"ORDERS/CORP\svc-orders is mapped several times" in unclear
    assert r"add the external account: ORDERS/CORP\svc-orders/CLERK1" in unclear
    assert "there is no Mapping NONE" in shell.expect(1, "describe", "mapping", "NONE").err
    clerk = shell.expect(0, "describe", "mapping", r"ORDERS/CORP\svc-orders/CLERK2").out
    assert "Sync:        Synced" in clerk
    assert "externalAccount: CLERK2" in clerk
    assert "CLERK1" not in clerk
    assert "ALICE1" in shell.expect(0, "describe", "mapping", r"PAYROLL/CORP\alice").out


def test_changes_of_each_type_are_planned_as_what_they_are(shell: Shell) -> None:
    declare(shell)
    shell.expect(0, "apply", "--yes")
    shell.expect(0, "credentials", "set", "ORDERS", "CLERK2", stdin="of-CLERK2\n")
    declare(shell, MANIFEST.replace("ALICE1", "ALICE2").replace("KIOSK1", "KIOSK2"), CLERKS.replace("CLERK1", "CLERK4"))
    planned = shell.expect(0, "plan").out
    assert "-/+ Mapping PAYROLL: CORP\\alice <-> ALICE2\n      external: ALICE1 -> ALICE2\n" in planned
    assert planned.count("external: KIOSK1 -> KIOSK2") == 2
    assert "  + Mapping ORDERS: CORP\\svc-orders <-> CLERK4\n" in planned
    assert "  - Mapping ORDERS: CORP\\svc-orders <-> CLERK1\n" in planned
    assert "Plan: 1 to create, 0 to update, 3 to replace, 1 to prune." in planned
    shell.expect(0, "apply", "--yes")
    assert shell.expect(0, "plan").out == NOTHING
    assert shell.expect(0, "credentials", "show", "ORDERS", "CLERK2", "--reveal").out == "of-CLERK2\n"


def test_what_does_not_fit_to_its_type_is_refused_with_both_places(shell: Shell) -> None:
    declare(shell, MANIFEST.replace("{windows: bob, external: KIOSK1}", "{windows: bob, external: KIOSK2}"))
    shell.write("manifests/clerks.csv", f"{CLERKS}svc-orders,CLERK1\nother,CLERK5\n")
    told = shell.expect(1, "validate").err
    assert "group application KIOSK has a second external account 'KIOSK2', the first is at manifests/all.yaml:" in told
    assert (
        "manifests/clerks.csv:5:1: external account 'CLERK1' is mapped twice in host group application ORDERS" in told
    )
    assert "first at manifests/clerks.csv:2:1" in told
    assert r"manifests/clerks.csv:6:1: host group application ORDERS has a second Windows account CORP\other" in told
