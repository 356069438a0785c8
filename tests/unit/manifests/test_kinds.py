"""Specs and model objects: equal defaults, filters in all their forms, export as the opposite of compiling."""

from collections.abc import Sequence
from datetime import timedelta
from textwrap import dedent
from typing import Any

import pytest

from controller.manifests.export import dump_yaml, export_mapping, export_mappings, export_resource, export_state
from controller.manifests.reader import read_manifests
from controller.model.accounts import WindowsAccount
from controller.model.duration import format_duration
from controller.model.errors import InvalidInput
from controller.model.filters import Case, Pad, PasswordFilter, Remove, Rule, Substitute, Truncate
from controller.model.topology import (
    Adapter,
    AdapterGroup,
    Application,
    ConnectorSpec,
    CredentialField,
    Domain,
    Key,
    Kind,
    Mapping,
    MappingRule,
    Resource,
    Spec,
    System,
)
from controller.planning.state import State
from tests.unit.manifests.catalogue import FakeCatalogue


def read(text: str) -> State:
    return read_manifests(["-"], FakeCatalogue(), stdin=text).state


def spec_of(kind: Kind, spec: str, name: str = "X") -> Spec:
    text = f"apiVersion: pwsync/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{spec}\n"
    return read(text).resources[Key(kind, name)].spec


RULED = """---
apiVersion: pwsync/v1
kind: Application
metadata: {name: A}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec:
  dnsName: x
  directory: {url: ldaps://dc1, bind: {user: u, passwordFrom: {env: E}}, baseDN: dc=x}
"""
SMALLEST: list[tuple[Kind, str, str, Spec]] = [
    (Kind.SYSTEM, "default", "", System()),
    (Kind.DOMAIN, "X", "spec: {dnsName: x}", Domain("x")),
    (Kind.PASSWORD_FILTER, "X", "", PasswordFilter()),
    (Kind.ADAPTER_GROUP, "X", "", AdapterGroup()),
    (Kind.ADAPTER, "X", "spec: {connector: {type: remote}}", Adapter(ConnectorSpec("remote"))),
    (Kind.APPLICATION, "X", "", Application()),
    (
        Kind.MAPPING_RULE,
        "X",
        "spec: {application: A, domain: CORP, externalAccount: {attribute: employeeID}}\n" + RULED,
        MappingRule("A", "CORP", "employeeID"),
    ),
]


@pytest.mark.parametrize(("kind", "name", "spec", "expected"), SMALLEST)
def test_the_defaults_of_manifests_are_those_of_the_model(kind: Kind, name: str, spec: str, expected: Spec) -> None:
    assert spec_of(kind, spec, name) == expected


@pytest.mark.parametrize(("kind", "name", "spec", "expected"), SMALLEST)
def test_defaults_are_left_out_of_an_export(kind: Kind, name: str, spec: str, expected: Spec) -> None:
    document = export_resource(Resource(kind, name, expected))
    written: dict[str, Any] = {"apiVersion": "pwsync/v1", "kind": str(kind), "metadata": {"name": name}}
    match kind:
        case Kind.DOMAIN:
            written["spec"] = {"dnsName": "x"}
        case Kind.ADAPTER:
            written["spec"] = {"connector": {"type": "remote"}}
        case Kind.MAPPING_RULE:
            written["spec"] = {
                "application": "A",
                "domain": "CORP",
                "externalAccount": {"attribute": "employeeID"},
            }
        case Kind.PASSWORD_FILTER:
            written["spec"] = {"rules": "dc/"}
        case _:
            assert not spec
    assert document == written


@pytest.mark.parametrize(
    ("spec", "rules"),
    [
        ("spec: {rules: ''}", []),
        ("spec: {rules: dc/}", []),
        ("spec: {rules: 'uc/rc/2/#@/tr/8/'}", [Case("upper"), Remove("#@"), Truncate(8)]),
        ("spec: {truncate: 8, remove: '#@', case: upper}", [Case("upper"), Remove("#@"), Truncate(8)]),
        ("spec: {rules: {case: lower, substitute: {a: b, c: '1'}}}", [Case("lower"), Substitute("ac", "b1")]),
        (
            (
                "spec: {rules: [{truncate: 4}, "
                "{padStart: {length: 8, character: '#'}}, {padEnd: {length: 9, character: z}}]}"
            ),
            [Truncate(4), Pad("start", 8, "#"), Pad("end", 9, "z")],
        ),
        ("spec: {rules: []}", []),
    ],
)
def test_a_filter_has_several_forms(spec: str, rules: Sequence[Rule]) -> None:
    assert spec_of(Kind.PASSWORD_FILTER, spec) == PasswordFilter(tuple(rules))


