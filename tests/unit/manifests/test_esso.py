"""Files of Enterprise SSO become manifests that are valid and declare the same."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from controller.connectors.registry import installed_connectors
from controller.manifests.esso.importing import import_files
from controller.manifests.esso.writing import as_files, as_text
from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from controller.model.accounts import WindowsAccount
from controller.model.audit import AuditPolicy
from controller.model.topology import (
    AcceptedSources,
    Access,
    Adapter,
    AdapterGroup,
    Application,
    ConnectorSpec,
    CredentialField,
    Domain,
    Key,
    Kind,
    Mapping,
    NotificationPolicy,
    Spec,
    System,
)
from controller.planning.state import State

ADAPTER = r"""
<sso>
  <adapter name="RACF on PROD1">
    <description>RACF</description>
    <computer>host1.example.com</computer>
    <port>1234</port>
    <adapterGroup>mainframe</adapterGroup>
    <appAdminAccount>CORP\racf-admins</appAdminAccount>
    <appUserAccount>CORP\racf-agent</appUserAccount>
    <notificationRetryCount>7</notificationRetryCount>
    <notificationRetryDelay>3</notificationRetryDelay>
    <maximumPendingNotifications>9</maximumPendingNotifications>
    <flags enableApp="yes" allowLocalAccounts="yes" syncFromAdapter="yes" verifyOldPassword="no"
           changeWindowsPassword="yes" syncToAdapter="yes" sendOldPassword="yes" allowMappingConflicts="yes"
           storeNotificationsWhenOffline="no"/>
    <properties><property name="codePage" value="1047"/><property name="bindPassword" value="hunter2"/></properties>
    <application name="PAYROLL"/>
  </adapter>
</sso>
"""
APPLICATIONS = r"""<?xml version="1.0" encoding="utf-8"?>
<SSO>
  <application name="PAYROLL">
    <description>Wages</description>
    <contact>payroll@example.com</contact>
    <appUserAccount>CORP\payroll-users;corp\Clerks</appUserAccount>
    <appAdminAccount>CORP\payroll-admins</appAdminAccount>
    <field ordinal="1" label="Password" masked="yes" sync="yes"/>
    <field ordinal="0" label="User Id" masked="no"/>
    <field ordinal="2" label="Code" masked="yes"/>
    <flags groupApp="no" configStoreApp="no" allowTickets="yes" enableApp="yes"/>
  </application>
  <application name="KIOSK"><flags groupApp="yes"/></application>
  <application name="HOSTS"><flags hostInitiatedSSO="yes" directPasswordSync="no"/></application>
  <application name="settings"><flags configStoreApp="yes"/></application>
</SSO>
"""
MAPPINGS = r"""
<sso>
  <mapping><windowsDomain>corp</windowsDomain><windowsUserId>Alice</windowsUserId>
    <externalApplication>PAYROLL</externalApplication><externalUserId>ALICE1</externalUserId></mapping>
  <mapping><windowsDomain>LAB</windowsDomain><windowsUserId>bob</windowsUserId>
    <externalApplication>PAYROLL</externalApplication><externalUserId>BOB&amp;1</externalUserId>
    <flags enabled="no"/></mapping>
</sso>
"""
SYSTEM = r"""
<sso>
  <globalInfo>
    <ssoAdminAccount>CORP\SSO Administrators</ssoAdminAccount>
    <ssoAffiliateAdminAccount>CORP\SSO Affiliates</ssoAffiliateAdminAccount>
    <secretServer>sso1</secretServer>
    <auditDeletedApps>11</auditDeletedApps><auditDeletedMappings>12</auditDeletedMappings>
    <auditCredentialLookups>13</auditCredentialLookups>
    <auditLevelPositive>1</auditLevelPositive><auditLevelNegative>2</auditLevelNegative>
    <syncAge>48</syncAge><replayFiles>D:\replay</replayFiles><ticketTimeout>2</ticketTimeout>
    <flags fromWindowsToAdapters="yes" fromAdaptersToDatabase="yes" fromAdaptersToWindows="yes" allowPS="no"/>
  </globalInfo>
