"""Host groups in the pipeline: only stored credentials follow; the shared Windows account is left alone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.errors import InvalidInput
from controller.model.secret import Secret
from controller.model.topology import Application, Kind, Mapping
from controller.pipeline.surroundings import look_around
from tests.doubles.pipeline import ALL_ON, FULL_ADAPTER, PipelineBench, pipeline_bench

HOSTS = Application(adapter="host", type="hostGroup")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[PipelineBench]:
    """BOB1 and EVE1 of the system ``host`` stand for alice, the Windows account of the host group HOST."""
    with pipeline_bench(tmp_path) as bench:
        bench.system(ALL_ON)
        bench.domain()
        bench.adapter("host", FULL_ADAPTER, "ALICE1", "BOB1", "EVE1")
        bench.put(Kind.APPLICATION, "HOST", HOSTS)
        bench.map("HOST", "alice", "BOB1")
        bench.map("HOST", "alice", "EVE1")
        yield bench


def with_own_account(bench: PipelineBench) -> None:
    """Alice has an account of her own on the same system, in an individual application."""
    bench.put(Kind.APPLICATION, "OWN", Application(adapter="host"))
    bench.map("OWN", "alice", "ALICE1")


def test_a_change_of_one_account_updates_its_credential_alone(bench: PipelineBench) -> None:
    bench.set_stored_windows("alice", "old")
    change = bench.external("host", "BOB1", "new")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.deliveries(change) == []
    assert (bench.stored("HOST", "BOB1"), bench.stored("HOST", "EVE1")) == ("new", None)
    assert (bench.password("domain/CORP", "alice"), bench.stored_windows("alice")) == ("old", "old")


def test_an_account_of_her_own_goes_on_to_windows_beside_the_host_group(bench: PipelineBench) -> None:
    with_own_account(bench)
    bench.set_stored_windows("alice", "old")
    change = bench.external("host", "ALICE1", "new")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.password("domain/CORP", "alice") == "new"
    assert (bench.password("adapter/host", "BOB1"), bench.password("adapter/host", "EVE1")) == ("old", "old")


def test_an_account_that_stands_for_two_windows_accounts_by_a_host_group_changes_the_other_one_alone(
    bench: PipelineBench,
) -> None:
    bench.put(Kind.APPLICATION, "OWN", Application(adapter="host"))
    bench.map("OWN", "bob", "BOB1")
    bench.set_stored_windows("bob", "old")
    change = bench.external("host", "BOB1", "new")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert (bench.password("domain/CORP", "alice"), bench.password("domain/CORP", "bob")) == ("old", "new")
    assert bench.stored("HOST", "BOB1") == bench.stored("OWN", "CORP\\bob") == "new"


def test_a_credential_of_a_host_group_is_not_the_windows_password(bench: PipelineBench) -> None:
    with_own_account(bench)
    bench.set_stored_windows("alice", "old")
    assert bench.credentials.set("HOST", "BOB1", Secret("b"), by=Actor("ops")) is False
    assert bench.credentials.set("HOST", "EVE1", Secret("e"), by=Actor("ops")) is False
    assert (bench.stored("HOST", "BOB1"), bench.stored("HOST", "EVE1")) == ("b", "e")
    assert bench.stored_windows("alice") == "old"
    assert bench.credentials.clear("HOST", "BOB1", by=Actor("ops")) is True
    assert (bench.stored("HOST", "BOB1"), bench.stored("HOST", "EVE1")) == (None, "e")
    assert bench.stored_windows("alice") == "old"


def test_a_windows_change_keeps_no_windows_password_for_a_host_group(bench: PipelineBench) -> None:
    bench.windows("alice", "new")
    bench.settle()
    assert bench.stored_windows("alice") is None


def test_setting_it_releases_nothing_that_waits_for_the_windows_password(bench: PipelineBench) -> None:
    with_own_account(bench)
    change = bench.external("host", "ALICE1", "new")
    bench.settle()
    bench.credentials.set("HOST", "BOB1", Secret("b"), by=Actor("ops"))
    assert [delivery.state.value for delivery in bench.deliveries(change)] == ["parked"]
    bench.credentials.set("OWN", "ALICE1", Secret("old"), by=Actor("ops"))
    assert [delivery.state.value for delivery in bench.deliveries(change)] == ["pending"]


def test_the_windows_account_does_not_tell_which_credential_is_meant(bench: PipelineBench) -> None:
    with pytest.raises(InvalidInput, match=r"several external accounts \(BOB1, EVE1\)"):
        bench.credentials.set("HOST", "CORP\\alice", Secret("x"), by=Actor("ops"))
    for number in range(10):
        bench.map("HOST", "alice", f"U{number}")
    with pytest.raises(InvalidInput, match=r"\(BOB1, EVE1, U0, .*, U7 and 2 more\)"):
        bench.credentials.show("HOST", "CORP\\alice", reveals=False, by=Actor("ops"))


def test_each_account_is_verified_with_its_own_credential(bench: PipelineBench) -> None:
    bench.put(Kind.ADAPTER, "host", replace(FULL_ADAPTER, verify_old_password=True))
    for account in ("BOB1", "EVE1"):
        bench.credentials.set("HOST", account, Secret(f"old-of-{account}"), by=Actor("ops"))
    refused = bench.external("host", "BOB1", "new", old="old-of-EVE1")
    taken = bench.external("host", "EVE1", "new", old="old-of-EVE1")
    bench.settle()
    assert (bench.outcome(refused), bench.outcome(taken)) == (("failed", "oldPasswordWrong"), ("completed", ""))
    assert (bench.stored("HOST", "BOB1"), bench.stored("HOST", "EVE1")) == ("old-of-BOB1", "new")


def test_nothing_around_the_shared_account_is_touched_by_a_change_of_one_of_many(bench: PipelineBench) -> None:
    with_own_account(bench)
    alice = WindowsAccount("CORP", "alice")
    hosted = [Mapping("HOST", alice, name) for name in ("BOB1", "EVE1")]
    own = Mapping("OWN", alice, "ALICE1")
    with bench.store.read() as tx:
        assert look_around(tx, ExternalAccount("host", "BOB1")).mappings == (hosted[0],)
        assert look_around(tx, alice).mappings == (*hosted, own)
