"""A simulation says what the pipeline then does, and leaves no trace in the store."""

from collections.abc import Collection, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.constraints import Capabilities, Constraints
from controller.model.delivery import DeliveryState
from controller.model.errors import Indeterminate, NotFound, Refused
from controller.model.filters import PasswordFilter, Remove
from controller.model.secret import Secret
from controller.model.topology import Application, Kind, Mapping, System
from controller.pipeline.intake import Report
from controller.pipeline.simulation import Simulated, Simulation, _Stand
from controller.pipeline.surroundings import look_around, mappings_around, rebuild
from controller.pipeline.topology import Topology, TopologyReader
from controller.store.opening import scratch_store
from tests.doubles.pipeline import ALL_ON, FULL_ADAPTER, LOCAL, OPEN_ADAPTER, PipelineBench, pipeline_bench

ALICE = WindowsAccount("CORP", "alice")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[PipelineBench]:
    with pipeline_bench(tmp_path) as bench:
        bench.system(ALL_ON)
        bench.domain()
        yield bench


def simulate(
    bench: PipelineBench,
    account: Account,
    password: str = "Ma5-de-up",
    *,
    old: str | None = None,
    policies: ReadOnlyMapping[str, Constraints] | None = None,
    unusable: Collection[str] = (),
) -> Simulated:
    """What would happen, from a picture of the bench's store, with *policies* of lanes; none to *unusable* ones."""

    def capabilities(topology: Topology, lane: str) -> Capabilities:
        if lane in unusable:
            raise NotFound("there is no such connector")
        kind, _, name = lane.partition("/")
        needs_old = kind == "domain" and topology.domains[name].needs_old_password
        return bench.capabilities.get(lane, Capabilities(needs_old_password=needs_old))

    def refusal(lane: str, _: str, password: Secret) -> str | None:
        return (policies or {}).get(lane, Constraints()).violation(password)

    with bench.store.read() as tx:
        picture = look_around(tx, account)
    scratch = scratch_store(clock=lambda: bench.now)
    with scratch.write() as tx:
        rebuild(tx, picture)
    report = Report(account, Secret(password), None if old is None else Secret(old))
    result = Simulation(scratch, bench.sealer, bench.new_id, capabilities, refusal).play(report, LOCAL)
    scratch.close()
    return result


def told(result: Simulated) -> list[tuple[str, str, str]]:
    """Account, outcome and reason of each fate."""
    return [(str(fate.account), fate.outcome, fate.reason) for fate in result.fates]


def agrees_with_what_happens(bench: PipelineBench, result: Simulated, tracking_id: str) -> None:
    """The change that is made afterwards ends as was foretold."""
    bench.settle()
    assert result.change is not None
    assert (result.change.state.value, result.change.reason) == bench.outcome(tracking_id)
    foretold = [(str(d.account), d.state, d.message) for d in result.deliveries]
    assert foretold == [(str(d.account), d.state, d.message) for d in bench.deliveries(tracking_id)]
    happened = [e.name for e in reversed(bench.events()) if e.tracking_id == tracking_id]
    assert sorted(e.name for e in result.events if e.tracking_id == result.change.tracking_id) == sorted(happened)


def test_a_windows_change_is_foretold_with_its_events(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.adapter("racf", OPEN_ADAPTER, "AL1")
    bench.map("LDAP", "alice", "al")
    bench.map("RACF", "alice", "AL1", enabled=False)
    result = simulate(bench, ALICE)
    assert told(result) == [("ldap:al", "delivered", ""), ("racf:AL1", "skipped", "mappingDisabled")]
    assert result.fates[0].events == ("deliveryCreated", "deliveryConfirmed", "credentialUpdated")
    assert result.fates[1].events == ("mappingSkipped",)
    agrees_with_what_happens(bench, result, bench.windows("alice", "Re4-al-ly"))


@pytest.fixture
def joined(bench: PipelineBench) -> PipelineBench:
    """An adapter that allows conflicts: alice has two accounts there, and bob one of them too."""
    bench.adapter("racf", replace(FULL_ADAPTER, allow_mapping_conflicts=True), "A1", "A2")
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="racf"))
    bench.map("RACF", "alice", "A1")
    bench.map("SECOND", "alice", "A2")
    bench.map("SECOND", "bob", "A1")
    for user in ("alice", "bob"):
        bench.set_stored_windows(user, "old")
    return bench


