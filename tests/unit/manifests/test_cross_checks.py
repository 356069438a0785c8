"""Objects against each other: references, duplicates, one-to-one mappings, and warnings."""

import pytest

from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from controller.model.accounts import WindowsAccount
from controller.model.topology import Application, Key, Kind
from tests.unit.manifests.catalogue import FakeCatalogue


def document(kind: str, name: str | None, spec: str = "{}") -> str:
    """Five lines, the last one a separator."""
    metadata = "{}" if name is None else f"{{name: {name}}}"
    return f"apiVersion: pwsync/v1\nkind: {kind}\nmetadata: {metadata}\nspec: {spec}\n---\n"


DOMAIN = document("Domain", "CORP", "{dnsName: corp.example.com}")
REMOTE = "connector: {type: remote}"


def errors(*documents: str) -> list[str]:
    with pytest.raises(ManifestErrors) as caught:
        read_manifests(["-"], FakeCatalogue(), stdin="".join(documents))
    return [str(problem).removeprefix("<stdin>:") for problem in caught.value.problems]


def warnings(*documents: str) -> list[str]:
    compiled = read_manifests(["-"], FakeCatalogue(), stdin="".join(documents))
    return [str(problem).removeprefix("<stdin>:") for problem in compiled.warnings]


def mapping(windows: str, external: str, name: str | None = None) -> str:
    return document("Mapping", name, f"{{application: A, windowsAccount: '{windows}', externalAccount: '{external}'}}")


def test_every_reference_must_lead_to_a_declared_object() -> None:
    assert errors(
        document("Adapter", "x", f"{{{REMOTE}, group: mainfram, filter: upper}}"),
        document("AdapterGroup", "mainframe"),
        document("Application", "A", "{adapter: y}"),
        document("Mapping", None, r"{application: B, windowsAccount: CROP\bob, externalAccount: BOB}"),
        document("MappingSet", "s", "{application: PAYROLL, domain: HR, mappings: []}"),
        DOMAIN,
    ) == [
        "4:42: spec.group: there is no AdapterGroup 'mainfram' (did you mean 'mainframe'?)",
        "4:60: spec.filter: there is no PasswordFilter 'upper' (declare it with kind: PasswordFilter)",
        "14:17: spec.adapter: there is no Adapter 'y' (there are: x)",
        "19:21: spec.application: there is no Application 'B' (there are: A)",
        "19:40: spec.windowsAccount: there is no Domain 'CROP' (did you mean 'CORP'?)",
        "24:21: spec.application: there is no Application 'PAYROLL' (there are: A)",
        "24:38: spec.domain: there is no Domain 'HR' (there are: CORP)",
    ]


def test_users_of_an_application_are_windows_accounts_or_groups_of_declared_domains() -> None:
    assert errors(
        DOMAIN, document("Application", "A", r"{access: {users: [CORP\staff, 'CROP\Payroll (users) #1']}}")
    ) == [r"9:37: spec.access.users: there is no Domain 'CROP' (did you mean 'CORP'?)"]
    assert errors(DOMAIN, document("Application", "A", r"{access: {users: [staff, 'CORP\a*', 'BUILTIN\Users']}}")) == [
        (
            r"9:25: spec.access.users[0]: 'staff' is not a Windows account or group "
            r"(write DOMAIN\user, for example CORP\alice)"
        ),
        (
            r"9:32: spec.access.users[1]: 'CORP\\a*' has a character that no Windows account or group name may have "
            r"(write DOMAIN\name, of an account or a group)"
        ),
        (
            r"9:43: spec.access.users[2]: 'BUILTIN\\Users' is a built-in account "
            r"(only ordinary domain accounts can be mapped)"
        ),
    ]


def test_users_of_an_application_have_one_spelling() -> None:
    text = DOMAIN + document("Application", "A", r"{access: {users: ['corp\Payroll-Users']}}")
    compiled = read_manifests(["-"], FakeCatalogue(), stdin=text)
    spec = compiled.state.resources[Key(Kind.APPLICATION, "A")].spec
    assert isinstance(spec, Application)
    assert (spec.access.users, spec.users) == (("CORP\\payroll-users",), (WindowsAccount("CORP", "payroll-users"),))


