"""Only users of an application are validly mapped, as the directories last told (M1, E4, A13)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.topology import Access, Application, Kind
from controller.pipeline.surroundings import look_around, rebuild
from controller.ports.windows_groups import GroupReading
from controller.store.opening import scratch_store
from tests.doubles.pipeline import FULL_ADAPTER, OPEN_ADAPTER, START, PipelineBench

ALICE = WindowsAccount("CORP", "alice")
BOB = WindowsAccount("CORP", "bob")
STAFF = WindowsAccount("CORP", "staff")
OPS = WindowsAccount("CORP", "ops")


def told(bench: PipelineBench, name: WindowsAccount, *accounts: WindowsAccount) -> None:
    """The directory has told who stands behind a name."""
    with bench.store.write() as tx:
        tx.windows_groups.note(name, GroupReading(START, len(accounts)))
        tx.windows_groups.add(name, accounts)


def not_told(bench: PipelineBench, *names: WindowsAccount) -> None:
    """The directory was asked about names, and did not answer."""
    with bench.store.write() as tx:
        for name in names:
            tx.windows_groups.note(name, GroupReading(None, 0, "away"))


def restrict(bench: PipelineBench, application: str, *names: WindowsAccount) -> None:
    """Give an application users; its adapter has its name in lower case."""
    spec = Application(adapter=application.lower(), access=Access(users=tuple(map(str, names))))
    bench.put(Kind.APPLICATION, application, spec)


def skipped(bench: PipelineBench) -> list[tuple[str, str]]:
    """Mapping and reason of every skip, oldest first."""
    return [(e.fields["mapping"], e.fields["reason"]) for e in reversed(bench.events("mappingSkipped"))]


@pytest.fixture
def two(bench: PipelineBench) -> PipelineBench:
    """Alice is mapped on the adapters ``one`` and ``two``; only the application of the first names users."""
    bench.adapter("one", OPEN_ADAPTER, "A1")
    bench.adapter("two", OPEN_ADAPTER, "A2")
    bench.map("ONE", "alice", "A1")
    bench.map("TWO", "alice", "A2")
    restrict(bench, "ONE", STAFF)
    return bench


def test_who_is_no_user_is_skipped_and_the_other_mappings_are_followed(two: PipelineBench) -> None:
    told(two, STAFF, BOB)
    change = two.windows("alice", "new")
    two.settle()
    assert skipped(two) == [("Mapping/ONE/CORP\\alice/A1", "notAnApplicationUser")]
    assert two.outcome(change) == ("completed", "")
    assert (two.password("adapter/one", "A1"), two.password("adapter/two", "A2")) == ("old", "new")


def test_a_member_is_a_user(two: PipelineBench) -> None:
    told(two, STAFF, ALICE)
    two.windows("alice", "new")
    two.settle()
    assert skipped(two) == []
    assert two.password("adapter/one", "A1") == "new"


def test_one_of_several_names_is_enough_whatever_is_known_of_the_others(two: PipelineBench) -> None:
    restrict(two, "ONE", STAFF, OPS)
    told(two, OPS, ALICE)
    two.windows("alice", "new")
    two.settle()
    assert skipped(two) == []


def test_while_a_name_was_never_read_the_reason_says_so(two: PipelineBench) -> None:
    restrict(two, "ONE", STAFF, OPS)
    told(two, OPS, BOB)
    not_told(two, STAFF)
    two.windows("alice", "new")
    two.settle()
    assert skipped(two) == [("Mapping/ONE/CORP\\alice/A1", "applicationUsersUnknown")]
    assert two.password("adapter/one", "A1") == "old"


def test_a_change_waits_while_nobody_has_asked_yet_and_holds_up_no_other_account(two: PipelineBench) -> None:
    two.map("TWO", "bob", "A2")
    first, other, second = two.windows("alice", "new"), two.windows("bob", "his"), two.windows("alice", "newer")
    two.settle()
    assert [two.outcome(each) for each in (first, second)] == [("accepted", "")] * 2
    assert two.outcome(other) == ("completed", "")
    assert skipped(two) == []
    told(two, STAFF, ALICE)
    two.settle()
    assert [two.outcome(each) for each in (first, second)] == [("discarded", "superseded"), ("completed", "")]
    assert (two.password("adapter/one", "A1"), two.password("adapter/two", "A2")) == ("newer", "newer")


def test_a_change_waits_no_longer_than_until_the_directory_did_not_answer(two: PipelineBench) -> None:
    restrict(two, "ONE", STAFF, OPS)
    not_told(two, OPS)
    change = two.windows("alice", "new")
    two.settle()
    assert two.outcome(change) == ("accepted", "")
    not_told(two, STAFF)
    two.settle()
    assert two.outcome(change) == ("completed", "")
    assert skipped(two) == [("Mapping/ONE/CORP\\alice/A1", "applicationUsersUnknown")]


def test_a_change_that_waits_expires_like_any_other(two: PipelineBench) -> None:
    change = two.windows("alice", "new")
    two.settle()
    two.now += timedelta(days=30)
    two.settle()
    assert two.outcome(change) == ("discarded", "expired")


def test_nobody_waits_for_a_name_that_decides_nothing_or_cannot_be_asked_about(two: PipelineBench) -> None:
    two.domain("LAB", has_directory=False)
    restrict(two, "ONE", WindowsAccount("LAB", "eve"), WindowsAccount("NOWHERE", "x"))
    change = two.windows("alice", "new")
    two.settle()
    assert two.outcome(change) == ("completed", "")
    restrict(two, "ONE", STAFF)
    two.map("ONE", "alice", "A1", enabled=False)
    change = two.windows("alice", "newer")
    two.settle()
    assert two.outcome(change) == ("completed", "")
    assert skipped(two)[0][1] == "applicationUsersUnknown"
    assert skipped(two)[1][1] == "mappingDisabled"


def test_an_external_change_waits_too_also_for_those_who_would_follow_after_windows(full: PipelineBench) -> None:
    restrict(full, "LDAP", STAFF)
    restrict(full, "RACF", OPS)
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("accepted", "")
    told(full, STAFF, ALICE)
    full.settle()
    assert full.outcome(change) == ("accepted", "")
    assert full.password("domain/CORP", "alice") == "old"
    told(full, OPS, ALICE)
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert full.password("adapter/racf", "ALICE1") == "new"


def test_an_account_that_is_named_itself_needs_no_directory(two: PipelineBench) -> None:
    restrict(two, "ONE", STAFF, ALICE)
    two.windows("alice", "new")
    two.settle()
    assert skipped(two) == []


def test_a_name_that_was_removed_counts_no_more_although_its_members_are_still_known(two: PipelineBench) -> None:
    told(two, STAFF, ALICE)
    told(two, OPS, BOB)
    restrict(two, "ONE", OPS)
    two.windows("alice", "new")
    two.settle()
    assert skipped(two) == [("Mapping/ONE/CORP\\alice/A1", "notAnApplicationUser")]


def test_another_reason_not_to_follow_comes_first(two: PipelineBench) -> None:
    told(two, STAFF, BOB)
    two.map("ONE", "alice", "A1", enabled=False)
    two.windows("alice", "new")
    two.settle()
    assert skipped(two) == [("Mapping/ONE/CORP\\alice/A1", "mappingDisabled")]


def test_an_external_change_updates_nothing_for_who_is_no_user(full: PipelineBench) -> None:
    restrict(full, "LDAP", STAFF)
    told(full, STAFF, BOB)
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("discarded", "noTarget")
    assert skipped(full) == [("Mapping/LDAP/CORP\\alice/alice", "notAnApplicationUser")]
    assert full.stored("LDAP", "alice") is None
    assert full.password("domain/CORP", "alice") == "old"


def test_after_full_sync_who_is_no_user_is_skipped_too(full: PipelineBench) -> None:
    restrict(full, "RACF", STAFF)
    told(full, STAFF, BOB)
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert full.password("domain/CORP", "alice") == "new"
    assert skipped(full) == [("Mapping/RACF/CORP\\alice/ALICE1", "notAnApplicationUser")]
    assert full.password("adapter/racf", "ALICE1") == "old"


def test_a_mapping_that_is_not_valid_is_no_way_back_to_another_account(full: PipelineBench) -> None:
    full.put(Kind.APPLICATION, "OTHER", Application(adapter="ldap", access=Access(users=(str(STAFF),))))
    full.map("OTHER", "alice", "alice2")
    not_told(full, STAFF)
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert full.password("domain/CORP", "alice") == "new"
    told(full, STAFF, ALICE)
    conflicting = full.external("ldap", "alice", "newer")
    full.settle()
    assert full.outcome(conflicting) == ("failed", "mappingConflict")


def test_several_windows_accounts_of_one_external_account_are_judged_one_by_one(bench: PipelineBench) -> None:
    bench.adapter("one", replace(FULL_ADAPTER, allow_mapping_conflicts=True), "A1")
    spec = Application(type="group", adapter="one", access=Access(users=(str(STAFF),)))
    bench.put(Kind.APPLICATION, "ONE", spec)
    for user in ("alice", "bob"):
        bench.map("ONE", user, "A1")
        bench.set_stored_windows(user, "old")
    told(bench, STAFF, BOB)
    bench.external("one", "A1", "new")
    bench.settle()
    assert skipped(bench) == [("Mapping/ONE/CORP\\alice/A1", "notAnApplicationUser")]
    assert (bench.password("domain/CORP", "alice"), bench.password("domain/CORP", "bob")) == ("old", "new")


def test_a_simulation_knows_what_is_known_of_users(two: PipelineBench) -> None:
    told(two, STAFF, BOB, ALICE)
    told(two, OPS, ALICE)
    with two.store.read() as tx:
        picture = look_around(tx, ALICE)
    assert picture.groups == {STAFF: GroupReading(START, 2)}
    assert picture.memberships == {(ALICE, STAFF)}
    restrict(two, "ONE", STAFF, OPS, BOB)
    with two.store.read() as tx:
        assert look_around(tx, ALICE).groups[BOB] == GroupReading(None)  # a simulation waits for nobody
    copy = scratch_store(clock=lambda: START)
    with copy.write() as tx:
        rebuild(tx, picture)
        assert tx.windows_groups.answered([STAFF]) == {STAFF}
        assert tx.windows_groups.members(STAFF) == {ALICE}
    copy.close()
