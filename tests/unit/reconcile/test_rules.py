"""Mapping rules in the reconcile loop: whom the directories are asked about, and what comes of it."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Event
from threading import enumerate as enumerate_threads

import pytest

from controller.model.actor import RECONCILER
from controller.model.errors import SettingsError, Unavailable
from controller.model.rule_reading import FoundAccount, NotedResult, RuleResult
from controller.model.topology import Domain as DomainSpec
from controller.model.topology import DomainDirectory, Mapping, MappingRule, Resource
from controller.planning.state import State
from controller.ports.account_directory import AccountDirectory
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.reconcile.apply import apply_plan
from controller.reconcile.picture import object_statuses
from controller.reconcile.reconciler import Outcome, Reconciler
from controller.reconcile.rule_reading import EVERYTHING_AFTER, RuleReader
from controller.reconcile.status import Health
from tests.doubles.memory import MemoryAccounts
from tests.doubles.pipeline import DIRECTORY
from tests.doubles.topologies import application, mapping, resource, state, system
from tests.unit.reconcile.conftest import NOW

CORP = resource("CORP", DomainSpec("corp.example.com", directory=DIRECTORY))
LAB = resource("LAB", DomainSpec("lab.example.com", directory=replace(DIRECTORY, base_dn="DC=lab")))
STAFF = MappingRule("PAYROLL", "CORP", "employeeID", filter="(employeeID=*)")
ALICE, BOB = FoundAccount("alice", ("A1",)), FoundAccount("bob", ("B1",))


@dataclass
class Directories:
    """Directories by domain."""

    by_domain: dict[str, MemoryAccounts] = field(default_factory=dict)
    error: Exception | None = None

    def open(self, domain: str, directory: DomainDirectory) -> AccountDirectory:
        assert directory.base_dn
        if self.error is not None:
            raise self.error
        return self.by_domain[domain]


@dataclass
class Steady:
    """A clock that stands still until it is moved."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def corp() -> MemoryAccounts:
    """The directory of CORP, with two members of staff."""
    return MemoryAccounts({b"1": ALICE, b"2": BOB})


@pytest.fixture
def directories(corp: MemoryAccounts) -> Directories:
    return Directories({"CORP": corp, "LAB": MemoryAccounts()})


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
def reader(directories: Directories, steady: Steady) -> RuleReader:
    return RuleReader(directories.open, timedelta(seconds=10), steady)


def rule(name: str = "staff", spec: MappingRule = STAFF) -> Resource:
    return resource(name, spec)


def declared(*more: Resource | Mapping, spec: MappingRule = STAFF) -> State:
    return state(system(), CORP, LAB, application("PAYROLL"), rule(spec=spec), *more)


def reconciler(store: Store, reader: RuleReader | None, desired: State) -> Reconciler:
    return Reconciler(store, lambda: (desired, []), rules=reader)


