"""Files and environment variables that manifests name."""

from pathlib import Path

from controller.connectors.registry import installed_connectors
from controller.manifests.reader import read_manifests

MANIFEST = """\
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec:
  dnsName: corp.example.com
  directory:
    url: ldaps://dc1.corp.example.com
    caFile: ca.pem
    bind: {user: svc, passwordFrom: {env: CORP_PASSWORD}}
    baseDN: DC=corp
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: OTHER}
spec: {dnsName: other.example.com}
---
apiVersion: pwsync/v1
kind: AdapterGroup
metadata: {name: any}
"""


ADAPTERS = """\
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: host}
spec:
  connector:
    type: unix
    host: unix.example.com
    user: pwsync
    privateKeyFrom: {file: id}
    knownHosts: hosts
    command: [sudo, /usr/sbin/chpasswd]  # of that host
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: program}
spec:
  connector:
    type: exec
    command: [/opt/set-password, --force]
"""


def test_files_of_keys_and_programs_are_found_too(tmp_path: Path) -> None:
    manifest = tmp_path / "m.yaml"
    manifest.write_text(ADAPTERS)

    found = read_manifests([str(manifest)], installed_connectors()).outside

    assert [(o.field, str(o.reference)) for o in found] == [
        ("spec.connector.knownHosts", f"file {tmp_path / 'hosts'}"),
        ("spec.connector.privateKeyFrom", f"file {tmp_path / 'id'}"),
        ("spec.connector.command", "file /opt/set-password"),
    ]


def test_what_a_directory_names_is_found_with_its_place(tmp_path: Path) -> None:
    manifest = tmp_path / "m.yaml"
    manifest.write_text(MANIFEST)

    found = read_manifests([str(manifest)], installed_connectors()).outside

    assert [(o.place.line, o.field, str(o.reference)) for o in found] == [
        (8, "spec.directory.caFile", f"file {tmp_path / 'ca.pem'}"),
        (9, "spec.directory.bind.passwordFrom", "environment variable CORP_PASSWORD"),
    ]