def test_long_lists_of_choices_are_shortened() -> None:
    groups = [document("AdapterGroup", f"g{number:02}") for number in range(25)]
    (problem,) = errors(*groups, document("Adapter", "a", f"{{{REMOTE}, group: zzz}}"))
    shown = ", ".join(f"g{number:02}" for number in range(20))
    assert problem == f"129:42: spec.group: there is no AdapterGroup 'zzz' (there are: {shown} and 5 more)"


def test_an_object_is_declared_once() -> None:
    assert errors(
        document("AdapterGroup", "x"),
        document("AdapterGroup", "x"),
        document("System", "default"),
        document("System", "default"),
        document("Adapter", "x", f"{{{REMOTE}}}"),
        document("AdapterGroup", "x"),
    ) == [
        "8:18: AdapterGroup/x is declared twice, first at <stdin>:3:18 (remove one of them)",
        "18:18: System/default is declared twice, first at <stdin>:13:18 (remove one of them)",
        "28:18: AdapterGroup/x is declared twice, first at <stdin>:3:18 (remove one of them)",
    ]


def test_mappings_are_objects_too() -> None:
    assert errors(
        DOMAIN,
        document("Application", "A"),
        mapping(r"CORP\a", "A1", "m"),
        mapping(r"CORP\b", "B1", "m"),
    ) == ["18:18: Mapping/m is declared twice, first at <stdin>:13:18 (remove one of them)"]


@pytest.mark.parametrize("kind", ["individual", "group"])
def test_a_windows_account_is_mapped_once_in_an_application(kind: str) -> None:
    assert errors(
        DOMAIN,
        document("Application", "A", f"{{type: {kind}}}"),
        mapping(r"CORP\bob", "B1"),
        mapping(r"corp\BOB", "B2"),
    ) == [r"19:40: CORP\bob is mapped twice in application A, first at <stdin>:14:40 (remove one of the two mappings)"]


def test_an_individual_application_maps_one_to_one() -> None:
    entries = "{application: A, domain: CORP, mappings: [{windows: a, external: X}, {windows: b, external: Y}]}"
    found = errors(DOMAIN, document("Application", "A"), document("MappingSet", "s", entries), mapping(r"CORP\c", "Y"))
    assert found == [
        (
            "19:40: external account 'Y' of application A is mapped to a second Windows account, "
            "first at <stdin>:14:76 "
            "(an individual application maps accounts one to one, both ways; type: group lets accounts share one)"
        )
    ]


def test_external_accounts_are_compared_exactly_and_per_application() -> None:
    other = r"{application: B, windowsAccount: CORP\a, externalAccount: Y}"
    assert not errors_or_none(
        DOMAIN,
        document("Application", "A"),
        document("Application", "B"),
        mapping(r"CORP\a", "Y"),
        mapping(r"CORP\b", "y"),
        document("Mapping", None, other),
    )


def errors_or_none(*documents: str) -> str:
    try:
        read_manifests(["-"], FakeCatalogue(), stdin="".join(documents))
    except ManifestErrors as error:
        return str(error)
    return ""


def test_accounts_of_a_group_application_may_share_an_external_account() -> None:
    application = document("Application", "A", "{type: group}")
    assert not errors_or_none(DOMAIN, application, mapping(r"CORP\a", "Y"), mapping(r"CORP\b", "Y"))


def test_a_group_application_has_one_external_account() -> None:
    application = document("Application", "A", "{type: group}")
    assert errors(DOMAIN, application, mapping(r"CORP\a", "Y"), mapping(r"CORP\b", "Y"), mapping(r"CORP\c", "Z")) == [
        (
            "24:40: group application A has a second external account 'Z', the first is at <stdin>:14:40 "
            "(the Windows accounts of a group application share one; type: individual gives each its own)"
        )
    ]


def test_a_host_group_application_maps_many_external_accounts_each_once() -> None:
    application = document("Application", "A", "{type: hostGroup}")
    assert not errors_or_none(DOMAIN, application, mapping(r"CORP\a", "X"), mapping(r"CORP\A", "Y"))
    assert errors(DOMAIN, application, mapping(r"CORP\a", "X"), mapping(r"CORP\a", "X")) == [
        (
            "19:40: external account 'X' is mapped twice in host group application A, first at <stdin>:14:40 "
            "(remove one of the two mappings)"
        )
    ]


