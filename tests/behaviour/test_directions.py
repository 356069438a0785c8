"""Directions and who may send: rows D1 to D7."""

from dataclasses import replace
from functools import partial

import pytest

from controller.model.errors import InvalidInput, NotFound, Refused
from controller.model.topology import AcceptedSources, Access, Application, Domain, Kind, Source, System
from controller.pipeline.intake import Caller
from controller.ports.changes import ChangeQuery
from tests.doubles.pipeline import ALL_ON, FULL_ADAPTER, OPEN_ADAPTER, PipelineBench

SOURCE = Caller("dc1")
AGENT = Caller("racf-agent")
STRANGER = Caller("somebody")


@pytest.fixture
def mapped(bench: PipelineBench) -> PipelineBench:
    """Alice is mapped to ALICE1 on the adapter ``racf``, whose user is ``racf-agent``."""
    bench.adapter("racf", replace(OPEN_ADAPTER, access=Access(users=("racf-agent",))), "ALICE1")
    bench.map("RACF", "alice", "ALICE1")
    return bench


def reason_of_refusal(bench: PipelineBench, caller: Caller, *, windows: bool) -> str:
    """Why a report is refused; the refusal is recorded with caller and reason, and nothing else is."""
    report = partial(bench.windows, "alice") if windows else partial(bench.external, "racf", "ALICE1")
    with pytest.raises(Refused) as caught:
        report("new", by=caller)
    refused, *others = bench.events()
    assert (refused.name, others) == ("changeRefused", [])
    assert refused.fields == {"caller": caller.principal, "reason": caught.value.reason}
    return caught.value.reason


def test_d1_a_source_of_the_domain_reports_its_accounts(mapped: PipelineBench) -> None:
    change = mapped.windows("alice", "new", by=SOURCE)
    mapped.settle()
    assert mapped.outcome(change) == ("completed", "")
    assert [e.fields for e in mapped.events("windowsChangeAccepted")] == [{"caller": "dc1"}]


@pytest.mark.parametrize("caller", [STRANGER, AGENT])
def test_d1_nobody_else_does(mapped: PipelineBench, caller: Caller) -> None:
    assert reason_of_refusal(mapped, caller, windows=True) == "sourceNotAllowed"


def test_d1_a_source_reports_no_other_domain(mapped: PipelineBench) -> None:
    with pytest.raises(NotFound, match="there is no domain LAB"):
        mapped.windows("LAB\\alice", "new", by=SOURCE)


@pytest.mark.parametrize(
    ("switches", "refused", "accepted"),
    [
        (AcceptedSources(domain_controllers=False), "dc1", "idm"),
        (AcceptedSources(identity_managers=False), "idm", "dc1"),
    ],
)
def test_d1_kinds_of_sources_are_switched_separately(
    mapped: PipelineBench, switches: AcceptedSources, refused: str, accepted: str
) -> None:
    sources = (Source("dc1"), Source("idm", "identityManager"))
    mapped.put(Kind.DOMAIN, "CORP", Domain("corp.example.com", sources=sources))
    mapped.system(replace(ALL_ON, sources=switches))
    with pytest.raises(Refused, match=r"sources of its type .* are switched off") as caught:
        mapped.windows("alice", "new", by=Caller(refused))
    assert caught.value.reason == "sourceTypeOff"
    (event,) = mapped.events()
    assert (event.name, event.account) == ("sourceTypeRefused", "CORP\\alice")
    assert event.fields == {"caller": refused, "reason": "sourceTypeOff"}
    assert mapped.windows("alice", "new", by=Caller(accepted))


def test_d1_a_source_of_both_kinds_reports_while_one_of_them_is_on(mapped: PipelineBench) -> None:
    both = (Source("dc1"), Source("dc1", "identityManager"))
    mapped.put(Kind.DOMAIN, "CORP", Domain("corp.example.com", sources=both))
    mapped.system(replace(ALL_ON, sources=AcceptedSources(domain_controllers=False)))
    assert mapped.windows("alice", "new", by=SOURCE)
    mapped.system(replace(ALL_ON, sources=AcceptedSources(domain_controllers=False, identity_managers=False)))
    with pytest.raises(Refused, match=r"domainController, identityManager"):
        mapped.windows("alice", "new", by=SOURCE)


def test_d1_with_the_switch_off_nothing_is_accepted_from_windows(mapped: PipelineBench) -> None:
    mapped.system(replace(ALL_ON, from_windows_to_adapters=False))
    assert reason_of_refusal(mapped, SOURCE, windows=True) == "windowsToAdaptersOff"


def test_d2_partial_sync_updates_the_database_and_leaves_windows_alone(mapped: PipelineBench) -> None:
    change = mapped.external("racf", "ALICE1", "new", by=AGENT)
    mapped.settle()
    assert mapped.outcome(change) == ("completed", "")
    assert mapped.stored("RACF", "ALICE1") == "new"
    assert mapped.password("domain/CORP", "alice") == "old"


@pytest.mark.parametrize("caller", [STRANGER, SOURCE])
def test_d2_only_a_user_of_the_adapter_reports_for_it(mapped: PipelineBench, caller: Caller) -> None:
    assert reason_of_refusal(mapped, caller, windows=False) == "callerNotAllowed"


def test_d2_both_the_switch_and_the_adapter_must_allow_it(mapped: PipelineBench) -> None:
    mapped.system(replace(ALL_ON, from_adapters_to_database=False))
    assert reason_of_refusal(mapped, AGENT, windows=False) == "adaptersToDatabaseOff"