</sso>
"""


def files(folder: Path, *texts: str) -> list[str]:
    """Files with these texts."""
    paths = [folder / f"{number}.xml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return [str(path) for path in paths]


def imported(folder: Path, *texts: str) -> tuple[State, str]:
    """What the files declare, read back from the manifests, and the text of these."""
    text = as_text(import_files(files(folder, *texts)))
    return read_manifests(["-"], installed_connectors(), stdin=text).state, text


def spec_of(state: State, kind: Kind, name: str) -> Spec:
    """The spec of an object."""
    return state.resources[Key(kind, name)].spec


def test_every_attribute_of_an_adapter_comes_through(tmp_path: Path) -> None:
    state, text = imported(tmp_path, ADAPTER, APPLICATIONS, SYSTEM)
    agent, admins = r"CORP\racf-agent", r"CORP\racf-admins"
    assert spec_of(state, Kind.ADAPTER, "RACF-on-PROD1") == Adapter(
        ConnectorSpec("remote"),
        description="RACF",
        enabled=True,
        sync_to_adapter=True,
        sync_from_adapter=True,
        verify_old_password=False,
        change_windows_password=True,
        send_old_password=True,
        allow_mapping_conflicts=True,
        group="mainframe",
        access=Access(administrators=(admins,), users=(agent,), receivers=(agent,)),
        notifications=NotificationPolicy(7, timedelta(minutes=3), 9, store_when_offline=False),
    )
    assert spec_of(state, Kind.ADAPTER_GROUP, "mainframe") == AdapterGroup()
    for told in ("computer = host1.example.com", "port = 1234", "allowlocalaccounts = yes"):
        assert f"# no counterpart: {told}\n" in text
    assert "# property: codePage = 1047\n" in text
    assert "# its name was 'RACF on PROD1'\n" in text
    assert "hunter2" not in text, "what could be a secret is withheld"


def test_an_adapter_that_says_nothing_has_the_defaults_of_the_reference_system(tmp_path: Path) -> None:
    state, _ = imported(tmp_path, "<sso><adapter name='plain'/></sso>")
    assert spec_of(state, Kind.ADAPTER, "plain") == Adapter(ConnectorSpec("remote"), enabled=False)


def test_the_settings_of_the_system_come_through(tmp_path: Path) -> None:
    state, text = imported(tmp_path, SYSTEM)
    assert spec_of(state, Kind.SYSTEM, "default") == System(
        from_windows_to_adapters=True,
        from_adapters_to_database=True,
        from_adapters_to_windows=True,
        max_sync_age=timedelta(hours=48),
        administrators=(r"CORP\SSO Administrators",),
        affiliate_administrators=(r"CORP\SSO Affiliates",),
        sources=AcceptedSources(domain_controllers=False, identity_managers=True),
        audit=replace(
            AuditPolicy(), successes=1, failures=2, deleted_applications=11, deleted_mappings=12, credential_lookups=13
        ),
    )
    assert "# replay files stood in D:\\replay: see --replay-dir\n" in text
    assert "# no counterpart: tickettimeout = 2\n" in text
    assert spec_of(imported(tmp_path, "<sso><globalInfo/></sso>")[0], Kind.SYSTEM, "default") == System()


def test_applications_of_all_types_come_through(tmp_path: Path) -> None:
    state, text = imported(tmp_path, APPLICATIONS, ADAPTER)
    assert spec_of(state, Kind.APPLICATION, "PAYROLL") == Application(
        type="individual",
        adapter="RACF-on-PROD1",
        enabled=True,
        contact="payroll@example.com",
        access=Access(administrators=(r"CORP\payroll-admins",), users=(r"CORP\payroll-users", r"CORP\clerks")),
        fields=(
            CredentialField("User Id"),
            CredentialField("Password", masked=True, sync=True),
            CredentialField("Code", masked=True),
        ),
    )
    assert spec_of(state, Kind.APPLICATION, "KIOSK") == Application(type="group", enabled=False)
    assert spec_of(state, Kind.APPLICATION, "HOSTS") == Application(type="hostGroup", enabled=False)
    assert spec_of(state, Kind.DOMAIN, "CORP") == Domain(dns_name="corp")
    assert Key(Kind.APPLICATION, "settings") not in state.resources
    assert "'settings' stores configuration" in text
    assert "# no counterpart: allowtickets = yes\n" in text
    assert "# description: Wages\n" in text


def test_mappings_become_sets_of_one_application_and_domain(tmp_path: Path) -> None:
    state, text = imported(tmp_path, APPLICATIONS, MAPPINGS)
    assert list(state.mappings) == [
        Mapping("PAYROLL", WindowsAccount("CORP", "alice"), "ALICE1", True, "MappingSet/PAYROLL-corp"),
        Mapping("PAYROLL", WindowsAccount("LAB", "bob"), "BOB&1", False, "MappingSet/PAYROLL-lab"),
    ]
    assert "# no settings of the system were given" in text


def test_large_sets_go_to_csv_files_and_mean_the_same(tmp_path: Path) -> None:
    row = (
        "<mapping><windowsDomain>CORP</windowsDomain><windowsUserId>u{0}</windowsUserId>"
        "<externalApplication>PAYROLL</externalApplication><externalUserId>U,{0}</externalUserId></mapping>"
    )
    given = [f"<sso>{''.join(row.format(n) for n in range(700))}</sso>", MAPPINGS, APPLICATIONS, SYSTEM, ADAPTER]
    found = import_files(files(tmp_path, *given))
    folder = tmp_path / "manifests"
    folder.mkdir()
    for name, text in as_files(found):
        (folder / name).write_text(text, encoding="utf-8")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("PAYROLL-corp.csv", "adapters.yaml", "applications.yaml", "domains.yaml", "mappings.yaml", "system.yaml")
    ]
    catalogue = installed_connectors()
    split = read_manifests([str(folder)], catalogue).state
    whole = read_manifests(["-"], catalogue, stdin=as_text(found)).state
    assert (dict(split.resources), list(split.mappings)) == (dict(whole.resources), list(whole.mappings))
    assert len(list(split.mappings)) == 702


def test_a_group_adapter_is_handed_no_password_changes(tmp_path: Path) -> None:
    state, text = imported(
        tmp_path,
        "<sso><adapterGroup name='mainframe'><computer>host1</computer><description>all</description></adapterGroup>"
        "<adapter name='mainframe'><flags syncToAdapter='yes'/></adapter>"
        "<adapter name='one' adapterGroup='mainframe'/></sso>",
    )
    assert spec_of(state, Kind.ADAPTER_GROUP, "mainframe") == AdapterGroup("all", "host1")
    assert spec_of(state, Kind.ADAPTER, "mainframe") == Adapter(ConnectorSpec("remote"), enabled=False)
    assert "# no counterpart: syncToAdapter of a group adapter" in text


def test_names_that_become_alike_stay_apart(tmp_path: Path) -> None:
    state, _ = imported(tmp_path, "<sso><adapter name='a b'/><adapter name='a-b'/><adapter name='ü'/></sso>")
    assert sorted(key.name for key in state.resources) == ["a-b", "a-b-2", "unnamed"]


def test_nothing_in_a_comment_leaves_it(tmp_path: Path) -> None:
    state, text = imported(tmp_path, "<sso><adapter name='x'><port>1\nkind: Y&#x85;---</port></adapter></sso>")
    assert [key.name for key in state.resources] == ["x"]
    assert "# no counterpart: port = 1\\nkind: Y\\x85---\n" in text


BOMB = '<!DOCTYPE sso [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>\n<sso><adapter name="&b;"/></sso>'
EXTERNAL = '<!DOCTYPE sso SYSTEM "file:///etc/passwd">\n<sso/>'
NO_DOCTYPE = "document types and entities are not read (remove the line that begins with <!DOCTYPE)"
MISTAKES = {
    "entities": (BOMB, f"1:15: {NO_DOCTYPE}"),
    "external": (EXTERNAL, f"1:42: {NO_DOCTYPE}"),
    "not closed": ("<sso>\n<adapter name='x'>\n</sso>", "3:3: not valid XML: mismatched tag"),
    "no XML": ("kind: System", "1:1: not valid XML: syntax error"),
    "empty": ("", "1:1: not valid XML: no element found"),
    "undefined entity": ("<sso>&xxe;</sso>", "1:6: not valid XML: undefined entity"),
    "other root": ("<html/>", "1:1: the root is <html>, not <sso> (give a file of ssomanage, ssops or ssoconfig)"),
    "deep": (f"<sso>{'<a>' * 20}", "1:51: elements are nested deeper than 16 levels"),
    "long": (f"<sso><a>{'x' * 70_000}", "1:6: the text of <a> is longer than 65,536 characters"),
    "flag": (
        "<sso>\n <adapter name='x'><flags syncToAdapter='maybe'/></adapter></sso>",
        "2:20: syncToAdapter: 'maybe' is not understood (write yes or no)",
    ),
    "number": (
        "<sso><adapter name='x'>\n<port/><notificationRetryCount>many</notificationRetryCount></adapter></sso>",
        "2:8: notificationRetryCount: 'many' is not understood (write a whole number)",
    ),
    "no name": ("<sso><adapter/></sso>", "1:6: an adapter has no name (write name=)"),
    "twice": (
        "<sso><adapter name='x'/>\n<adapter name='x'/></sso>",
        "2:1: Adapter x is declared twice (give each file once)",
    ),
    "user": (
        "<sso><application name='x'>\n<appUserAccount>Everyone</appUserAccount></application></sso>",
        r"2:1: appUserAccount: 'Everyone' is not a Windows account (write DOMAIN\user, for example CORP\alice)",
    ),
    "no application": (
        MAPPINGS,
        "3:3: there is no application 'PAYROLL' in these files (give the file that declares it too)",
    ),
    "built-in": (
        "<sso>\n<mapping windowsDomain='CORP' windowsUserId='krbtgt' externalUserId='K' application='x'/></sso>",
        r"2:1: 'CORP\\krbtgt' is a built-in account (only ordinary domain accounts can be mapped)",
    ),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_told_at_their_place(tmp_path: Path, text: str, expected: str) -> None:
    paths = files(tmp_path, text)
    with pytest.raises(ManifestErrors) as caught:
        import_files(paths)
    assert str(caught.value.problems[0]) == f"{paths[0]}:{expected}"


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    paths = [*files(tmp_path, "<sso><adapter/></sso>", "<sso>"), str(tmp_path / "missing.xml")]
    with pytest.raises(ManifestErrors) as caught:
        import_files(paths)
    assert [problem.place.file for problem in caught.value.problems] == paths
    assert caught.value.message.endswith("problems in the files of Enterprise SSO")
