"""Reports that are stored with one commit: each gets its own answer, and none that fails keeps another one out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import Mock

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.errors import InvalidInput, NotFound, PasswordUnusable, Refused, StoreUnavailable
from controller.model.secret import Secret
from controller.pipeline.answers import Accepted, Answer, Held, NotAccepted
from controller.pipeline.intake import Caller, Intake, Report
from controller.pipeline.replay import Replay
from controller.ports.changes import ChangeQuery
from controller.ports.store import Store, Transaction
from tests.doubles.pipeline import PipelineBench
from tests.doubles.replay import ReplayBench, replay_bench

DC1 = Caller("dc1")
DC2 = Caller("dc2")


@dataclass
class CountingStore:
    """Counts the commits of a store; accounts that are *held* belong to another transaction."""

    store: Store
    held: set[str] = field(default_factory=set)
    commits: int = 0

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """See ``ports.Store``."""
        with self.store.write() as tx:
            add_free = tx.changes.add_free
            tx.changes.add_free = lambda changes: add_free([c for c in changes if c.account.name not in self.held])  # type: ignore[method-assign]
            yield tx
        self.commits += 1

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)


def reported(name: str, password: str = "New-1", caller: Caller = DC1) -> tuple[Report, Caller]:
    """A report of a user of CORP."""
    return Report(WindowsAccount.parse(f"CORP\\{name}"), Secret(password)), caller


def errors_of(answers: list[Answer]) -> list[type[Exception] | None]:
    """The kind of error of each, None of what was accepted."""
    return [type(answer.error) if isinstance(answer, NotAccepted) else None for answer in answers]


def accounts_in(bench: PipelineBench) -> list[str]:
    """Accounts of the changes in the store, in the order of their intake."""
    with bench.store.read() as tx:
        return [change.account.name for change in reversed(tx.changes.find(ChangeQuery()))]


@pytest.fixture
def replaying(tmp_path: Path) -> Iterator[ReplayBench]:
    """A bench that keeps changes while its store is away."""
    with replay_bench(tmp_path) as bench:
        yield bench


def test_many_reports_are_stored_with_one_commit_in_their_order(bench: PipelineBench) -> None:
    store = CountingStore(bench.store)
    intake = Intake(store, bench.sealer, bench.new_id)  # type: ignore[arg-type]  # the rest is the store's
    answers = intake.accept_together(reported(name) for name in ("bob", "alice", "bob"))
    assert answers == [Accepted("id-000000"), Accepted("id-000001"), Accepted("id-000002")]
    assert accounts_in(bench) == ["bob", "alice", "bob"]
    assert [event.tracking_id for event in bench.events("windowsChangeAccepted")] == [
        "id-000002",
        "id-000001",
        "id-000000",
    ]
    assert store.commits == 1


def test_each_report_has_its_own_error_and_the_others_are_accepted(bench: PipelineBench) -> None:
    elsewhere = Report(WindowsAccount.parse("LAB\\alice"), Secret("New-1")), DC1
    answers = bench.intake.accept_together(
        [reported("alice"), reported("bob", ""), elsewhere, reported("bob", caller=DC2), reported("bob")]
    )
    assert errors_of(answers) == [None, PasswordUnusable, NotFound, Refused, None]
    assert accounts_in(bench) == ["alice", "bob"]


def test_a_refusal_that_several_get_at_once_is_recorded_once(bench: PipelineBench) -> None:
    answers = bench.intake.accept_together([reported("alice", caller=DC2), reported("bob", caller=DC2)])
    assert errors_of(answers) == [Refused, Refused]
    assert len(bench.events("changeRefused")) == 1
    bench.intake.accept_together([reported("alice", caller=DC2)])
    assert len(bench.events("changeRefused")) == 1


def test_one_that_the_store_does_not_take_fails_alone(bench: PipelineBench) -> None:
    ids = iter(["one", "taken", "two"])
    taken = Intake(bench.store, bench.sealer, lambda: "taken")
    taken.accept(*reported("alice"))
    answers = Intake(bench.store, bench.sealer, lambda: next(ids)).accept_together(map(reported, ["bob"] * 3))
    assert errors_of(answers) == [None, InvalidInput, None]
    assert accounts_in(bench) == ["alice", "bob", "bob"]


def test_one_that_meets_a_defect_fails_alone(bench: PipelineBench, monkeypatch: pytest.MonkeyPatch) -> None:
    seal = type(bench.sealer).seal

    def failing(sealer: object, secret: Secret, place: object) -> bytes:
        if secret == Secret("breaks"):
            raise ZeroDivisionError
        return seal(sealer, secret, place)  # type: ignore[arg-type]

    monkeypatch.setattr(type(bench.sealer), "seal", failing)
    answers = bench.intake.accept_together([reported("alice"), reported("bob", "breaks"), reported("bob")])
    assert errors_of(answers) == [None, ZeroDivisionError, None]
    with pytest.raises(ZeroDivisionError):
        bench.intake.accept(*reported("bob", "breaks"))
    assert accounts_in(bench) == ["alice", "bob"]


def test_a_defect_after_the_commit_repeats_nothing(replaying: ReplayBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Replay, "learn", Mock(side_effect=ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        replaying.intake.accept_together(map(reported, ["alice", "bob"]))
    assert accounts_in(replaying) == ["alice", "bob"]


def test_one_whose_account_is_worked_on_is_left_and_leaves_nothing(bench: PipelineBench) -> None:
    store = CountingStore(bench.store, {"bob"})
    intake = Intake(store, bench.sealer, bench.new_id)  # type: ignore[arg-type]  # the rest is the store's
    assert intake.accept_together(map(reported, ["alice", "bob"])) == [Accepted("id-000000"), Held()]
    assert [event.tracking_id for event in bench.events("windowsChangeAccepted")] == ["id-000000"]
    assert intake.accept(*reported("bob")) == "id-000002"
    assert accounts_in(bench) == ["alice", "bob"]


def test_while_the_store_is_away_all_that_may_be_accepted_is_kept(replaying: ReplayBench) -> None:
    with replaying.away():
        answers = replaying.intake.accept_together(
            [reported("alice"), reported("bob", caller=DC2), reported("bob"), reported("alice", "")]
        )
    assert errors_of(answers) == [None, Refused, None, PasswordUnusable]
    replaying.catch_up()
    assert accounts_in(replaying) == ["alice", "bob"]
    assert {event.fields["reason"] for event in replaying.events("changeRefused")} == {
        "sourceNotAllowed",
        "emptyPassword",
    }


def test_what_can_be_neither_stored_nor_kept_is_told_to_each(replaying: ReplayBench) -> None:
    replaying.replay_dir.chmod(0o755)
    with replaying.away():
        answers = replaying.intake.accept_together(map(reported, ["alice", "bob"]))
    replaying.replay_dir.chmod(0o700)
    assert errors_of(answers) == [StoreUnavailable, StoreUnavailable]
    replaying.catch_up()
    assert [event.account for event in replaying.events("replayNotKept")] == ["CORP\\bob", "CORP\\alice"]


def test_what_waits_to_be_replayed_holds_up_neither_order_nor_intake(replaying: ReplayBench) -> None:
    with replaying.away():
        replaying.intake.accept_together([reported("alice")])
    replaying.intake.accept_together([reported("bob")])
    assert accounts_in(replaying) == []
    replaying.replay_dir.chmod(0o755)
    assert errors_of(replaying.intake.accept_together([reported("bob", "New-2")])) == [None]
    with replaying.away():
        assert errors_of(replaying.intake.accept_together([reported("bob", "New-3")])) == [StoreUnavailable]
    replaying.replay_dir.chmod(0o700)
    replaying.catch_up()
    assert sorted(accounts_in(replaying)) == ["alice", "bob", "bob"]
