"""Reports that are stored together end as if they had come one after another, whoever else failed among them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.secret import Secret
from controller.model.topology import Access
from controller.pipeline.answers import Accepted, Answer, Held, NotAccepted
from controller.pipeline.intake import Caller, Intake, Report
from controller.pipeline.routing import change_place
from controller.ports.changes import ChangeQuery
from controller.ports.sealing import Sealer
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench

BREAKS = "breaks"
Asked = tuple[Report, Caller]

accounts: st.SearchStrategy[Account] = st.sampled_from(
    [
        WindowsAccount("CORP", "alice"),
        WindowsAccount("CORP", "bob"),
        WindowsAccount("LAB", "alice"),
        ExternalAccount("racf", "ALICE1"),
        ExternalAccount("strict", "ALICE1"),
        ExternalAccount("gone", "ALICE1"),
    ]
)
passwords = st.sampled_from(["", "New-1", "New-2", "x" * 257, "\ud800", BREAKS])
callers = st.sampled_from([Caller("dc1"), Caller("agent"), Caller("nobody"), Caller("me", is_local=True)])
olds = st.sampled_from([None, None, "old", ""])


@st.composite
def reports(draw: st.DrawFn) -> Asked:
    """One report, which may be refused, or break."""
    old = draw(olds)
    return Report(draw(accounts), Secret(draw(passwords)), None if old is None else Secret(old)), draw(callers)


@dataclass(frozen=True)
class BreakingSealer:
    """A sealer with a defect that one password brings out."""

    sealer: Sealer

    def seal(self, secret: Secret, place: object) -> bytes:
        """See ``ports.Sealer``."""
        if secret == Secret(BREAKS):
            raise ZeroDivisionError
        return self.sealer.seal(secret, place)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self.sealer, name)


def _bench() -> tuple[PipelineBench, Intake]:
    bench = PipelineBench(in_memory=True)
    bench.system()
    bench.domain()
    open_to_agent = replace(OPEN_ADAPTER, access=Access(users=("agent",)))
    bench.adapter("racf", open_to_agent)
    bench.adapter("strict", replace(open_to_agent, verify_old_password=True))
    return bench, Intake(bench.store, BreakingSealer(bench.sealer), bench.new_id)  # type: ignore[arg-type]


def _told(answer: Answer) -> str:
    match answer:
        case Accepted():
            return "accepted"
        case NotAccepted(error=error):
            return f"{type(error).__name__}: {error}"
        case Held():
            return "held"


def _one_after_another(intake: Intake, asked: Sequence[Asked]) -> list[str]:
    told = []
    for report, caller in asked:
        try:
            intake.accept(report, caller)
        except Exception as error:  # noqa: BLE001  # every kind is compared
            told.append(f"{type(error).__name__}: {error}")
        else:
            told.append("accepted")
    return told


def _left_behind(bench: PipelineBench) -> tuple[list[tuple[Account, str]], list[tuple[str, str, str]]]:
    """The changes with their passwords, in their order, and what was recorded, in any order."""
    with bench.store.read() as tx:
        found = tx.changes.find(ChangeQuery(limit=1000))
    changes = [
        (c.account, bench.sealer.open(c.sealed_password or b"", change_place(c.tracking_id, c.account)).reveal())
        for c in reversed(found)
    ]
    return changes, sorted((e.name, e.account, str(e.fields.get("reason"))) for e in bench.events())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(reports(), max_size=6), max_size=4))
def test_together_is_as_one_after_another(batches: list[list[Asked]]) -> None:
    bench, intake = _bench()
    together = [[_told(answer) for answer in intake.accept_together(batch)] for batch in batches]
    left_behind = _left_behind(bench)
    bench, intake = _bench()  # the store in memory is one, and is empty again
    assert [_one_after_another(intake, batch) for batch in batches] == together
    assert _left_behind(bench) == left_behind
