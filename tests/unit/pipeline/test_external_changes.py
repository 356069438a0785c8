"""Directions 2 and 3: external to the database, and on to Windows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.credential import Fingerprint
from controller.model.errors import Refused
from controller.model.secret import Secret
from controller.model.topology import Application, Kind
from tests.doubles.pipeline import ALL_ON, FULL_ADAPTER, OPEN_ADAPTER, PipelineBench

VERIFYING = replace(OPEN_ADAPTER, verify_old_password=True)


def test_partial_sync_updates_the_database_and_leaves_windows_alone(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.external("ldap", "alice", "New-1")
    bench.settle()
    assert bench.stored("LDAP", "alice") == "New-1"
    assert bench.password("domain/CORP", "alice") == "old"
    assert bench.outcome(change) == ("completed", "")


@pytest.mark.parametrize("system", [replace(ALL_ON, from_adapters_to_windows=False)])
def test_the_global_switch_keeps_full_sync_off(full: PipelineBench, system) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # a System
    full.system(system)
    full.external("ldap", "alice", "New-1")
    full.settle()
    assert full.stored("LDAP", "alice") == "New-1"
    assert full.password("domain/CORP", "alice") == "old"


def test_full_sync_changes_windows_with_the_stored_old_password_and_the_others_follow(full: PipelineBench) -> None:
    change = full.external("ldap", "alice", "New-1")
    full.settle()
    assert full.password("domain/CORP", "alice") == "New-1"
    assert full.stored_windows("alice") == "New-1"
    assert full.password("adapter/racf", "ALICE1") == "New-1"
    assert full.stored("RACF", "ALICE1") == "New-1"
    assert full.directories["adapter/ldap"].writes == []
    assert full.outcome(change) == ("completed", "")


def test_full_sync_resets_where_the_domain_says_so(full: PipelineBench) -> None:
    full.domain(password_change="reset")
    full.directories["domain/CORP"].accounts["alice"] = "someone set this by hand"
    change = full.external("ldap", "alice", "New-1")
    full.settle()
    assert full.password("domain/CORP", "alice") == "New-1"
    assert full.outcome(change) == ("completed", "")


def test_the_others_do_not_follow_while_changes_from_windows_are_off(full: PipelineBench) -> None:
    full.system(replace(ALL_ON, from_windows_to_adapters=False))
    full.external("ldap", "alice", "New-1")
    full.settle()
    assert full.password("domain/CORP", "alice") == "New-1"
    assert full.password("adapter/racf", "ALICE1") == "old"


def test_without_a_stored_windows_password_windows_is_not_changed_and_that_is_said(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.external("ldap", "alice", "New-1")
    bench.settle()
    assert bench.stored("LDAP", "alice") == "New-1"
    assert bench.password("domain/CORP", "alice") == "old"
    assert bench.outcome(change) == ("failed", "noStoredWindowsPassword")


def test_a_wrong_stored_windows_password_is_deleted_after_one_try(full: PipelineBench) -> None:
    full.set_stored_windows("alice", "wrong")
    change = full.external("ldap", "alice", "New-1")
    full.settle()
    full.wait(timedelta(hours=1))
    full.settle()
    assert full.stored_windows("alice") is None
    assert full.password("domain/CORP", "alice") == "old"
    (delivery,) = full.deliveries(change)
    assert (delivery.state, delivery.code, delivery.attempts) == ("parked", "oldPasswordWrong", 1)
    assert [e.account for e in full.events("windowsPasswordDeleted")] == ["CORP\\alice"]


def test_a_stored_windows_password_that_was_set_meanwhile_is_kept(full: PipelineBench) -> None:
    full.set_stored_windows("alice", "wrong")
    full.directories["domain/CORP"].gate = lambda _: full.set_stored_windows("alice", "right now")
    full.external("ldap", "alice", "New-1")
    full.settle()
    assert full.stored_windows("alice") == "right now"


def test_administrators_give_full_sync_its_first_old_password(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    assert bench.credentials.set("LDAP", "CORP\\alice", Secret("old"), by=Actor("admin")) is True
    change = bench.external("ldap", "alice", "New-1")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.password("domain/CORP", "alice") == "New-1"


def test_a_report_without_the_old_password_is_refused_where_it_is_verified(bench: PipelineBench) -> None:
    bench.adapter("ldap", VERIFYING, "alice")
    bench.map("LDAP", "alice", "alice")
    with pytest.raises(Refused, match="verifies the old password") as refused:
        bench.external("ldap", "alice", "New-1")
    assert refused.value.reason == "oldPasswordMissing"


def test_the_old_password_is_compared_with_the_stored_credential(bench: PipelineBench) -> None:
    bench.adapter("ldap", VERIFYING, "alice")
    bench.map("LDAP", "alice", "alice")
    unknown = bench.external("ldap", "alice", "New-1", old="old")
    bench.settle()
    assert bench.outcome(unknown) == ("failed", "noStoredCredential")
    bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("admin"))
    wrong = bench.external("ldap", "alice", "New-1", old="wrong")
    bench.settle()
    assert bench.outcome(wrong) == ("failed", "oldPasswordWrong")
    assert bench.stored("LDAP", "alice") == "old"
    right = bench.external("ldap", "alice", "New-1", old="old")
    bench.settle()
    assert bench.outcome(right) == ("completed", "")
    assert bench.stored("LDAP", "alice") == "New-1"


def test_an_old_password_that_vanished_from_the_report_s_requirements_is_still_asked_for(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.external("ldap", "alice", "New-1")
    bench.put(Kind.ADAPTER, "ldap", VERIFYING)
    bench.settle()
    assert bench.outcome(change) == ("failed", "oldPasswordMissing")


def test_when_one_of_several_updates_fails_windows_is_not_changed(bench: PipelineBench) -> None:
    bench.adapter("ldap", replace(FULL_ADAPTER, verify_old_password=True), "alice")
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="ldap"))
    bench.map("LDAP", "alice", "alice")
    bench.map("SECOND", "alice", "alice")
    bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("admin"))
    change = bench.external("ldap", "alice", "New-1", old="old")
    bench.settle()
    assert bench.stored("LDAP", "alice") == "New-1"
    assert bench.stored("SECOND", "alice") is None
    assert bench.password("domain/CORP", "alice") == "old"
    assert bench.change(change).state == "failed"


def test_an_account_mapped_to_two_windows_accounts_changes_neither_unless_allowed(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "shared")
    bench.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", type="group"))
    for user in ("alice", "bob"):
        bench.map("LDAP", user, "shared")
        bench.set_stored_windows(user, "old")
    change = bench.external("ldap", "shared", "New-1")
    bench.settle()
    assert bench.outcome(change) == ("failed", "mappingConflict")
    assert bench.stored("LDAP", "CORP\\alice") == "New-1"
    assert bench.password("domain/CORP", "alice") == bench.password("domain/CORP", "bob") == "old"
    bench.put(Kind.ADAPTER, "ldap", replace(FULL_ADAPTER, allow_mapping_conflicts=True))
    bench.external("ldap", "shared", "New-2")
    bench.settle()
    assert bench.password("domain/CORP", "alice") == bench.password("domain/CORP", "bob") == "New-2"


def test_a_chain_back_to_another_account_of_the_same_system_is_prevented(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "a1", "a2")
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="ldap"))
    bench.map("LDAP", "alice", "a1")
    bench.map("SECOND", "alice", "a2")
    bench.set_stored_windows("alice", "old")
    change = bench.external("ldap", "a1", "New-1")
    bench.settle()
    assert bench.outcome(change) == ("failed", "mappingConflict")
    assert bench.password("domain/CORP", "alice") == "old"
    assert bench.password("adapter/ldap", "a2") == "old"


def test_a_domain_without_a_directory_cannot_be_changed(full: PipelineBench) -> None:
    full.domain(has_directory=False)
    change = full.external("ldap", "alice", "New-1")
    full.settle()
    assert full.outcome(change) == ("failed", "noDirectory")


def test_a_change_of_an_unmapped_external_account_has_no_effect(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    change = bench.external("ldap", "nobody", "New-1")
    bench.settle()
    assert bench.outcome(change) == ("discarded", "noMapping")


def test_disabled_mappings_are_skipped(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice", enabled=False)
    change = bench.external("ldap", "alice", "New-1")
    bench.settle()
    assert bench.outcome(change) == ("discarded", "noTarget")
    assert bench.stored("LDAP", "alice") is None


def test_a_change_whose_adapter_is_removed_before_routing_is_discarded(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.external("ldap", "alice", "New-1")
    bench.remove(Kind.ADAPTER, "ldap")
    bench.settle()
    assert bench.outcome(change) == ("discarded", "adapterRemoved")


def test_when_windows_refuses_the_others_do_not_follow(full: PipelineBench) -> None:
    full.directories["domain/CORP"].policy = lambda _: "0000052D"
    change = full.external("ldap", "alice", "weak")
    full.settle()
    assert full.outcome(change) == ("failed", "deliveryParked")
    assert full.password("adapter/racf", "ALICE1") == "old"
    assert full.stored_windows("alice") == "old"


def test_a_full_sync_to_what_windows_has_already_writes_only_the_others(full: PipelineBench) -> None:
    full.directories["domain/CORP"].accounts["alice"] = "Same"
    full.adapter("late", FULL_ADAPTER, "alice")
    full.windows("alice", "Same")
    full.settle()
    full.map("LATE", "alice", "alice")
    full.put(Kind.ADAPTER, "ldap", FULL_ADAPTER)
    with full.store.write() as tx:
        tx.fingerprints.put(ExternalAccount("ldap", "alice"), Fingerprint())
    change = full.external("ldap", "alice", "Same")
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert full.directories["domain/CORP"].writes == []
    assert full.password("adapter/late", "alice") == "Same"
    full.system(replace(ALL_ON, from_windows_to_adapters=False))
    with full.store.write() as tx:
        tx.fingerprints.put(ExternalAccount("ldap", "alice"), Fingerprint())
    again = full.external("ldap", "alice", "Same")
    full.settle()
    assert full.outcome(again) == ("completed", "")


def test_an_external_change_older_than_what_windows_has_does_not_change_windows(full: PipelineBench) -> None:
    with full.store.write() as tx:
        known = Fingerprint(in_force=b"newer", sequence=99, set_by="report", set_at=tx.now)
        tx.fingerprints.put(WindowsAccount("CORP", "alice"), known)
        tx.fingerprints.put(ExternalAccount("racf", "ALICE1"), known)
    change = full.external("ldap", "alice", "Older")
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert full.password("domain/CORP", "alice") == "old"
    assert [e.fields["reason"] for e in full.events("windowsNotChanged")] == ["stale"]
    behind = full.windows("bob", "x")
    full.map("RACF", "bob", "ALICE1")
    full.settle()
    assert [e.fields["reason"] for e in full.events("mappingSkipped")] == ["stale"]
    assert full.outcome(behind)[0] == "completed"


def test_a_report_that_came_before_a_newer_delivery_is_stale(full: PipelineBench) -> None:
    with full.store.write() as tx:
        known = Fingerprint(in_force=b"newer", sequence=99, set_by="delivery", set_at=tx.now)
        tx.fingerprints.put(ExternalAccount("ldap", "alice"), known)
    change = full.external("ldap", "alice", "Older")
    full.settle()
    assert full.outcome(change) == ("discarded", "stale")


def test_a_filter_that_fails_while_the_others_follow_fails_the_change(full: PipelineBench) -> None:
    full.put(Kind.ADAPTER, "racf", replace(FULL_ADAPTER, filter="absent"))
    change = full.external("ldap", "alice", "New-1")
    full.settle()
    assert full.password("domain/CORP", "alice") == "New-1"
    assert full.outcome(change) == ("failed", "filterUnusable")


def test_a_conflict_found_once_windows_has_the_password_fails_the_change(full: PipelineBench) -> None:
    full.put(Kind.APPLICATION, "RACF2", Application(adapter="racf"))
    full.map("RACF2", "alice", "ALICE2")
    change = full.external("ldap", "alice", "New-1")
    full.settle()
    assert full.password("domain/CORP", "alice") == "New-1"
    assert full.password("adapter/racf", "ALICE1") == "old"
    assert full.outcome(change) == ("failed", "mappingConflict")
    assert full.change(change).sealed_password is None


@pytest.mark.parametrize("guess", ["In-force-1", "Another-1"])
def test_a_wrong_old_password_says_nothing_about_the_new_one(bench: PipelineBench, guess: str) -> None:
    bench.adapter("ldap", VERIFYING, "alice")
    bench.map("LDAP", "alice", "alice")
    bench.windows("alice", "In-force-1")
    bench.settle()
    change = bench.external("ldap", "alice", guess, old="nonsense")
    bench.settle()
    assert bench.outcome(change) == ("failed", "oldPasswordWrong")


def test_a_repeat_with_the_right_old_password_is_damped(bench: PipelineBench) -> None:
    bench.adapter("ldap", VERIFYING, "alice")
    bench.map("LDAP", "alice", "alice")
    bench.windows("alice", "In-force-1")
    bench.settle()
    change = bench.external("ldap", "alice", "In-force-1", old="In-force-1")
    bench.settle()
    assert bench.outcome(change) == ("discarded", "damped")