def test_a_host_group_application_has_one_windows_account() -> None:
    application = document("Application", "A", "{type: hostGroup}")
    assert not errors_or_none(DOMAIN, application, mapping(r"CORP\a", "X"))
    assert errors(DOMAIN, application, mapping(r"CORP\a", "X"), mapping(r"CORP\b", "Y")) == [
        (
            r"19:40: host group application A has a second Windows account CORP\b, the first is at <stdin>:14:40 "
            "(a host group application has one Windows account)"
        )
    ]


def test_mappings_of_an_application_with_a_mistake_are_still_checked_for_duplicates() -> None:
    found = errors(DOMAIN, document("Application", "A", "{x: 1}"), mapping(r"CORP\a", "X"), mapping(r"CORP\a", "X"))
    assert [problem.partition(" ")[0] for problem in found] == ["9:8:", "19:40:"]


SWITCHES_ON = "{fromWindowsToAdapters: true, fromAdaptersToDatabase: true, fromAdaptersToWindows: true}"
ALL_ON = "syncToAdapter: true, syncFromAdapter: true, changeWindowsPassword: true"


def test_adapter_flags_must_agree_with_the_switches_of_the_system() -> None:
    adapter = document("Adapter", "x", f"{{{REMOTE}, {ALL_ON}}}")
    assert warnings(document("System", "default", SWITCHES_ON), adapter) == []
    assert warnings(document("System", "default"), adapter) == [
        (
            "9:35: spec.syncToAdapter: has no effect while the System's fromWindowsToAdapters is off "
            "(set fromWindowsToAdapters: true in the System, or syncToAdapter: false here)"
        ),
        (
            "9:56: spec.syncFromAdapter: has no effect while the System's fromAdaptersToDatabase is off "
            "(set fromAdaptersToDatabase: true in the System, or syncFromAdapter: false here)"
        ),
        (
            "9:79: spec.changeWindowsPassword: has no effect while the System's fromAdaptersToWindows is off "
            "(set fromAdaptersToWindows: true in the System, or changeWindowsPassword: false here)"
        ),
    ]


def test_a_domain_whose_sources_are_all_switched_off_is_a_warning() -> None:
    off = document("System", "default", "{sources: {identityManagers: false}}")
    sources = "{principal: idm, type: identityManager}"

    def domain(more: str = "") -> str:
        return document("Domain", "CORP", f"{{dnsName: corp.example.com, sources: [{sources}{more}]}}")

    assert warnings(off, domain()) == [
        (
            "9:35: spec.sources: none of them may report, since the System switches off sources.identityManagers "
            "(set sources.identityManagers: true in the System, or name a source of another type)"
        )
    ]
    assert warnings(off, domain(", {principal: dc1}")) == []
    assert warnings(off, DOMAIN) == []
    assert warnings(document("System", "default"), domain()) == []


def test_full_sync_without_partial_sync_is_a_warning() -> None:
    assert warnings(document("System", "default", "{fromAdaptersToWindows: true}")) == [
        (
            "4:8: spec.fromAdaptersToWindows: has no effect without fromAdaptersToDatabase "
            "(full sync goes through the credential database; set both to true)"
        )
    ]
    system = document("System", "default", SWITCHES_ON)
    assert warnings(system, document("Adapter", "x", f"{{{REMOTE}, changeWindowsPassword: true}}")) == [
        "9:35: spec.changeWindowsPassword: has no effect without syncFromAdapter (set both to true)"
    ]


def test_without_a_system_there_is_one_warning_and_none_per_adapter() -> None:
    adapter = document("Adapter", "x", f"{{{REMOTE}, {ALL_ON}}}")
    assert [warning.partition(" (")[0] for warning in warnings(adapter)] == [
        "1:1: no System is declared, so nothing is synchronised"
    ]


