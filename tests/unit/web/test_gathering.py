"""Reports gather while the commit before theirs is under way."""

import asyncio
import threading
from collections.abc import Iterable

import anyio
import pytest
from anyio import CapacityLimiter

from controller.model.accounts import WindowsAccount
from controller.model.errors import Refused, TooManyReports
from controller.model.secret import Secret
from controller.pipeline.answers import Accepted, Answer, Held, NotAccepted
from controller.pipeline.intake import Caller, Report
from controller.web import gathering
from controller.web.gathering import GatheredIntake

PATIENCE = 60.0
CALLER = Caller("dc1")


class Storing:
    """An intake whose first commit ends when a test says so.

    Attributes:
        batches: Accounts of each commit.
        alone: Accounts of those that were accepted by themselves.
        woken: How often somebody was told that there is something new.
    """

    def __init__(self, answers: dict[str, Answer] | None = None) -> None:
        self.batches: list[list[str]] = []
        self.alone: list[str] = []
        self.woken = 0
        self.may_end = threading.Event()
        self.has_begun = threading.Event()
        self._answers = answers or {}
        self.gathered = GatheredIntake(self, self._wake, CapacityLimiter(1))  # type: ignore[arg-type]  # a double

    def accept_together(self, reports: Iterable[tuple[Report, Caller]]) -> list[Answer]:
        names = [report.account.name for report, _ in reports]
        self.batches.append(names)
        self.has_begun.set()
        assert self.may_end.wait(PATIENCE)
        if "defect" in names:
            raise ZeroDivisionError
        return [self._answers.get(name, Accepted(name)) for name in names]

    def accept(self, report: Report, _: Caller) -> str:
        self.alone.append(report.account.name)
        return report.account.name

    def _wake(self) -> None:
        self.woken += 1

    def report(self, name: str) -> "asyncio.Task[str]":
        """Begin to report a change of one user."""
        report = Report(WindowsAccount("CORP", name), Secret("New-1"))
        return asyncio.create_task(self.gathered.accept(report, CALLER))

    async def begin(self) -> "asyncio.Task[str]":
        """Report one, and return once its commit is under way."""
        first = self.report("first")
        assert await asyncio.to_thread(self.has_begun.wait, PATIENCE)
        return first


async def _let_all_wait(tasks: Iterable["asyncio.Task[str]"]) -> None:
    """Return once each of *tasks* has come as far as it can."""
    for _ in tasks:
        await asyncio.sleep(0)


def test_what_comes_during_a_commit_is_stored_with_the_next_one_in_its_order() -> None:
    storing = Storing()

    async def report() -> list[str]:
        tasks = [await storing.begin(), *(storing.report(f"user{n}") for n in range(5))]
        await _let_all_wait(tasks)
        storing.may_end.set()
        return list(await asyncio.gather(*tasks))

    names = [f"user{n}" for n in range(5)]
    assert anyio.run(report) == ["first", *names]
    assert storing.batches == [["first"], names]
    assert storing.woken == 2


def test_one_commit_is_of_so_many_reports_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_TOGETHER", 3)
    storing = Storing()

    async def report() -> None:
        tasks = [await storing.begin(), *(storing.report(f"user{n}") for n in range(7))]
        await _let_all_wait(tasks)
        storing.may_end.set()
        await asyncio.gather(*tasks)

    anyio.run(report)
    assert [len(batch) for batch in storing.batches] == [1, 3, 3, 1]


def test_when_too_many_wait_the_next_one_is_told_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_WAITING", 2)
    storing = Storing()

    async def report() -> None:
        tasks = [await storing.begin(), storing.report("one"), storing.report("two")]
        await _let_all_wait(tasks)
        with pytest.raises(TooManyReports):
            await storing.report("three")
        storing.may_end.set()
        await asyncio.gather(*tasks)
        await storing.report("four")

    anyio.run(report)
    assert storing.batches == [["first"], ["one", "two"], ["four"]]


def test_each_gets_its_own_error_and_one_whose_account_is_held_is_stored_by_itself() -> None:
    storing = Storing({"refused": NotAccepted(Refused("no", reason="because")), "held": Held()})
    storing.may_end.set()

    async def report() -> list[str | BaseException]:
        tasks = [storing.report(name) for name in ("fine", "refused", "held")]
        return await asyncio.gather(*tasks, return_exceptions=True)

    fine, refused, held = anyio.run(report)
    assert (fine, held) == ("fine", "held")
    assert isinstance(refused, Refused)
    assert storing.alone == ["held"]
    assert storing.woken == 2


def test_after_a_defect_the_next_ones_are_stored_and_nobody_is_woken_for_nothing() -> None:
    storing = Storing()
    storing.may_end.set()

    async def report() -> str:
        with pytest.raises(ZeroDivisionError):
            await storing.report("defect")
        assert storing.woken == 0
        return await storing.report("fine")

    assert anyio.run(report) == "fine"


def test_a_caller_that_has_gone_takes_nobody_with_it() -> None:
    storing = Storing()

    async def report() -> str:
        tasks = [await storing.begin(), storing.report("gone"), storing.report("stays")]
        await _let_all_wait(tasks)
        tasks[1].cancel()
        storing.may_end.set()
        await asyncio.wait(tasks)
        assert tasks[1].cancelled()
        return tasks[2].result()

    assert anyio.run(report) == "stays"