def test_d2_an_adapter_that_takes_no_changes_refuses_them(mapped: PipelineBench) -> None:
    access = Access(users=("racf-agent",))
    mapped.put(Kind.ADAPTER, "racf", replace(OPEN_ADAPTER, access=access, sync_from_adapter=False))
    assert reason_of_refusal(mapped, AGENT, windows=False) == "syncFromAdapterOff"


def test_d3_full_sync_goes_on_to_windows_and_from_there_to_the_others(full: PipelineBench) -> None:
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert full.password("domain/CORP", "alice") == "new"
    assert full.password("adapter/racf", "ALICE1") == "new"


@pytest.mark.parametrize(
    ("system", "adapter"),
    [
        (replace(ALL_ON, from_adapters_to_windows=False), FULL_ADAPTER),
        (ALL_ON, replace(FULL_ADAPTER, change_windows_password=False)),
    ],
    ids=["system", "adapter"],
)
def test_d3_both_the_switch_and_the_adapter_must_allow_full_sync(
    full: PipelineBench, system: System, adapter: object
) -> None:
    full.system(system)
    full.put(Kind.ADAPTER, "ldap", adapter)  # type: ignore[arg-type]  # an Adapter
    change = full.external("ldap", "alice", "new")
    full.settle()
    assert full.outcome(change) == ("completed", "")
    assert full.stored("LDAP", "alice") == "new"
    assert full.password("domain/CORP", "alice") == "old"


def test_d5_a_disabled_adapter_takes_nothing_and_gets_nothing(mapped: PipelineBench) -> None:
    access = Access(users=("racf-agent",))
    mapped.put(Kind.ADAPTER, "racf", replace(OPEN_ADAPTER, access=access, enabled=False))
    assert reason_of_refusal(mapped, AGENT, windows=False) == "adapterDisabled"
    change = mapped.windows("alice", "new")
    mapped.settle()
    assert mapped.outcome(change) == ("discarded", "noTarget")
    assert mapped.password("adapter/racf", "ALICE1") == "old"


@pytest.mark.parametrize("reports_windows", [True, False])
def test_d6_an_empty_password_is_refused_and_recorded_once_a_minute(
    mapped: PipelineBench, reports_windows: bool
) -> None:
    for _ in range(3):
        with pytest.raises(InvalidInput, match="empty"):
            _ = mapped.windows("alice", "") if reports_windows else mapped.external("racf", "ALICE1", "")
    (refused,) = mapped.events()
    assert (refused.name, refused.fields["reason"]) == ("changeRefused", "emptyPassword")
    assert refused.account == (r"CORP\alice" if reports_windows else "ALICE1")
    with mapped.store.read() as tx:
        assert tx.changes.find(ChangeQuery()) == []


def test_d6_who_may_not_report_at_all_is_refused_for_that(mapped: PipelineBench) -> None:
    with pytest.raises(Refused) as caught:
        mapped.windows("alice", "", by=STRANGER)
    assert caught.value.reason == "sourceNotAllowed"


@pytest.mark.parametrize(
    "account", ["alice@corp.example.com", "CORP/alice", "\\alice", "CORP\\", "corp.example.com\\al"]
)
def test_d7_another_form_than_domain_and_user_is_refused(bench: PipelineBench, account: str) -> None:
    with pytest.raises(InvalidInput):
        bench.windows(account if "\\" in account else f"\\{account}", "new")


def test_d7_upper_and_lower_case_are_one_account(mapped: PipelineBench) -> None:
    change = mapped.windows("corp\\ALICE", "new")
    mapped.settle()
    assert mapped.outcome(change) == ("completed", "")
    assert mapped.password("adapter/racf", "ALICE1") == "new"


@pytest.fixture
def direct(bench: PipelineBench) -> PipelineBench:
    """Alice is mapped in an application without an adapter, whose password is the Windows password."""
    bench.put(Kind.APPLICATION, "DIRECT", Application(direct_password_sync=True))
    bench.map("DIRECT", "alice", "alice.smith")
    return bench


def test_d4_with_direct_sync_the_stored_credential_becomes_the_windows_password_at_once(direct: PipelineBench) -> None:
    change = direct.windows("alice", "new")
    direct.settle()
    assert direct.outcome(change) == ("completed", "")
    assert direct.deliveries(change) == []
    assert direct.stored("DIRECT", "alice.smith") == "new"
    (updated,) = direct.events("credentialUpdated")
    assert (updated.tracking_id, updated.adapter, updated.account) == (change, "", "alice.smith")


def test_d4_the_newest_password_wins(direct: PipelineBench) -> None:
    direct.windows("alice", "first")
    direct.windows("alice", "second")
    direct.settle()
    assert direct.stored("DIRECT", "alice.smith") == "second"


def test_d4_it_follows_full_sync_once_windows_has_confirmed(full: PipelineBench) -> None:
    full.put(Kind.APPLICATION, "DIRECT", Application(direct_password_sync=True))
    full.map("DIRECT", "alice", "alice.smith")
    full.external("ldap", "alice", "new")
    full.route()
    assert full.stored("DIRECT", "alice.smith") is None
    full.settle()
    assert full.stored("DIRECT", "alice.smith") == "new"


def test_d4_a_disabled_mapping_is_not_followed(direct: PipelineBench) -> None:
    direct.map("DIRECT", "alice", "alice.smith", enabled=False)
    change = direct.windows("alice", "new")
    direct.settle()
    assert direct.outcome(change) == ("discarded", "noTarget")
    assert direct.stored("DIRECT", "alice.smith") is None