def test_full_sync_into_a_domain_without_directory_is_a_warning() -> None:
    directory = "{url: ldaps://a, baseDN: DC=a, bind: {user: a, passwordFrom: {env: A}}}"
    around = [
        document("System", "default", SWITCHES_ON),
        document("Adapter", "x", f"{{{REMOTE}, {ALL_ON}}}"),
        document("Application", "A", "{adapter: x}"),
        document("Application", "B"),
        document("Domain", "HR", f"{{dnsName: hr, directory: {directory}}}"),
        document("Domain", "LAB", "{dnsName: lab}"),
        document("Mapping", None, r"{application: B, windowsAccount: LAB\a, externalAccount: Y}"),
        mapping(r"HR\a", "X"),
    ]
    assert warnings(*around, DOMAIN) == []
    assert warnings(*around, DOMAIN, mapping(r"CORP\b", "Y")) == [
        (
            "9:79: spec.changeWindowsPassword: accounts of domain CORP are mapped, but its Domain has no directory "
            "(give Domain CORP a directory, so that its passwords can be changed)"
        )
    ]


def test_a_host_group_application_on_an_adapter_that_only_sends_is_a_warning() -> None:
    application = document("Application", "A", "{type: hostGroup, adapter: x}")
    assert warnings(document("System", "default"), document("Adapter", "x", f"{{{REMOTE}}}"), application) == [
        (
            "14:25: spec.adapter: has no effect, since Adapter x takes no changes and a host group application is "
            "sent none (set syncFromAdapter: true on Adapter x, so that stored credentials follow, or remove adapter "
            "here)"
        )
    ]


def test_direct_sync_of_a_host_group_application_is_a_warning() -> None:
    application = document("Application", "A", "{type: hostGroup, directPasswordSync: true}")
    assert warnings(document("System", "default"), application) == [
        (
            "9:25: spec.directPasswordSync: has no effect: a host group application takes no Windows passwords "
            "(remove it, or make the application individual)"
        )
    ]


def test_a_host_group_application_on_an_adapter_that_takes_changes_is_none() -> None:
    application = document("Application", "A", "{type: hostGroup, adapter: x}")
    takes = document("Adapter", "x", f"{{syncFromAdapter: true, {REMOTE}}}")
    assert not warnings(document("System", "default", spec="{fromAdaptersToDatabase: true}"), takes, application)


def test_an_annotation_of_ours_without_meaning_is_a_warning() -> None:
    text = document("System", "default, annotations: {pwsync/protekt: 'true', a/b: c}")
    assert warnings(text) == [
        (
            "3:41: metadata.annotations.pwsync/protekt: this annotation has no meaning "
            "(annotations that begin with pwsync/ are ours; there are pwsync/protect and pwsync/reconcile)"
        )
    ]


@pytest.mark.parametrize("kind", ["Mapping", "MappingSet"])
def test_mappings_cannot_be_protected(kind: str) -> None:
    spec = {
        "Mapping": r"{application: A, windowsAccount: CORP\a, externalAccount: X}",
        "MappingSet": "{application: A, domain: CORP, mappings: []}",
    }[kind]
    text = document(kind, "m, annotations: {pwsync/protect: 'true'}", spec)
    assert errors(DOMAIN, document("Application", "A"), text) == [
        "13:51: metadata.annotations.pwsync/protect: mappings cannot be protected (remove the annotation)"
    ]
    alone = document(kind, "m, annotations: {pwsync/reconcile: disabled}", spec)
    assert errors(DOMAIN, document("Application", "A"), alone) == [
        "13:53: metadata.annotations.pwsync/reconcile: mappings cannot be left alone (remove the annotation)"
    ]
    assert not errors_or_none(DOMAIN, document("Application", "A"), text.replace("'true'", "'false'"))


RULE = document("MappingRule", "r", "{application: A, domain: CORP, externalAccount: {attribute: employeeID}}")


def test_a_rule_needs_a_directory_and_an_application_that_maps_one_to_one() -> None:
    assert errors(DOMAIN, document("Application", "A", "{type: group}"), RULE) == [
        (
            "14:21: spec.application: A is of type group, in which accounts share one (a rule gives each account its "
            "own: name an individual application, or use a MappingSet)"
        ),
        "14:32: spec.domain: Domain CORP has no directory that the rule could ask (give Domain CORP a directory)",
    ]
    assert errors(RULE) == [
        "4:21: spec.application: there is no Application 'A' (declare it with kind: Application)",
        "4:32: spec.domain: there is no Domain 'CORP' (declare it with kind: Domain)",
    ]
