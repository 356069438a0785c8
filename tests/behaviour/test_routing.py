"""Which mappings a Windows change reaches: rows M1 to M6."""

from dataclasses import replace

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.topology import Access, Adapter, Application, ConnectorSpec, CredentialField, Kind
from controller.ports.windows_groups import GroupReading
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench


@pytest.fixture
def mapped(bench: PipelineBench) -> PipelineBench:
    """Alice is mapped to ALICE1 on the adapter ``racf``."""
    bench.adapter("racf", OPEN_ADAPTER, "ALICE1")
    bench.map("RACF", "alice", "ALICE1")
    return bench


def assert_skipped(bench: PipelineBench, reason: str) -> None:
    """A Windows change of alice reaches nothing, and says once why."""
    change = bench.windows("alice", "new")
    bench.settle()
    assert bench.outcome(change) == ("discarded", "noTarget")
    (skipped,) = bench.events("mappingSkipped")
    assert (skipped.tracking_id, skipped.account) == (change, "CORP\\alice")
    assert skipped.fields == {"mapping": "Mapping/RACF/CORP\\alice/ALICE1", "reason": reason}
    (discarded,) = bench.events("changeDiscarded")
    assert discarded.fields == {"reason": "noTarget"}
    assert bench.deliveries(change) == []
    assert bench.password("adapter/racf", "ALICE1") == "old"


def restrict(bench: PipelineBench, *members: str) -> None:
    r"""Only members of CORP\payroll-users are users of the application, as the directory has told."""
    users = Access(users=("CORP\\payroll-users",))
    bench.put(Kind.APPLICATION, "RACF", Application(adapter="racf", access=users))
    name = WindowsAccount("CORP", "payroll-users")
    with bench.store.write() as tx:
        tx.windows_groups.note(name, GroupReading(tx.now, len(members)))
        tx.windows_groups.add(name, [WindowsAccount("CORP", member) for member in members])


def test_m1_who_is_not_in_the_users_of_the_application_is_skipped(mapped: PipelineBench) -> None:
    restrict(mapped, "bob")
    assert_skipped(mapped, "notAnApplicationUser")


def test_m1_who_is_among_them_is_followed(mapped: PipelineBench) -> None:
    restrict(mapped, "alice")
    change = mapped.windows("alice", "new")
    mapped.settle()
    assert mapped.outcome(change) == ("completed", "")
    assert mapped.password("adapter/racf", "ALICE1") == "new"


def test_m1_while_nobody_knows_who_they_are_nothing_is_sent(mapped: PipelineBench) -> None:
    users = Access(users=("CORP\\payroll-users",))
    mapped.put(Kind.APPLICATION, "RACF", Application(adapter="racf", access=users))
    change = mapped.windows("alice", "new")
    mapped.settle()
    assert mapped.outcome(change) == ("accepted", "")  # it waits until somebody has asked
    with mapped.store.write() as tx:
        tx.windows_groups.note(WindowsAccount("CORP", "payroll-users"), GroupReading(None, 0, "away"))
    mapped.settle()
    assert mapped.outcome(change) == ("discarded", "noTarget")
    assert mapped.events("mappingSkipped")[0].fields["reason"] == "applicationUsersUnknown"


def test_m1_without_users_everybody_that_is_mapped_is_followed(mapped: PipelineBench) -> None:
    change = mapped.windows("alice", "new")
    mapped.settle()
    assert mapped.outcome(change) == ("completed", "")


def test_m2_a_disabled_mapping_is_skipped(mapped: PipelineBench) -> None:
    mapped.map("RACF", "alice", "ALICE1", enabled=False)
    assert_skipped(mapped, "mappingDisabled")


def test_m3_mappings_of_a_disabled_application_are_skipped(mapped: PipelineBench) -> None:
    mapped.put(Kind.APPLICATION, "RACF", Application(adapter="racf", enabled=False))
    assert_skipped(mapped, "applicationDisabled")


def test_m4_a_host_group_application_takes_no_windows_passwords(mapped: PipelineBench) -> None:
    mapped.put(Kind.APPLICATION, "RACF", Application(adapter="racf", type="hostGroup"))
    assert_skipped(mapped, "wrongApplicationType")


def test_m4_a_group_application_takes_them_and_the_newest_of_its_members_wins(mapped: PipelineBench) -> None:
    mapped.put(Kind.APPLICATION, "RACF", Application(adapter="racf", type="group"))
    mapped.map("RACF", "bob", "ALICE1")
    for member, password in (("alice", "of-alice"), ("bob", "of-bob")):
        change = mapped.windows(member, password)
        mapped.settle()
        assert mapped.outcome(change) == ("completed", "")
        assert mapped.password("adapter/racf", "ALICE1") == password
        assert mapped.stored("RACF", f"CORP\\{member}") == password


def test_m4_an_application_without_one_clear_password_field_takes_none(mapped: PipelineBench) -> None:
    fields = (CredentialField("User Id"), CredentialField("Password"), CredentialField("PIN"))
    mapped.put(Kind.APPLICATION, "RACF", Application(adapter="racf", fields=fields))
    assert_skipped(mapped, "wrongApplicationType")


def test_m4_of_several_fields_the_one_marked_sync_is_the_password(mapped: PipelineBench) -> None:
    fields = (CredentialField("User Id"), CredentialField("PIN"), CredentialField("Password", sync=True))
    mapped.put(Kind.APPLICATION, "RACF", Application(adapter="racf", fields=fields))
    mapped.windows("alice", "new")
    mapped.settle()
    with mapped.store.read() as tx:
        assert list(tx.credentials.external("RACF", "ALICE1")) == ["Password"]


def test_m5_an_application_without_an_adapter_is_skipped(mapped: PipelineBench) -> None:
    mapped.put(Kind.APPLICATION, "RACF", Application())
    assert_skipped(mapped, "noAdapter")


def test_m6_an_adapter_that_does_not_send_is_skipped(mapped: PipelineBench) -> None:
    mapped.put(Kind.ADAPTER, "racf", replace(OPEN_ADAPTER, sync_to_adapter=False))
    assert_skipped(mapped, "adapterDoesNotSend")


def test_m6_a_disabled_adapter_is_skipped(mapped: PipelineBench) -> None:
    mapped.put(Kind.ADAPTER, "racf", replace(OPEN_ADAPTER, enabled=False))
    assert_skipped(mapped, "adapterDisabled")


def test_m2_a_skipped_mapping_does_not_keep_the_change_from_the_others(mapped: PipelineBench) -> None:
    mapped.adapter("ldap", Adapter(ConnectorSpec("memory"), sync_to_adapter=True), "alice")
    mapped.map("LDAP", "alice", "alice")
    mapped.map("RACF", "alice", "ALICE1", enabled=False)
    change = mapped.windows("alice", "new")
    mapped.settle()
    assert mapped.outcome(change) == ("completed", "")
    assert mapped.password("adapter/ldap", "alice") == "new"
    assert [e.fields["reason"] for e in mapped.events("mappingSkipped")] == ["mappingDisabled"]


def test_m2_a_change_of_an_account_without_mappings_is_discarded_with_its_event(bench: PipelineBench) -> None:
    change = bench.windows("alice", "new")
    bench.settle()
    assert bench.outcome(change) == ("discarded", "noMapping")
    (discarded,) = bench.events("changeDiscarded")
    assert (discarded.tracking_id, discarded.fields) == (change, {"reason": "noMapping"})