def mappings(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as tx:
        return [(str(m.windows), m.external, m.origin) for m in tx.mappings.scan()]


def results(store: Store) -> dict[str, NotedResult]:
    with store.read() as tx:
        return tx.rule_results.read()


def told(store: Store) -> list[tuple[str, object]]:
    with store.read() as tx:
        found = tx.events.find(EventQuery(limit=100))
    return [(e.name, e.fields.get("problem", e.fields.get("problems"))) for e in found if "Rule" in e.name]


def health(store: Store) -> tuple[Health, str]:
    with store.read() as tx:
        status = object_statuses(tx, None)[rule().key]
    return status.health, status.conditions[1].message


BOTH = [("CORP\\alice", "A1", "MappingRule/staff"), ("CORP\\bob", "B1", "MappingRule/staff")]


def test_what_a_rule_finds_is_applied_and_plans_nothing_the_second_time(store: Store, reader: RuleReader) -> None:
    loop = reconciler(store, reader, declared())
    assert loop.reconcile().outcome is Outcome.APPLIED
    assert mappings(store) == BOTH
    assert loop.reconcile().outcome is Outcome.IN_SYNC
    assert results(store) == {"staff": NotedResult(NOW, RuleResult(2, 2))}
    assert health(store) == (Health.HEALTHY, "2 accounts match, 2 mapped")
    assert told(store) == []


def test_a_plan_shows_each_mapping_with_its_rule_and_writes_nothing(store: Store, reader: RuleReader) -> None:
    plan = reconciler(store, reader, declared()).plan()
    assert [m.origin for c in plan.changes if isinstance(m := c.subject, Mapping)] == ["MappingRule/staff"] * 2
    assert results(store) == {}


def test_who_leaves_loses_the_mapping_and_who_comes_gets_one(
    store: Store, reader: RuleReader, corp: MemoryAccounts
) -> None:
    loop = reconciler(store, reader, declared())
    loop.reconcile()
    corp.accounts = {b"2": FoundAccount("bob", ("B2",)), b"3": FoundAccount("carol", ("C1",))}
    loop.reconcile()
    assert [(w, e) for w, e, _ in mappings(store)] == [("CORP\\bob", "B2"), ("CORP\\carol", "C1")]
    assert corp.asked == ["(employeeID=*)", "(employeeID=*) again"]


@pytest.mark.parametrize("in_opening", [True, False])
def test_while_the_directory_is_away_everything_stays(
    store: Store, reader: RuleReader, corp: MemoryAccounts, directories: Directories, *, in_opening: bool
) -> None:
    loop = reconciler(store, reader, declared())
    loop.reconcile()
    away = Unavailable("it is away") if in_opening else SettingsError("it is away")
    directories.error, corp.error = (away, None) if in_opening else (None, away)
    for _ in range(2):
        result = loop.reconcile()
        assert result.outcome is Outcome.IN_SYNC
        assert result.plan is not None
        assert result.plan.warnings == ("MappingRule/staff: it is away",)
    assert mappings(store) == BOTH
    assert told(store) == [("mappingRuleUnread", "it is away")]
    assert health(store) == (Health.DEGRADED, "it is away")
    directories.error = corp.error = None
    loop.reconcile()
    assert health(store)[0] is Health.HEALTHY


def test_an_answer_without_anybody_holds_the_plan(store: Store, reader: RuleReader, corp: MemoryAccounts) -> None:
    loop = reconciler(store, reader, declared())
    loop.reconcile()
    corp.accounts = {}
    result = loop.reconcile()
    assert result.plan is not None
    assert [hold.code for hold in result.plan.holds] == ["ruleFoundNothing"]
    assert mappings(store) == BOTH
    apply_plan(store, loop.plan(), force=True, by=RECONCILER)
    assert mappings(store) == []


def test_a_rule_that_is_taken_away_takes_its_mappings_along(store: Store, reader: RuleReader) -> None:
    reconciler(store, reader, declared()).reconcile()
    reconciler(store, reader, state(system(), CORP, application("PAYROLL"))).reconcile()
    assert mappings(store) == []
    assert results(store) == {}


def test_problems_are_told_once(store: Store, reader: RuleReader, corp: MemoryAccounts) -> None:
    corp.accounts[b"3"] = FoundAccount("carol", ("A1",))
    loop = reconciler(store, reader, declared())
    loop.reconcile()
    loop.reconcile()
    ((name, problems),) = told(store)
    assert name == "mappingRuleUnclear"
    assert isinstance(problems, list)
    assert "CORP\\alice and CORP\\carol" in problems[0]
    assert health(store) == (Health.DEGRADED, problems[0])


def test_overridden_accounts_are_counted(store: Store, reader: RuleReader) -> None:
    reconciler(store, reader, declared(mapping("PAYROLL", "alice", "X", origin="Mapping/a"))).reconcile()
    assert health(store) == (Health.HEALTHY, "2 accounts match, 1 mapped, 1 are declared otherwise")


def test_everything_is_asked_for_now_and_then(
    store: Store, reader: RuleReader, corp: MemoryAccounts, steady: Steady
) -> None:
    loop = reconciler(store, reader, declared())
    loop.plan()
    steady.seconds = EVERYTHING_AFTER.total_seconds() - 1
    loop.plan()
    steady.seconds += 1
    loop.plan()
    assert corp.asked == ["(employeeID=*)", "(employeeID=*) again", "(employeeID=*)"]


def test_after_an_error_everything_is_asked_for(store: Store, reader: RuleReader, corp: MemoryAccounts) -> None:
    loop = reconciler(store, reader, declared())
    loop.plan()
    corp.error = ValueError("a defect, whose words may hold anything")
    (warning,) = loop.plan().warnings
    assert warning == "MappingRule/staff: the look-up failed: ValueError (report it)"
    corp.error = None
    loop.plan()
    assert corp.asked[-1] == "(employeeID=*)"


def test_delete_all_asks_who_exists(store: Store, reader: RuleReader, corp: MemoryAccounts) -> None:
    corp.others = {"zoe"}
    gone, there = mapping("OTHER", "yan", "y", origin="Mapping/y"), mapping("OTHER", "zoe", "z", origin="Mapping/z")
    desired = declared(application("OTHER"), gone, there, spec=replace(STAFF, delete_all=True))
    reconciler(store, reader, desired).reconcile()
    assert [w for w, _, _ in mappings(store)] == ["CORP\\zoe", "CORP\\alice", "CORP\\bob"]
    assert set(corp.asked) == {"(employeeID=*)", "sAMAccountName"}


def test_a_domain_without_any_account_deletes_nothing(store: Store, reader: RuleReader, corp: MemoryAccounts) -> None:
    corp.accounts = {}
    there = mapping("PAYROLL", "zoe", "z", origin="Mapping/z")
    reconciler(store, reader, declared(there, spec=replace(STAFF, delete_all=True))).reconcile()
    assert [w for w, _, _ in mappings(store)] == ["CORP\\zoe"]
    assert health(store) == (Health.DEGRADED, "the directory of Domain/CORP tells no account at all: nothing goes")


def test_a_slow_directory_holds_up_nobody_and_its_answer_is_used_later(
    store: Store, directories: Directories, corp: MemoryAccounts
) -> None:
    corp.gate = Event()
    directories.by_domain["LAB"].accounts = {b"1": FoundAccount("lea", ("L1",))}
    reader = RuleReader(directories.open, timedelta(0))
    desired = declared(rule("lab", replace(STAFF, domain="LAB")))
    loop = reconciler(store, reader, desired)
    first = loop.reconcile()
    assert first.plan is not None
    late = "MappingRule/staff: the directory of Domain/CORP has not answered in time"
    assert any(late in warning for warning in first.plan.warnings)  # that of LAB may have answered already
    corp.gate.set()
    _join("pwsync-rules-CORP")
    _join("pwsync-rules-LAB")
    loop.reconcile()
    assert [w for w, _, _ in mappings(store)] == ["CORP\\alice", "CORP\\bob", "LAB\\lea"]


def test_a_domain_that_is_still_being_asked_is_not_asked_again(
    store: Store, directories: Directories, corp: MemoryAccounts
) -> None:
    corp.gate = Event()
    loop = reconciler(store, RuleReader(directories.open, timedelta(0)), declared())
    loop.plan()
    loop.plan()
    assert len(corp.asked) <= 1
    corp.gate.set()
    _join("pwsync-rules-CORP")


def test_stopping_ends_the_wait(store: Store, reader: RuleReader, corp: MemoryAccounts) -> None:
    corp.gate = Event()
    loop = reconciler(store, reader, declared())
    loop.stop()
    (warning,) = loop.plan().warnings
    assert "has not answered in time" in warning
    corp.gate.set()


def test_without_anybody_to_ask_what_is_there_stays(store: Store, reader: RuleReader) -> None:
    reconciler(store, reader, declared()).reconcile()
    alone = reconciler(store, None, declared())
    assert alone.plan().is_empty()
    alone.stop()


def test_a_rule_of_a_domain_without_directory_is_told(store: Store, reader: RuleReader) -> None:
    desired = state(system(), resource("CORP", DomainSpec("x")), application("PAYROLL"), rule())
    (warning,) = reconciler(store, reader, desired).plan().warnings
    assert warning == "MappingRule/staff: Domain/CORP has no directory that could be asked"


def test_a_rule_that_was_never_asked_about_is_progressing(store: Store, reader: RuleReader) -> None:
    apply_plan(store, reconciler(store, reader, declared()).plan(), by=RECONCILER)
    assert health(store) == (Health.PROGRESSING, "no controller has asked its directory yet")


def _join(name: str) -> None:
    for thread in enumerate_threads():
        if thread.name == name:
            thread.join(10)