def test_accounts_that_a_windows_change_joins_are_foretold_where_the_adapter_allows_it(joined: PipelineBench) -> None:
    result = simulate(joined, ALICE)
    told = [event.fields["accounts"] for event in result.events if event.name == "mappingConflictAllowed"]
    assert told == [["racf:A1", "racf:A2"], [r"CORP\alice", r"CORP\bob"]]
    assert all("mappingConflictAllowed" in fate.events for fate in result.fates if fate.outcome == "delivered")
    agrees_with_what_happens(joined, result, joined.windows("alice", "Re4-al-ly"))


def test_windows_accounts_that_an_external_change_joins_are_foretold_likewise(joined: PipelineBench) -> None:
    result = simulate(joined, ExternalAccount("racf", "A1"))
    windows = [fate for fate in result.fates if fate.mapping is None]
    assert [str(fate.account) for fate in windows] == [r"CORP\alice", r"CORP\bob"]
    assert all("mappingConflictAllowed" in fate.events for fate in windows)
    agrees_with_what_happens(joined, result, joined.external("racf", "A1", "An5-ot-her"))


def test_nothing_is_left_in_the_store(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    before = (bench.folder / "bench.db").read_bytes()
    simulate(bench, ALICE)
    assert (bench.folder / "bench.db").read_bytes() == before
    assert bench.events() == []
    bench.windows("alice", "first")
    with bench.store.read() as tx:
        assert [change.sequence for change in tx.changes.claim_unrouted(9)] == [1]


def test_full_sync_is_foretold_from_the_external_account_to_the_last_one(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "al")
    bench.adapter("racf", OPEN_ADAPTER, "AL1")
    bench.map("LDAP", "alice", "al")
    bench.map("RACF", "alice", "AL1")
    bench.set_stored_windows("alice", "old")
    result = simulate(bench, ExternalAccount("ldap", "al"))
    assert told(result) == [
        ("ldap:al", "stored", ""),
        ("racf:AL1", "delivered", ""),
        ("CORP\\alice", "delivered", ""),
    ]
    agrees_with_what_happens(bench, result, bench.external("ldap", "al", "Re4-al-ly"))


def test_a_windows_account_that_would_not_be_changed_is_named_with_its_reason(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    result = simulate(bench, ExternalAccount("ldap", "al"))
    fate = result.fates[-1]
    assert (fate.account, fate.mapping) == (ALICE, None)
    assert fate.outcome == "parked"
    assert "windowsNotChanged" in fate.events
    agrees_with_what_happens(bench, result, bench.external("ldap", "al", "Re4-al-ly"))


def test_what_a_target_would_refuse_is_parked_in_its_words(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    bench.capabilities["adapter/ldap"] = Capabilities(constraints=Constraints(max_length=4))
    result = simulate(bench, ALICE)
    refusal = "the password is longer than the 4 characters that the target takes"
    assert told(result) == [("ldap:al", "parked", refusal)]
    agrees_with_what_happens(bench, result, bench.windows("alice", "Re4-al-ly"))


def test_what_the_policy_of_a_target_would_refuse_is_parked_too(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    policies = {"adapter/ldap": Constraints(min_length=12)}
    refusal = (
        "the policy of the target refuses the password: it is shorter than the 12 characters that the target asks for"
    )
    assert told(simulate(bench, ALICE, policies=policies)) == [("ldap:al", "parked", refusal)]
    assert told(simulate(bench, ALICE, "Lo6-ng-enough", policies=policies)) == [("ldap:al", "delivered", "")]


def test_the_policy_of_the_domain_is_asked_when_a_password_is_changed_with_the_old_one(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    bench.set_stored_windows("alice", "old")
    result = simulate(bench, ExternalAccount("ldap", "al"), policies={"domain/CORP": Constraints(min_length=12)})
    assert [(fate.account, fate.outcome) for fate in result.fates if fate.mapping is None] == [(ALICE, "parked")]


def test_a_filter_that_leaves_nothing_is_named(bench: PipelineBench) -> None:
    bench.password_filter("none", PasswordFilter((Remove("Ma5-de-up"),)))
    bench.adapter("ldap", replace(OPEN_ADAPTER, filter="none"), "al")
    bench.map("LDAP", "alice", "al")
    (fate,) = simulate(bench, ALICE).fates
    assert fate.outcome == "parked"
    assert "filter" in fate.reason


def test_a_sample_that_is_in_force_already_is_damped(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    bench.windows("alice", "In3-for-ce")
    bench.settle()
    result = simulate(bench, ALICE, "In3-for-ce")
    assert told(result) == [("ldap:al", "unaffected", "")]
    assert [event.name for event in result.events][1:] == ["changeDamped", "changeDiscarded"]
    agrees_with_what_happens(bench, result, bench.windows("alice", "In3-for-ce"))
    assert told(simulate(bench, ALICE, "An6-ot-her")) == [("ldap:al", "delivered", "")]


def test_a_waiting_delivery_would_be_superseded_and_is_never_made(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    bench.windows("alice", "Ol7-d-er")
    bench.route()
    result = simulate(bench, ALICE)
    assert told(result) == [("ldap:al", "delivered", "")]
    assert "deliverySuperseded" in [event.name for event in result.events]
    assert len(result.deliveries) == 1


def test_a_change_behind_one_that_is_in_flight_waits(bench: PipelineBench) -> None:
    directory = bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    directory.fail_next(Indeterminate("lost"))
    bench.windows("alice", "Ol7-d-er")
    bench.route()
    bench.new_worker("adapter/ldap").step()  # not settled
    assert told(simulate(bench, ALICE)) == [("ldap:al", "waiting", "")]


def test_old_passwords_are_compared_with_the_stored_ones(bench: PipelineBench) -> None:
    bench.adapter("ldap", replace(OPEN_ADAPTER, verify_old_password=True), "al")
    bench.map("LDAP", "alice", "al")
    account = ExternalAccount("ldap", "al")
    assert told(simulate(bench, account, old="Ri8-gh-t")) == [("ldap:al", "skipped", "noStoredCredential")]
    bench.windows("alice", "Ri8-gh-t")
    bench.settle()
    bench.wait(timedelta(hours=1))
    assert told(simulate(bench, account, old="Ri8-gh-t")) == [("ldap:al", "stored", "")]
    assert told(simulate(bench, account, old="Wr2-o-ng")) == [("ldap:al", "skipped", "oldPasswordWrong")]
    refused = simulate(bench, account).refusal
    assert isinstance(refused, Refused)
    assert refused.reason == "oldPasswordMissing"


def test_a_target_whose_connector_cannot_be_had_waits(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    (fate,) = simulate(bench, ALICE, unusable={"adapter/ldap"}).fates
    assert (fate.outcome, "there is no such connector" in fate.reason) == ("waiting", True)


def test_an_unknown_domain_and_a_switch_that_is_off_refuse(bench: PipelineBench) -> None:
    assert isinstance(simulate(bench, WindowsAccount("LAB", "alice")).refusal, NotFound)
    bench.system(System())
    refused = simulate(bench, ALICE)
    assert isinstance(refused.refusal, Refused)
    assert [event.name for event in refused.events] == ["changeRefused"]


def test_an_account_without_any_mapping_reaches_nothing(bench: PipelineBench) -> None:
    result = simulate(bench, ALICE)
    assert result.fates == ()
    assert result.change is not None
    assert result.change.reason == "noMapping"


def test_mappings_without_an_adapter_are_skipped(bench: PipelineBench) -> None:
    bench.put(Kind.APPLICATION, "PAPER", Application())
    bench.map("PAPER", "alice", "A")
    bench.map("GONE", "alice", "A")
    fates = simulate(bench, ALICE).fates
    assert [(fate.account, fate.outcome) for fate in fates] == [(None, "skipped"), (None, "skipped")]


def test_an_adapter_that_an_operator_has_disabled_gets_nothing(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    with bench.store.write() as tx:
        tx.suspensions.put("ldap", "ops")
    bench.restart()
    assert told(simulate(bench, ALICE)) == [("ldap:al", "skipped", "adapterDisabled")]


def test_only_what_a_change_can_touch_is_copied(bench: PipelineBench) -> None:
    for name in ("ldap", "racf"):
        bench.adapter(name, FULL_ADAPTER)
    bench.map("LDAP", "alice", "a1")
    bench.map("LDAP", "bob", "b1")
    bench.map("RACF", "alice", "shared")
    bench.map("RACF", "eve", "shared")
    with bench.store.read() as tx:
        found = mappings_around(tx, TopologyReader().read(tx), ALICE)
    expected = [("LDAP", "alice", "a1"), ("RACF", "alice", "shared"), ("RACF", "eve", "shared")]
    assert found == [Mapping(app, WindowsAccount("CORP", user), external) for app, user, external in expected]


def test_partial_sync_touches_the_credential_database_alone(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.adapter("racf", OPEN_ADAPTER, "AL1")
    bench.map("LDAP", "alice", "al")
    bench.map("RACF", "alice", "AL1")
    assert told(simulate(bench, ExternalAccount("ldap", "al"))) == [("ldap:al", "stored", "")]


def test_two_mappings_of_one_account_have_each_their_own_fate(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="ldap"))
    bench.map("LDAP", "alice", "al")
    bench.map("SECOND", "alice", "al", enabled=False)
    assert told(simulate(bench, ALICE)) == [("ldap:al", "delivered", ""), ("ldap:al", "skipped", "mappingDisabled")]


def test_direct_sync_keeps_the_password_without_an_adapter(bench: PipelineBench) -> None:
    bench.put(Kind.APPLICATION, "PAPER", Application(direct_password_sync=True))
    bench.map("PAPER", "alice", "A")
    (fate,) = simulate(bench, ALICE).fates
    assert (fate.account, fate.outcome, fate.events) == (None, "stored", ("credentialUpdated",))


def test_an_account_that_we_have_just_written_would_be_looked_at_before_it_is_written_again(
    bench: PipelineBench,
) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    bench.windows("alice", "Ol7-d-er")
    bench.settle()
    assert told(simulate(bench, ExternalAccount("ldap", "al"))) == [("ldap:al", "delivered", "")]


def test_what_was_settled_long_ago_does_not_make_the_change_stale(bench: PipelineBench) -> None:
    bench.adapter("ldap", OPEN_ADAPTER, "al")
    bench.map("LDAP", "alice", "al")
    for number in range(5):
        bench.windows("alice", f"Ku7-settled-{number}")
        bench.settle()
        bench.wait(timedelta(hours=1))
    result = simulate(bench, ALICE)
    assert told(result) == [("ldap:al", "delivered", "")]
    assert [d.state for d in result.deliveries] == [DeliveryState.CONFIRMED]
    agrees_with_what_happens(bench, result, bench.windows("alice", "Ne1-w-est"))


def test_what_stands_for_a_target_tells_nothing_of_its_accounts() -> None:
    stand = _Stand(Capabilities(), "adapter/x", lambda *_: None)
    assert stand.survey(["al"]).accounts == {}
    assert list(stand.diagnose(["al"])) == []
