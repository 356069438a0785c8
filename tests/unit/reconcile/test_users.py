"""Who the users of applications are, as the directories tell it in each round."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.errors import PwsyncError, SettingsError, Unavailable
from controller.model.topology import Access, AdapterGroup, DomainDirectory, Resource
from controller.model.topology import Domain as DomainSpec
from controller.planning.change import Change, Create, Prune, Update
from controller.planning.state import State
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.ports.windows_groups import GroupDirectory, GroupReading
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.status import Health, statuses
from controller.reconcile.unknown_users import user_problems, user_warnings
from controller.reconcile.users import Users
from tests.doubles.memory import MemoryGroups
from tests.doubles.pipeline import DIRECTORY
from tests.doubles.topologies import application, mapping, resource, state, system
from tests.unit.reconcile.conftest import NOW

STAFF = WindowsAccount("CORP", "staff")
OPS = WindowsAccount("CORP", "ops")
CORP = resource("CORP", DomainSpec("corp.example.com", directory=DIRECTORY))
LAB = resource("LAB", DomainSpec("lab.example.com"))


def accounts(*names: str) -> set[WindowsAccount]:
    return {WindowsAccount("CORP", name) for name in names}


def crowd(count: int) -> set[str]:
    return {f"CORP\\user{n}" for n in range(count)}


def app(name: str, *users: str) -> Resource:
    return application(name, access=Access(users=users))


@dataclass
class Directories:
    """Directories of all domains, by name."""

    by_domain: dict[str, MemoryGroups] = field(default_factory=lambda: {"CORP": MemoryGroups()})
    error: PwsyncError | None = None
    opened: list[tuple[str, DomainDirectory]] = field(default_factory=list)

    def open(self, domain: str, directory: DomainDirectory) -> GroupDirectory:
        self.opened.append((domain, directory))
        if self.error is not None:
            raise self.error
        return self.by_domain[domain]


@pytest.fixture
def directories() -> Directories:
    return Directories()


@pytest.fixture
def corp(directories: Directories) -> MemoryGroups:
    """The directory of CORP, in which alice and bob are staff."""
    groups = directories.by_domain["CORP"]
    groups.behind = {"CORP\\staff": {"CORP\\alice", "CORP\\bob"}, "CORP\\ops": {"CORP\\carol"}}
    return groups


@pytest.fixture
def users(store: Store, directories: Directories) -> Users:
    return Users(store, directories.open)


def put(store: Store, *resources: Resource) -> None:
    with store.write() as tx:
        for each in resources:
            tx.resources.put(each)


def known(store: Store, name: WindowsAccount = STAFF) -> set[WindowsAccount]:
    with store.read() as tx:
        return tx.windows_groups.members(name)


def readings(store: Store) -> dict[WindowsAccount, GroupReading]:
    with store.read() as tx:
        return tx.windows_groups.readings()


def told(store: Store, name: str) -> list[dict[str, Any]]:
    with store.read() as tx:
        return [dict(event.fields) for event in tx.events.find(EventQuery(name=name, account=str(STAFF)))]


def warnings(store: Store, desired: State) -> list[str]:
    with store.read() as tx:
        return list(user_warnings(tx, desired))


def problems(store: Store) -> dict[str, str]:
    with store.read() as tx:
        return user_problems(tx)


def test_the_accounts_behind_a_name_are_kept_with_the_time(store: Store, users: Users, corp: MemoryGroups) -> None:
    put(store, CORP, app("A", "CORP\\staff"), app("B", "CORP\\ops", "CORP\\staff"), resource("g", AdapterGroup()))
    assert users.refresh() == []
    assert corp.asked == ["CORP\\ops", "CORP\\staff"]
    assert corp.closed == 1
    assert known(store) == accounts("alice", "bob")
    assert readings(store) == {STAFF: GroupReading(NOW, 2), OPS: GroupReading(NOW, 1)}
    assert told(store, "windowsGroupChanged") == [{"applications": ["A", "B"], "added": 2, "removed": 0}]
    assert problems(store) == {}


def test_each_round_asks_anew_and_tells_only_of_what_is_new(store: Store, users: Users, corp: MemoryGroups) -> None:
    put(store, CORP, app("A", "CORP\\staff"))
    users.refresh()
    users.refresh()
    corp.behind["CORP\\staff"] = {"CORP\\bob", "CORP\\dave"}
    users.refresh()
    assert known(store) == accounts("bob", "dave")
    newest, first = told(store, "windowsGroupChanged")
    assert (newest["added"], newest["removed"], first["added"]) == (1, 1, 2)


def test_without_named_users_nobody_is_asked(store: Store, users: Users, directories: Directories) -> None:
    put(store, CORP, app("A"))
    assert users.refresh() == []
    assert directories.opened == []


def test_a_name_that_nobody_gives_any_more_is_forgotten(store: Store, users: Users, corp: MemoryGroups) -> None:
    put(store, CORP, app("A", "CORP\\staff"))
    users.refresh()
    assert corp.asked
    put(store, app("A"))
    users.refresh()
    assert (readings(store), known(store)) == ({}, set())


@pytest.mark.parametrize("in_opening", [True, False])
def test_while_the_directory_is_away_its_last_answer_stays(
    store: Store, users: Users, directories: Directories, corp: MemoryGroups, *, in_opening: bool
) -> None:
    put(store, CORP, app("A", "CORP\\staff"), app("B", "CORP\\ops"))
    users.refresh()
    corp.asked.clear()
    if in_opening:
        directories.error = SettingsError("environment variable X is not set")
        problem = "environment variable X is not set"
    else:
        corp.error = Unavailable("dc1 cannot be reached", hint="check the name")
        problem = "dc1 cannot be reached (check the name)"
    assert users.refresh() == [f"users CORP\\ops: {problem}", f"users CORP\\staff: {problem}"]
    assert len(corp.asked) == (0 if in_opening else 1)  # nobody waits twice for one that is away
    users.refresh()
    assert known(store) == accounts("alice", "bob")
    assert told(store, "windowsGroupUnread") == [{"applications": ["A"], "problem": problem}]
    last = f"{problem}; the last answer, 2 accounts at 2026-07-01 12:00:00Z, stays in force"
    assert problems(store)["A"] == f"users CORP\\staff: {last}"
    assert warnings(store, state(CORP, app("A", "CORP\\staff"))) == [f"Application/A: users CORP\\staff: {last}"]
    corp.error = directories.error = None
    assert users.refresh() == []
    assert problems(store) == {}


def test_an_unknown_name_says_so_and_the_others_are_asked_all_the_same(
    store: Store, users: Users, corp: MemoryGroups
) -> None:
    put(store, CORP, app("A", "CORP\\gone", "CORP\\staff"))
    assert users.refresh() == ["users CORP\\gone: the memory directory has no CORP\\gone"]
    assert known(store) == accounts("alice", "bob")
    never = (
        "the memory directory has no CORP\\gone; it was never read, so that only an account of this very name is a user"
    )
    assert problems(store) == {"A": f"users CORP\\gone: {never}"}
    assert corp.closed == 1


def test_a_group_that_has_lost_most_of_its_members_is_held(store: Store, users: Users, corp: MemoryGroups) -> None:
    put(store, CORP, app("A", "CORP\\staff"))
    corp.behind["CORP\\staff"] = crowd(10)
    users.refresh()
    corp.behind["CORP\\staff"] = set()
    (problem,) = users.refresh()
    users.refresh()
    assert problem == (
        "users CORP\\staff: 10 of 10 accounts are gone "
        "(maxPrunePercent is 30; if it is meant, 'pwsync apply --force' takes it over)"
    )
    assert len(known(store)) == 10
    assert [event["applications"] for event in told(store, "windowsGroupHeld")] == [["A"]]
    assert "10 of 10 accounts are gone" in problems(store)["A"]
    users.refresh(force=True)
    assert known(store) == set()
    assert readings(store) == {STAFF: GroupReading(NOW, 0)}


def test_a_large_group_is_written_piece_by_piece(
    store: Store, users: Users, corp: MemoryGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.reconcile.look_up.PIECE", 4)
    put(store, CORP, app("A", "CORP\\staff"))
    corp.behind["CORP\\staff"] = crowd(10)
    users.refresh()
    assert known(store) == accounts(*(f"user{n}" for n in range(10)))
    corp.behind["CORP\\staff"] = crowd(4)
    users.refresh(force=True)
    assert known(store) == accounts(*(f"user{n}" for n in range(4)))


def test_a_loss_within_the_threshold_of_the_system_is_taken_over(
    store: Store, users: Users, corp: MemoryGroups
) -> None:
    put(store, CORP, app("A", "CORP\\staff"))
    corp.behind["CORP\\staff"] = crowd(10)
    users.refresh()
    corp.behind["CORP\\staff"] = crowd(6)
    assert len(users.refresh([Create(system(max_prune_percent=40))])) == 0
    assert len(known(store)) == 6


def test_a_domain_without_a_directory_is_not_asked_and_fails_closed(
    store: Store, users: Users, directories: Directories, corp: MemoryGroups
) -> None:
    named = app("A", "CORP\\staff", "LAB\\eve", "NOWHERE\\x")
    put(store, CORP, LAB, named)
    users.refresh()
    assert [domain for domain, _ in directories.opened] == ["CORP"]
    words = "has no directory to ask, so that only an account of this very name is a user"
    eve, x = f"users LAB\\eve: Domain/LAB {words}", f"users NOWHERE\\x: Domain/NOWHERE {words}"
    assert problems(store) == {"A": f"{eve}; {x}"}
    assert warnings(store, state(CORP, LAB, named)) == [f"Application/A: {eve}", f"Application/A: {x}"]
    without = replace(CORP, spec=DomainSpec("corp.example.com"))
    put(store, without)
    users.refresh()
    assert readings(store) == {}
    assert corp.closed == 1


def test_a_named_account_that_is_mapped_itself_needs_no_directory(store: Store) -> None:
    eve = replace(mapping("A", "eve", "E1"), windows=WindowsAccount("LAB", "eve"))
    put(store, LAB, app("A", "LAB\\eve"))
    with store.write() as tx:
        tx.mappings.put([eve])
    assert problems(store) == {}
    assert warnings(store, state(LAB, app("A", "LAB\\eve"), eve)) == []
    other = replace(eve, application="B")
    assert len(warnings(store, state(LAB, app("A", "LAB\\eve"), other))) == 1


def test_what_was_applied_but_never_asked_about_is_told(store: Store) -> None:
    declared = state(CORP, app("A", "CORP\\staff"))
    assert warnings(store, declared) == []  # apply asks
    put(store, CORP, app("A", "CORP\\staff"))
    not_asked = "users CORP\\staff: the directory was not asked yet, changes wait for it"
    assert warnings(store, declared) == [f"Application/A: {not_asked}"]
    with store.read() as tx:
        found = statuses(tx.resources.read().values(), _plan_of(store, declared), {}, users=user_problems(tx))
    status = found[app("A").key]
    assert (status.health, status.conditions[1].reason) == (Health.DEGRADED, "usersUnknown")
    assert status.conditions[1].message == not_asked
    assert found[CORP.key].health is Health.HEALTHY


def _plan_of(store: Store, declared: State) -> Any:
    return Reconciler(store, lambda: (declared, [])).plan()


def test_what_a_plan_brings_is_asked_about_before_it_takes_effect(
    store: Store, users: Users, directories: Directories, corp: MemoryGroups
) -> None:
    put(store, app("OLD", "CORP\\ops"))
    elsewhere = replace(CORP, spec=DomainSpec("corp.example.com", directory=replace(DIRECTORY, base_dn="DC=new")))
    changes: list[Change] = [
        Create(elsewhere),
        Create(app("A", "CORP\\staff")),
        Create(mapping("A", "alice", "A1")),
        Prune(app("OLD", "CORP\\ops")),
        Update(app("C"), app("C", "CORP\\staff")),
    ]
    users.refresh(changes)
    assert directories.opened[0][1].base_dn == "DC=new"
    assert known(store) == accounts("alice", "bob")
    assert known(store, OPS) == accounts("carol")  # still in force until the plan is applied
    assert corp.closed == 1


@dataclass
class Silent:
    """A directory that answers about a name only when it is told to."""

    may_answer: Event = field(default_factory=Event)
    is_asked: Event = field(default_factory=Event)
    asked: list[str] = field(default_factory=list)
    is_closed: Event = field(default_factory=Event)

    def members(self, name: WindowsAccount) -> frozenset[WindowsAccount]:
        self.asked.append(name.name)
        self.is_asked.set()
        assert self.may_answer.wait(20)
        return frozenset(accounts("alice"))

    def close(self) -> None:
        self.is_closed.set()


HUB = resource("HUB", DomainSpec("hub.example.com", directory=DIRECTORY))
LATE = "the directory of Domain/HUB has not answered in time (check that it is up and not overloaded)"
AT_ONCE = timedelta(seconds=1)


def test_a_silent_domain_holds_up_no_other_one_and_is_named(
    store: Store, directories: Directories, corp: MemoryGroups
) -> None:
    silent = Silent()
    users = Users(store, lambda domain, at: silent if domain == "HUB" else directories.open(domain, at))
    put(store, CORP, HUB, app("A", "CORP\\staff", "HUB\\a", "HUB\\b"))
    assert users.refresh(limit=AT_ONCE) == [f"users HUB\\a: {LATE}", f"users HUB\\b: {LATE}"]
    assert known(store) == accounts("alice", "bob")
    assert corp.closed == 1
    assert {str(name): reading.problem for name, reading in readings(store).items() if reading.problem} == {
        "HUB\\a": LATE,
        "HUB\\b": LATE,
    }
    assert users.refresh(limit=AT_ONCE) == [f"users HUB\\a: {LATE}", f"users HUB\\b: {LATE}"]
    assert silent.asked == ["a"]  # it is not asked again while it owes an answer
    silent.may_answer.set()
    assert silent.is_closed.wait(20)
    assert silent.asked == ["a"]  # nor about the next name, when its time is over


def test_what_a_slow_domain_leaves_open_comes_first_the_next_time(store: Store) -> None:
    slow = Silent()
    users = Users(store, lambda _domain, _at: slow)
    put(store, HUB, app("A", "HUB\\a", "HUB\\b"))
    users.refresh(limit=AT_ONCE)
    slow.may_answer.set()
    assert slow.is_closed.wait(20)
    _end_of("pwsync-users-HUB")
    assert users.refresh() == []
    assert slow.asked == ["a", "b", "a"]


def _end_of(thread: str) -> None:
    for each in enumerate_threads():
        if each.name == thread:
            each.join(20)


def test_only_new_names_are_asked_about_when_that_is_wanted(store: Store, users: Users, corp: MemoryGroups) -> None:
    put(store, CORP, app("A", "CORP\\staff"))
    assert users.refresh(only_new=True) == []
    put(store, app("B", "CORP\\ops"))
    assert users.refresh(only_new=True) == []
    assert corp.asked == ["CORP\\staff", "CORP\\ops"]


def test_a_stop_ends_a_refresh_at_once_and_notes_nothing(store: Store) -> None:
    silent = Silent()
    users = Users(store, lambda _domain, _at: silent)
    put(store, HUB, app("A", "HUB\\a"))
    told: list[list[str]] = []
    refreshing = Thread(target=lambda: told.append(users.refresh(limit=timedelta(minutes=5))))
    refreshing.start()
    assert silent.is_asked.wait(20)
    users.stop()
    refreshing.join(20)
    assert told == [[]]
    assert readings(store) == {}
    silent.may_answer.set()
    assert silent.is_closed.wait(20)
    assert users.refresh() == []  # once stopped, it asks nobody
    assert silent.asked == ["a"]


@pytest.mark.parametrize("in_opening", [True, False])
def test_a_defect_of_a_look_up_is_told_without_its_text(store: Store, *, in_opening: bool) -> None:
    class Defective(MemoryGroups):
        def members(self, name: WindowsAccount) -> frozenset[WindowsAccount]:
            raise ValueError(f"a secret about {name}")

    def open_(domain: str, _at: DomainDirectory) -> GroupDirectory:
        if in_opening:
            raise ValueError(f"a secret about {domain}")
        return Defective()

    put(store, CORP, app("A", "CORP\\ops", "CORP\\staff"))
    words = "the look-up failed: ValueError (report it)"
    assert Users(store, open_).refresh() == [f"users CORP\\ops: {words}", f"users CORP\\staff: {words}"]