def test_a_filter_is_exported_in_the_notation_of_the_reference_system() -> None:
    rules = (
        Case("lower"),
        Case("upper"),
        Substitute("ab", "//"),
        Pad("start", 8, "/"),
        Pad("end", 9, "é"),
        Truncate(3),
    )
    document = export_resource(Resource(Kind.PASSWORD_FILTER, "X", PasswordFilter(rules)))
    assert document["spec"] == {"rules": "lc/uc/sc/2/ab////ps/8///pe/9/é/tr/3/"}


def test_labels_and_annotations_are_kept() -> None:
    text = "apiVersion: pwsync/v1\nkind: AdapterGroup\nmetadata: {name: X, labels: {a: b}, annotations: {c/d: e}}\n"
    (resource,) = read(text).resources.values()
    assert (resource.labels, resource.annotations) == ({"a": "b"}, {"c/d": "e"})
    assert export_resource(resource)["metadata"] == {"name": "X", "labels": {"a": "b"}, "annotations": {"c/d": "e"}}


def test_an_application_keeps_its_own_fields() -> None:
    spec = "spec: {adapter: null, fields: [{label: User}, {label: PIN, masked: true}, {label: Key, sync: true}]}"
    found = spec_of(Kind.APPLICATION, spec)
    fields = (CredentialField("User"), CredentialField("PIN", masked=True), CredentialField("Key", sync=True))
    assert found == Application(fields=fields)


def test_an_application_that_takes_no_part_in_password_sync_may_have_any_fields() -> None:
    found = spec_of(Kind.APPLICATION, "spec: {fields: [{label: User}]}")
    assert found == Application(fields=(CredentialField("User"),))


BOB, CAROL = WindowsAccount("CORP", "bob"), WindowsAccount("CORP", "carol")


@pytest.mark.parametrize(
    ("origin", "metadata"),
    [
        ("Mapping/bob-a", {"metadata": {"name": "bob-a"}}),
        ("Mapping/A/CORP\\bob", {}),
        ("MappingRule/x", {}),
        ("", {}),
    ],
)
def test_the_name_of_a_mapping_is_exported_unless_it_was_derived(origin: str, metadata: dict[str, Any]) -> None:
    assert export_mapping(Mapping("A", BOB, "B", True, origin)) == {
        "apiVersion": "pwsync/v1",
        "kind": "Mapping",
        **metadata,
        "spec": {"application": "A", "windowsAccount": "CORP\\bob", "externalAccount": "B"},
    }


def test_the_mappings_of_a_set_are_exported_together() -> None:
    mappings = [
        Mapping("A", BOB, "B", True, "MappingSet/s"),
        Mapping("A", CAROL, "C", False, "MappingSet/s"),
        Mapping("B", BOB, "B", False, "Mapping/m"),
        Mapping("B", CAROL, "C", True, "MappingSet/t"),
    ]
    single, first, second = export_mappings(mappings)
    assert (single["metadata"], single["spec"]["enabled"]) == ({"name": "m"}, False)
    assert first == {
        "apiVersion": "pwsync/v1",
        "kind": "MappingSet",
        "metadata": {"name": "s"},
        "spec": {
            "application": "A",
            "domain": "CORP",
            "mappings": [{"windows": "bob", "external": "B"}, {"windows": "carol", "external": "C", "enabled": False}],
        },
    }
    assert second["metadata"] == {"name": "t"}


def test_yaml_is_written_for_people_and_quotes_what_would_not_be_text() -> None:
    group = Resource(Kind.ADAPTER_GROUP, "X", AdapterGroup("NO", "0123"), labels={"1e5": "12:30", "on": "é"})
    state = State({group.key: group}, (Mapping("A", BOB, "0o17"),))
    assert dump_yaml(export_state(state)) == dedent("""\
        ---
        apiVersion: pwsync/v1
        kind: AdapterGroup
        metadata:
          name: X
          labels:
            '1e5': '12:30'
            'on': é
        spec:
          description: 'NO'
          computer: '0123'
        ---
        apiVersion: pwsync/v1
        kind: Mapping
        spec:
          application: A
          windowsAccount: CORP\\bob
          externalAccount: '0o17'
        """)


def test_shared_parts_are_written_out_instead_of_aliased() -> None:
    shared = {"a": ["b"]}
    assert dump_yaml([{"x": shared, "y": shared}]) == "---\nx:\n  a:\n  - b\ny:\n  a:\n  - b\n"


@pytest.mark.parametrize("duration", [timedelta(seconds=-1), timedelta(milliseconds=1500)])
def test_a_duration_that_has_no_notation_is_refused(duration: timedelta) -> None:
    with pytest.raises(InvalidInput, match="seconds cannot be written in a manifest"):
        format_duration(duration)
