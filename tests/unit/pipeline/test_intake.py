"""Who may report what, and what is refused before anything is stored (D1-D7, E1, A9)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.errors import InvalidInput, NotFound, Refused
from controller.model.secret import Secret
from controller.model.topology import AcceptedSources, Access, Domain, Kind, Source
from controller.pipeline.intake import Caller, Report
from controller.pipeline.refusals import QUIET
from controller.ports.changes import ChangeQuery
from tests.doubles.pipeline import ALL_ON, OPEN_ADAPTER, PipelineBench

AGENT = Caller("racf-agent")


@pytest.fixture
def adapter(bench: PipelineBench) -> PipelineBench:
    """The adapter ``racf`` may be used by ``racf-agent``."""
    bench.adapter("racf", replace(OPEN_ADAPTER, access=Access(users=("racf-agent",))), "A1")
    bench.map("RACF", "alice", "A1")
    return bench


def _refusals(bench: PipelineBench) -> list[str]:
    return [event.fields["reason"] for event in bench.events("changeRefused")]


def test_only_a_source_of_the_domain_may_report_for_it(bench: PipelineBench) -> None:
    bench.windows("alice", "New-1", by=Caller("dc1"))
    with pytest.raises(Refused) as refused:
        bench.windows("alice", "New-1", by=Caller("dc2"))
    assert refused.value.reason == "sourceNotAllowed"
    assert _refusals(bench) == ["sourceNotAllowed"]


def test_refusals_of_one_caller_for_one_reason_are_recorded_once_a_minute(bench: PipelineBench) -> None:
    def refuse() -> None:
        for user in ("alice", "bob"):
            with pytest.raises(Refused):
                bench.windows(user, "New-1", by=Caller("dc2"))

    refuse()
    assert _refusals(bench) == ["sourceNotAllowed"]
    bench.wait(QUIET)
    refuse()
    assert _refusals(bench) == ["sourceNotAllowed"] * 2


def test_of_reports_that_are_too_old_each_account_s_is_recorded(bench: PipelineBench) -> None:
    for user in ("alice", "bob", "alice"):
        with pytest.raises(Refused):
            bench.windows(user, "New-1", at=bench.now - timedelta(days=2))
    assert [event.account for event in bench.events("changeRefused")] == ["CORP\\bob", "CORP\\alice"]


def test_a_source_may_report_only_while_one_of_its_types_is_switched_on(bench: PipelineBench) -> None:
    both = (Source("dc1"), Source("idm", "identityManager"), Source("both"), Source("both", "identityManager"))
    bench.put(Kind.DOMAIN, "CORP", Domain("corp.example.com", sources=both))
    bench.system(replace(ALL_ON, sources=AcceptedSources(identity_managers=False)))
    bench.windows("alice", "New-1", by=Caller("dc1"))
    bench.windows("alice", "New-2", by=Caller("both"))
    with pytest.raises(Refused, match=r"its type \(identityManager\)") as refused:
        bench.windows("alice", "New-3", by=Caller("idm"))
    assert refused.value.hint == "set sources.identityManagers: true in the System manifest"
    assert [event.fields["reason"] for event in bench.events("sourceTypeRefused")] == ["sourceTypeOff"]
    bench.system(replace(ALL_ON, sources=AcceptedSources(domain_controllers=False, identity_managers=False)))
    with pytest.raises(Refused, match="domainController, identityManager"):
        bench.windows("alice", "New-4", by=Caller("both"))
    bench.windows("alice", "New-5")  # with the key of the installation nobody is a source


def test_only_a_user_of_the_adapter_may_report_for_it(adapter: PipelineBench) -> None:
    adapter.external("racf", "A1", "New-1", by=AGENT)
    with pytest.raises(Refused) as refused:
        adapter.external("racf", "A1", "New-1", by=Caller("someone"))
    assert refused.value.reason == "callerNotAllowed"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (replace(OPEN_ADAPTER, enabled=False), "adapterDisabled"),
        (replace(OPEN_ADAPTER, sync_from_adapter=False), "syncFromAdapterOff"),
    ],
)
def test_an_adapter_that_takes_no_changes_refuses_them(bench: PipelineBench, spec, reason) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # a table
    bench.put(Kind.ADAPTER, "racf", spec)
    with pytest.raises(Refused) as refused:
        bench.external("racf", "A1", "New-1")
    assert refused.value.reason == reason


def test_the_global_switches_refuse(adapter: PipelineBench) -> None:
    adapter.system(replace(ALL_ON, from_windows_to_adapters=False, from_adapters_to_database=False))
    with pytest.raises(Refused) as windows:
        adapter.windows("alice", "New-1")
    with pytest.raises(Refused) as external:
        adapter.external("racf", "A1", "New-1")
    assert (windows.value.reason, external.value.reason) == ("windowsToAdaptersOff", "adaptersToDatabaseOff")


def test_an_unknown_domain_or_adapter_names_those_there_are(adapter: PipelineBench) -> None:
    with pytest.raises(NotFound, match="there is CORP"):
        adapter.windows("OTHER\\alice", "New-1")
    with pytest.raises(NotFound, match="there is racf"):
        adapter.external("other", "A1", "New-1")
    adapter.remove(Kind.ADAPTER, "racf")
    with pytest.raises(NotFound, match="none has been applied yet"):
        adapter.external("racf", "A1", "New-1")


@pytest.mark.parametrize(
    ("password", "message"), [("", "is empty"), ("x" * 257, "has more than 256"), ("a\ud800", "is not valid Unicode")]
)
def test_a_password_that_cannot_be_one_is_refused_and_nothing_is_stored(
    adapter: PipelineBench, password: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=f"the password {message}"):
        adapter.windows("alice", password)
    with pytest.raises(InvalidInput, match=f"the old password {message}"):
        adapter.external("racf", "A1", "New-1", old=password)
    with adapter.store.read() as tx:
        assert tx.changes.find(ChangeQuery()) == []


def test_256_characters_are_accepted(adapter: PipelineBench) -> None:
    password = "密" * 256
    adapter.windows("alice", password)
    adapter.settle()
    assert adapter.password("adapter/racf", "A1") == password


def test_a_report_and_a_stored_change_never_show_the_password(adapter: PipelineBench) -> None:
    report = Report(WindowsAccount("CORP", "alice"), Secret("S3cret-value"), Secret("S3cret-old"))
    assert "S3cret" not in repr(report)
    change = adapter.windows("alice", "S3cret-value")
    stored = adapter.change(change)
    assert b"S3cret" not in (stored.sealed_password or b"")
    assert "S3cret" not in repr(stored)
    assert "S3cret" not in repr(ExternalAccount("racf", "A1"))
