"""What an external change does: rows E1 to E13."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.actor import Actor
from controller.model.errors import Refused
from controller.model.secret import Secret
from controller.model.topology import Access, Application, CredentialField, Kind
from controller.ports.windows_groups import GroupReading
from tests.doubles.pipeline import FULL_ADAPTER, OPEN_ADAPTER, PipelineBench

VERIFYING = replace(OPEN_ADAPTER, verify_old_password=True)


@pytest.fixture
def verifying(bench: PipelineBench) -> PipelineBench:
    """Alice is mapped on the adapter ``ldap``, which verifies the old password."""
    bench.adapter("ldap", VERIFYING, "alice")
    bench.map("LDAP", "alice", "alice")
    return bench


def assert_refused(bench: PipelineBench, change: str, reason: str) -> None:
    """The change failed with this reason, and says so for its mapping."""
    assert bench.outcome(change) == ("failed", reason)
    refused = bench.events("externalChangeRefused")[0]
    assert (refused.tracking_id, refused.adapter, refused.account) == (change, "ldap", "alice")
    assert refused.fields == {"mapping": "Mapping/LDAP/CORP\\alice/alice", "reason": reason}


def test_e1_without_the_old_password_it_is_refused(verifying: PipelineBench) -> None:
    with pytest.raises(Refused) as caught:
        verifying.external("ldap", "alice", "new")
    assert caught.value.reason == "oldPasswordMissing"
    (refused,) = verifying.events("changeRefused")
    assert refused.fields["reason"] == "oldPasswordMissing"


def test_e2_without_a_stored_credential_to_compare_with_it_is_refused(verifying: PipelineBench) -> None:
    change = verifying.external("ldap", "alice", "new", old="old")
    verifying.settle()
    assert_refused(verifying, change, "noStoredCredential")
    assert verifying.stored("LDAP", "alice") is None


def test_e3_with_another_old_password_than_the_stored_one_it_is_refused(verifying: PipelineBench) -> None:
    verifying.credentials.set("LDAP", "alice", Secret("old"), by=Actor("ops"))
    change = verifying.external("ldap", "alice", "new", old="older")
    verifying.settle()
    assert_refused(verifying, change, "oldPasswordWrong")
    assert verifying.stored("LDAP", "alice") == "old"


def test_e3_with_the_stored_one_it_is_accepted_also_with_more_than_two_fields(verifying: PipelineBench) -> None:
    fields = (CredentialField("User Id"), CredentialField("PIN"), CredentialField("Password", sync=True))
    verifying.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", fields=fields))
    verifying.credentials.set("LDAP", "alice", Secret("old"), by=Actor("ops"))
    change = verifying.external("ldap", "alice", "new", old="old")
    verifying.settle()
    assert verifying.outcome(change) == ("completed", "")
    assert verifying.stored("LDAP", "alice") == "new"


@pytest.mark.parametrize("disabled", ["mapping", "application"])
def test_e4_what_is_disabled_is_not_changed(full: PipelineBench, disabled: str) -> None:
    if disabled == "mapping":
        full.map("LDAP", "alice", "alice", enabled=False)
    else:
        full.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", enabled=False))
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("discarded", "noTarget")
    assert [e.fields["reason"] for e in full.events("mappingSkipped")] == [f"{disabled}Disabled"]
    assert full.stored("LDAP", "alice") is None
    assert full.password("domain/CORP", "alice") == "old"


def test_e4_nothing_is_changed_for_who_is_no_user_of_the_application(full: PipelineBench) -> None:
    users = Access(users=("CORP\\payroll-users",))
    full.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", access=users))
    with full.store.write() as tx:
        tx.windows_groups.note(WindowsAccount("CORP", "payroll-users"), GroupReading(tx.now, 0))
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("discarded", "noTarget")
    assert [e.fields["reason"] for e in full.events("mappingSkipped")] == ["notAnApplicationUser"]
    assert full.stored("LDAP", "alice") is None
    assert full.password("domain/CORP", "alice") == "old"


def test_e5_an_account_without_a_mapping_has_no_effect_and_its_sender_can_read_so(full: PipelineBench) -> None:
    change = full.external("ldap", "nobody", "new")
    full.settle()
    assert full.outcome(change) == ("discarded", "noMapping")
    (discarded,) = full.events("changeDiscarded")
    assert (discarded.tracking_id, discarded.adapter, discarded.fields["reason"]) == (change, "ldap", "noMapping")


def test_e6_the_database_has_the_reported_password(verifying: PipelineBench) -> None:
    verifying.credentials.set("LDAP", "alice", Secret("old"), by=Actor("ops"))
    change = verifying.external("ldap", "alice", "new", old="old")
    verifying.settle()
    assert verifying.stored("LDAP", "alice") == "new"
    updated = verifying.events("credentialUpdated")[0]
    assert (updated.tracking_id, updated.fields) == (change, {"application": "LDAP"})


def test_e7_fields_that_are_not_the_password_stay_as_they_are(bench: PipelineBench) -> None:
    fields = (CredentialField("User Id"), CredentialField("PIN"), CredentialField("Password", sync=True))
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", fields=fields))
    bench.map("LDAP", "alice", "alice")
    bench.external("ldap", "alice", "new")
    bench.settle()
    with bench.store.read() as tx:
        assert set(tx.credentials.external("LDAP", "alice")) == {"Password"}


def test_e8_windows_is_changed_with_the_stored_password_and_the_new_one_is_stored(full: PipelineBench) -> None:
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert (full.password("domain/CORP", "alice"), full.stored_windows("alice")) == ("new", "new")
    assert "windowsPasswordStored" in {e.name for e in full.events() if e.tracking_id == change}


def test_e9_without_a_stored_windows_password_windows_is_left_alone(full: PipelineBench) -> None:
    full.credentials.clear("LDAP", "alice", by=Actor("ops"))
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change)[0] == "failed"
    assert full.password("domain/CORP", "alice") == "old"
    assert full.stored("LDAP", "alice") == "new"
    assert "noStoredWindowsPassword" in {
        e.fields.get(field) for e in full.events() for field in ("reason", "code") if e.tracking_id == change
    }


def test_e10_a_stored_windows_password_that_is_wrong_is_deleted_after_one_try(full: PipelineBench) -> None:
    full.set_stored_windows("alice", "wrong")
    change = full.external("ldap", "alice", "new")
    full.settle()
    full.wait(timedelta(hours=1))
    full.settle()
    assert full.stored_windows("alice") is None
    assert [d.attempts for d in full.deliveries(change)] == [1]
    (deleted,) = full.events("windowsPasswordDeleted")
    assert (deleted.tracking_id, deleted.account) == (change, "CORP\\alice")


def test_e11_when_one_of_several_updates_fails_windows_is_left_alone(bench: PipelineBench) -> None:
    bench.adapter("ldap", replace(FULL_ADAPTER, verify_old_password=True), "alice")
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="ldap"))
    bench.map("LDAP", "alice", "alice")
    bench.map("SECOND", "alice", "alice")
    bench.set_stored_windows("alice", "old")
    bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("ops"))
    bench.set_stored_windows("alice", "old")
    change = bench.external("ldap", "alice", "new", old="old")
    bench.settle()
    assert bench.outcome(change)[0] == "failed"
    assert bench.password("domain/CORP", "alice") == "old"
    (unchanged,) = bench.events("windowsNotChanged")
    assert unchanged.fields == {"windows": "CORP\\alice", "reason": "externalUpdateFailed"}


def test_e12_a_change_that_would_change_two_windows_accounts_changes_none(full: PipelineBench) -> None:
    full.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", type="group"))
    full.map("LDAP", "bob", "alice")
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("failed", "mappingConflict")
    assert (full.password("domain/CORP", "alice"), full.password("domain/CORP", "bob")) == ("old", "old")


def test_e12_unless_the_adapter_allows_it(full: PipelineBench) -> None:
    full.put(Kind.ADAPTER, "ldap", replace(FULL_ADAPTER, allow_mapping_conflicts=True))
    full.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", type="group"))
    full.map("LDAP", "bob", "alice")
    full.set_stored_windows("bob", "old")
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert (full.password("domain/CORP", "alice"), full.password("domain/CORP", "bob")) == ("new", "new")


def test_e13_credentials_of_an_administrator_are_the_first_old_password_of_full_sync(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    assert bench.credentials.set("LDAP", "CORP\\alice", Secret("old"), by=Actor("ops"))
    change = bench.external("ldap", "alice", "new")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.password("domain/CORP", "alice") == "new"
    assert [e.fields for e in bench.events("credentialSet")] == [{"application": "LDAP", "by": "ops"}]
