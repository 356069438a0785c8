"""Direction 1: Windows to external."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.actor import Actor
from controller.model.filters import PasswordFilter, parse_rules
from controller.model.secret import Secret
from controller.model.topology import Application, CredentialField, Kind
from tests.doubles.pipeline import ALL_ON, FULL_ADAPTER, OPEN_ADAPTER, START, PipelineBench


def test_a_windows_change_reaches_every_mapped_account_and_the_credentials_follow(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.adapter("racf", OPEN_ADAPTER, "ALICE1")
    bench.map("LDAP", "alice", "alice")
    bench.map("RACF", "alice", "ALICE1")
    change = bench.windows("alice", "New-1")
    bench.settle()
    assert bench.password("adapter/ldap", "alice") == bench.password("adapter/racf", "ALICE1") == "New-1"
    assert bench.stored("LDAP", "alice") == bench.stored("RACF", "ALICE1") == "New-1"
    assert bench.outcome(change) == ("completed", "")
    assert [d.state for d in bench.deliveries(change)] == ["confirmed", "confirmed"]


def test_the_stored_credential_stays_until_the_target_has_confirmed(bench: PipelineBench) -> None:
    directory = bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    bench.credentials.set("LDAP", "alice", password=Secret("old"), by=Actor("test"))
    directory.policy = lambda _: "too simple"
    change = bench.windows("alice", "New-1")
    bench.settle()
    assert bench.stored("LDAP", "alice") == "old"
    assert bench.outcome(change) == ("failed", "deliveryParked")
    (delivery,) = bench.deliveries(change)
    assert (delivery.state, delivery.code) == ("parked", "passwordRejected")
    assert "too simple" in delivery.message


def test_a_finished_change_and_a_settled_delivery_forget_their_passwords(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.windows("alice", "New-1")
    assert bench.change(change).sealed_password is not None
    bench.settle()
    assert bench.change(change).sealed_password is None
    assert [d.sealed_password for d in bench.deliveries(change)] == [None]


def test_the_filter_makes_the_external_password(bench: PipelineBench) -> None:
    bench.password_filter("upper8", PasswordFilter(parse_rules("uc/rc/2/#@/tr/8/")))
    bench.adapter("racf", replace(OPEN_ADAPTER, filter="upper8"), "ALICE1")
    bench.map("RACF", "alice", "ALICE1")
    bench.windows("alice", "pa#s@sword99")
    bench.settle()
    assert bench.password("adapter/racf", "ALICE1") == "PASSWORD"
    assert bench.stored("RACF", "ALICE1") == "PASSWORD"


@pytest.mark.parametrize("filter_name", ["nothing", "absent"])
def test_an_unusable_filter_fails_the_change_and_nothing_is_sent(bench: PipelineBench, filter_name: str) -> None:
    bench.password_filter("nothing", PasswordFilter(parse_rules("rc/3/abc/")))
    directory = bench.adapter("racf", replace(OPEN_ADAPTER, filter=filter_name), "ALICE1")
    bench.map("RACF", "alice", "ALICE1")
    change = bench.windows("alice", "abc")
    bench.settle()
    assert bench.outcome(change) == ("failed", "filterUnusable")
    assert directory.writes == []


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda b: b.map("APP", "alice", "a", enabled=False), "mappingDisabled"),
        (lambda b: b.put(Kind.APPLICATION, "APP", Application(adapter="app", enabled=False)), "applicationDisabled"),
        pytest.param(lambda b: b.remove(Kind.APPLICATION, "APP"), "applicationDisabled", id="application gone"),
        (
            lambda b: b.put(Kind.APPLICATION, "APP", Application(adapter="app", type="hostGroup")),
            "wrongApplicationType",
        ),
        pytest.param(
            lambda b: b.put(
                Kind.APPLICATION, "APP", Application(adapter="app", fields=tuple(map(CredentialField, "uvw")))
            ),
            "wrongApplicationType",
            id="no password field",
        ),
        (lambda b: b.put(Kind.APPLICATION, "APP", Application()), "noAdapter"),
        (lambda b: b.put(Kind.ADAPTER, "app", replace(OPEN_ADAPTER, enabled=False)), "adapterDisabled"),
        pytest.param(lambda b: b.remove(Kind.ADAPTER, "app"), "adapterDisabled", id="adapter gone"),
        (lambda b: b.put(Kind.ADAPTER, "app", replace(OPEN_ADAPTER, sync_to_adapter=False)), "adapterDoesNotSend"),
    ],
)
def test_a_mapping_that_must_not_be_followed_is_skipped_with_its_reason(bench: PipelineBench, spoil, reason) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # a table of lambdas
    directory = bench.adapter("app", OPEN_ADAPTER, "a")
    bench.map("APP", "alice", "a")
    spoil(bench)
    change = bench.windows("alice", "New-1")
    bench.settle()
    assert bench.outcome(change) == ("discarded", "noTarget")
    assert [e.fields["reason"] for e in bench.events("mappingSkipped")] == [reason]
    assert directory.writes == []


def test_a_change_of_an_unmapped_account_is_discarded_and_nothing_about_it_is_kept(bench: PipelineBench) -> None:
    change = bench.windows("bob", "New-1")
    bench.settle()
    assert bench.outcome(change) == ("discarded", "noMapping")
    assert bench.change(change).sealed_password is None
    assert bench.stored_windows("bob") is None


def test_two_accounts_of_one_system_are_a_conflict_and_neither_is_changed(bench: PipelineBench) -> None:
    directory = bench.adapter("racf", OPEN_ADAPTER, "A1", "A2")
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="racf"))
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "alice", "A2")
    bench.map("LDAP", "alice", "alice")
    change = bench.windows("alice", "New-1")
    bench.settle()
    assert directory.writes == []
    assert bench.password("adapter/ldap", "alice") == "New-1"
    assert bench.outcome(change) == ("failed", "mappingConflict")


def test_a_conflict_that_the_adapter_allows_changes_both(bench: PipelineBench) -> None:
    bench.adapter("racf", replace(OPEN_ADAPTER, allow_mapping_conflicts=True), "A1", "A2")
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="racf"))
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "alice", "A2")
    change = bench.windows("alice", "New-1")
    bench.settle()
    assert bench.password("adapter/racf", "A1") == bench.password("adapter/racf", "A2") == "New-1"
    assert bench.outcome(change) == ("completed", "")


def test_one_account_mapped_in_two_applications_of_an_adapter_is_written_once(bench: PipelineBench) -> None:
    directory = bench.adapter("racf", OPEN_ADAPTER, "A1")
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="racf"))
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "alice", "A1")
    bench.windows("alice", "New-1")
    bench.settle()
    assert len(directory.writes) == 1
    assert bench.stored("RACF", "A1") == bench.stored("SECOND", "A1") == "New-1"


def test_the_windows_password_is_kept_only_where_full_sync_will_need_it(full: PipelineBench) -> None:
    full.adapter("plain", OPEN_ADAPTER, "bob")
    full.map("PLAIN", "bob", "bob")
    full.windows("alice", "New-1")
    full.windows("bob", "New-2")
    full.settle()
    assert full.stored_windows("alice") == "New-1"
    assert full.stored_windows("bob") is None


@pytest.mark.parametrize("has_directory", [True, False])
def test_a_domain_that_resets_or_only_reports_keeps_no_windows_password(
    bench: PipelineBench, *, has_directory: bool
) -> None:
    bench.domain(has_directory=has_directory, password_change="reset")
    bench.adapter("ldap", FULL_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    bench.windows("alice", "New-1")
    bench.settle()
    assert bench.stored_windows("alice") is None


def test_a_newer_change_supersedes_a_pending_older_one(bench: PipelineBench) -> None:
    directory = bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    first = bench.windows("alice", "New-1")
    bench.route()
    second = bench.windows("alice", "New-2")
    bench.settle()
    assert [w.password for w in directory.writes] == ["New-2"]
    assert bench.outcome(first) == ("discarded", "superseded")
    assert bench.outcome(second) == ("completed", "")


def test_a_newer_change_supersedes_a_parked_older_one(bench: PipelineBench) -> None:
    directory = bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    directory.policy = lambda password: "no" if password == "bad" else None
    first = bench.windows("alice", "bad")
    bench.settle()
    bench.windows("alice", "good")
    bench.settle()
    assert bench.outcome(first) == ("discarded", "superseded")
    assert bench.password("adapter/ldap", "alice") == "good"


def test_a_change_older_than_the_maximum_sync_age_is_discarded_from_the_queue(bench: PipelineBench) -> None:
    bench.system(replace(ALL_ON, max_sync_age=timedelta(hours=1)))
    directory = bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    unrouted = bench.windows("alice", "New-1")
    bench.wait(timedelta(hours=2))
    bench.settle()
    assert bench.outcome(unrouted) == ("discarded", "expired")
    routed = bench.windows("alice", "New-2")
    bench.route()
    bench.wait(timedelta(hours=2))
    bench.settle()
    assert bench.outcome(routed) == ("failed", "deliveryExpired")
    assert directory.writes == []


def test_the_source_s_own_time_counts_for_the_sync_age(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.windows("alice", "New-1", at=START - timedelta(hours=23, minutes=59))
    bench.wait(timedelta(minutes=2))
    bench.settle()
    assert bench.outcome(change) == ("discarded", "expired")
