"""Differences of single fields, and how values are shown."""

from datetime import timedelta

import pytest

from controller.model.filters import Case, PasswordFilter, Remove, Truncate
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.topology import (
    Access,
    Adapter,
    ConnectorSpec,
    Domain,
    DomainDirectory,
    MappingRule,
    Resource,
    Source,
    System,
)
from controller.planning.encoding import encode_value
from controller.planning.fields import FieldChange, declared, differences, duration_text, show
from tests.doubles.topologies import adapter, mapping, resource, system


def _domain(url: str) -> Domain:
    bind = Bind(user="svc", password_from=SecretReference(env="BIND"))
    return Domain("corp.example.com", directory=DomainDirectory(LdapEndpoint(url=url, bind=bind), "DC=corp"))


def test_differences_have_the_paths_of_manifests() -> None:
    before = resource("default", System())
    after = resource("default", System(max_sync_age=timedelta(minutes=1), administrators=("ops",)))
    assert [str(d) for d in differences(before, after)] == ["maxSyncAge: 24h -> 1m", "administrators: [] -> [ops]"]


def test_levels_that_manifests_do_not_have_are_not_in_paths() -> None:
    before = resource("CORP", _domain("ldaps://one"))
    after = resource("CORP", _domain("ldaps://two"))
    assert [str(d) for d in differences(before, after)] == ["directory.url: ldaps://one -> ldaps://two"]
    assert dict(declared(before)) == {
        "dnsName": "corp.example.com",
        "directory.url": "ldaps://one",
        "directory.bind.user": "svc",
        "directory.bind.passwordFrom.env": "BIND",
        "directory.baseDN": "DC=corp",
    }


def test_fields_of_rules_have_the_names_of_manifests() -> None:
    before = resource("staff", MappingRule("PAYROLL", "CORP", "employeeID"))
    assert dict(declared(before)) == {
        "application": "PAYROLL",
        "domain": "CORP",
        "externalAccount.attribute": "employeeID",
    }
    after = resource(
        "staff",
        MappingRule("PAYROLL", "CORP", "uid", "OU=S", "(a=b)", "cn", "upper", "E.*", ("root",), delete_all=True),
    )
    assert [str(d) for d in differences(before, after)] == [
        "externalAccount.attribute: employeeID -> uid",
        "match.baseDN: (none) -> OU=S",
        "match.filter: (objectClass=*) -> (a=b)",
        "windowsAccount.attribute: sAMAccountName -> cn",
        "externalAccount.case: asIs -> upper",
        "externalAccount.allowed: (none) -> E.*",
        "externalAccount.exclude: [] -> [root]",
        "deleteAll: false -> true",
    ]


def test_connector_options_stand_beside_the_connector_type() -> None:
    before = resource("a", Adapter(ConnectorSpec("ldap", {"url": "ldaps://one", "search": {"filters": ["x"]}})))
    after = resource("a", Adapter(ConnectorSpec("ldap", {"url": "ldaps://one", "search": {"filters": ["y", 1]}})))
    assert [str(d) for d in differences(before, after)] == ["connector.search.filters: [x] -> [y, 1]"]


def test_an_absent_field_and_an_empty_one_are_told_apart_only_where_it_matters() -> None:
    before = resource("a", Adapter(ConnectorSpec("x", {"none": None, "flag": False, "list": []})))
    after = resource("a", Adapter(ConnectorSpec("x")))
    assert differences(before, after) == [FieldChange("connector.flag", False, None, has_default=True)]


def test_lists_of_objects_are_compared_item_by_item() -> None:
    before = resource("CORP", Domain("c", sources=(Source("dc1"),)))
    after = resource("CORP", Domain("c", sources=(Source("dc2"), Source("mim", "identityManager"))))
    assert [str(d) for d in differences(before, after)] == [
        "sources[0].principal: dc1 -> dc2",
        "sources[1].principal: (none) -> mim",
        "sources[1].type: (none) -> identityManager",
    ]
    first, *_ = differences(resource("CORP", Domain("c")), before)
    assert str(first) == "sources[0].principal: (none) -> dc1"


def test_labels_and_annotations_are_fields_too() -> None:
    before, after = adapter("a"), resource("a", adapter("a").spec, note="new")
    assert [str(d) for d in differences(before, after)] == ["annotations.note: (none) -> new"]


def test_only_what_is_not_at_its_default_is_declared() -> None:
    full = adapter("a", access=Access(users=("bob",)), enabled=True, group=None)
    assert declared(full) == [("connector.type", "remote"), ("access.users", ("bob",))]
    assert declared(system()) == []
    assert declared(resource("t8", PasswordFilter((Truncate(8),)))) == [("rules", "tr/8/")]
    assert declared(resource("none", PasswordFilter())) == []


def test_rules_of_a_filter_read_as_manifests_write_them() -> None:
    before, after = (resource("f", PasswordFilter(rules)) for rules in ((Case("upper"), Remove("#")), (Truncate(8),)))
    assert [str(d) for d in differences(before, after)] == ["rules: uc/rc/1/#/ -> tr/8/"]


def test_fields_of_mappings_are_compared() -> None:
    before, after = mapping("A", "alice", "A1", origin="Mapping/x"), mapping("A", "alice", "A2", enabled=False)
    assert [str(d) for d in differences(before, after)] == [
        "external: A1 -> A2",
        "enabled: true -> false",
        'origin: Mapping/x -> ""',
    ]
    assert ("windows", r"CORP\alice") in declared(before)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(none)"),
        (True, "true"),
        ("true", '"true"'),
        (5, "5"),
        (2.5, "2.5"),
        ("plain text", "plain text"),
        (" padded", '" padded"'),
        ("Größe, x", '"Größe, x"'),
        ("\x1b[31mred", r'"\u001b[31mred"'),
        (("a", "b"), "[a, b]"),
        (timedelta(hours=24), "24h"),
        ("postgresql://bob:hunter2@db/x", "postgresql://bob:***@db/x"),
    ],
)
def test_a_value_is_shown_in_one_line_of_plain_characters(value: str | None, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(days=2), "48h"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(milliseconds=500), "0.5s"),
        (timedelta(hours=1, seconds=20), "1h20s"),
        (timedelta(seconds=-1), "-1s"),
    ],
)
def test_durations_are_shown_as_manifests_write_them(duration: timedelta, text: str) -> None:
    assert duration_text(duration) == text


def test_what_no_specification_is_made_of_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON shape"):
        encode_value(object())
    with pytest.raises(TypeError, match="object cannot be shown"):
        differences(object(), object())  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("duration", "iso"), [(timedelta(days=1), "PT86400S"), (timedelta(microseconds=-1_000_001), "-PT1.000001S")]
)
def test_durations_in_json_are_iso_8601(duration: timedelta, iso: str) -> None:
    assert encode_value(duration) == iso


def test_a_connector_option_that_is_not_given_has_the_default_of_its_type() -> None:
    def of(type_: str, **options: object) -> Resource:
        return resource("racf", Adapter(ConnectorSpec(type_, options)))

    assert [str(d) for d in differences(of("ldap"), of("ldap", method="replace"))] == [
        "connector.method: (default) -> replace"
    ]
    assert [str(d) for d in differences(of("ldap", method="replace"), of("ldap"))] == [
        "connector.method: replace -> (default)"
    ]
    assert [str(d) for d in differences(of("sql", url="x"), of("ldap", method="replace"))] == [
        "connector.type: sql -> ldap",
        "connector.url: x -> (none)",
        "connector.method: (none) -> replace",
    ]
