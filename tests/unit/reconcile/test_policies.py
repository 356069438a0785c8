"""Targets are asked for their policies once an hour, or when their declaration changes; what they said is kept."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.model.constraints import Constraints
from controller.model.errors import ChannelRefused, NotFound, PolicyUntold, Unavailable
from controller.model.filters import PasswordFilter, parse_rules
from controller.model.policy import PasswordPolicy
from controller.model.topology import Adapter, ConnectorSpec, Domain, Kind
from controller.planning.policy_effects import declaration_of
from controller.ports.connectors import Connector
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.reconcile.policies import VALID_FOR, PolicyReader
from controller.reconcile.reconciler import Reconciler
from controller.store.opening import open_store
from tests.doubles.memory import MemoryConnector, MemoryDirectory
from tests.doubles.pipeline import DIRECTORY
from tests.doubles.topologies import adapter, resource, state, system
from tests.unit.reconcile.conftest import NOW

POLICY = PasswordPolicy("the directory", Constraints(min_length=7))
CORP = Domain("corp.example.com", directory=DIRECTORY)


@dataclass
class Bench:
    """A store whose time moves, and a directory behind every adapter."""

    store: Store
    now: datetime = NOW
    directory: MemoryDirectory = field(default_factory=lambda: MemoryDirectory(told_policy=POLICY))
    asked: list[Adapter | Domain] = field(default_factory=list)
    error: Exception | None = None
    connectors: list[MemoryConnector] = field(default_factory=list)

    def put(self, *resources: object) -> None:
        with self.store.write() as tx:
            for each in resources:
                tx.resources.put(each)  # type: ignore[arg-type]  # resources of any kind

    def connect(self, target: Adapter | Domain) -> Connector:
        self.asked.append(target)
        if self.error is not None:
            raise self.error
        self.connectors.append(MemoryConnector(self.directory))
        return self.connectors[-1]

    def refresh(self) -> int:
        return PolicyReader(self.store, self.connect).refresh()

    def known(self) -> dict[str, tuple[str, PasswordPolicy | None, str]]:
        with self.store.read() as tx:
            return {lane: (r.state, r.policy, r.problem) for lane, r in tx.policies.read().items()}

    def events(self) -> list[tuple[str, str, object]]:
        with self.store.read() as tx:
            found = tx.events.find(EventQuery())
        return [(e.name, e.adapter, e.fields.get("message")) for e in reversed(found)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    holder: list[Bench] = []
    store = open_store(f"sqlite:///{tmp_path / 'own.db'}", clock=lambda: holder[0].now if holder else NOW)
    holder.append(Bench(store))
    yield holder[0]
    store.close()


def test_adapters_that_send_and_domains_with_a_directory_are_asked_and_the_answers_kept(bench: Bench) -> None:
    sending, disabled = adapter("ad", sync_to_adapter=True), adapter("off", sync_to_adapter=True, enabled=False)
    bench.put(system(), sending, disabled, adapter("in"), resource("CORP", CORP), resource("LAB", Domain("lab")))
    assert bench.refresh() == 2
    assert set(bench.known()) == {"adapter/ad", "domain/CORP"}
    assert bench.known()["adapter/ad"] == ("known", POLICY, "")
    assert [connector.closed for connector in bench.connectors] == [1, 1]
    assert bench.events() == []


def test_a_target_is_asked_once_an_hour(bench: Bench) -> None:
    bench.put(adapter("ad", sync_to_adapter=True))
    assert bench.refresh() == 1
    bench.now += VALID_FOR - timedelta(seconds=1)
    assert bench.refresh() == 0
    bench.now += timedelta(seconds=1)
    assert bench.refresh() == 1


def test_a_clock_that_was_set_back_does_not_keep_it_from_being_asked(bench: Bench) -> None:
    bench.put(adapter("ad", sync_to_adapter=True))
    bench.refresh()
    bench.now -= timedelta(days=1)
    assert bench.refresh() == 1
    assert bench.refresh() == 0


def test_another_declaration_is_asked_at_once_and_another_filter_is_none(bench: Bench) -> None:
    bench.put(adapter("ad", sync_to_adapter=True))
    bench.refresh()
    bench.put(adapter("ad", sync_to_adapter=True, filter="new"))
    assert bench.refresh() == 0
    bench.put(resource("ad", Adapter(ConnectorSpec("ldap"), sync_to_adapter=True)))
    assert bench.refresh() == 1


def test_a_target_that_is_gone_is_forgotten(bench: Bench) -> None:
    bench.put(adapter("ad", sync_to_adapter=True))
    bench.refresh()
    with bench.store.write() as tx:
        tx.resources.remove(adapter("ad").key)
    assert bench.refresh() == 0
    assert bench.known() == {}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unavailable("away", hint="start it"), "away (start it)"),
        (NotFound("no such type"), "no such type"),
        (RuntimeError("with a secret"), "the connector failed: RuntimeError (report it to its author)"),
    ],
)
def test_what_cannot_be_found_out_is_known_as_such_and_told_once(bench: Bench, error: Exception, words: str) -> None:
    bench.put(resource("ad", Adapter(ConnectorSpec("activeDirectory"), sync_to_adapter=True)))
    bench.error = error
    for _ in range(2):
        assert bench.refresh() == 1
        assert bench.known() == {"adapter/ad": ("unknown", None, words)}
        bench.now += VALID_FOR
    assert bench.events() == [("policyUnknown", "", words)]
    bench.error = ChannelRefused("another reason")
    bench.refresh()
    assert [name for name, _, _ in bench.events()] == ["policyUnknown", "policyUnknown"]


def test_that_targets_of_a_kind_cannot_be_asked_is_known_and_no_news(bench: Bench) -> None:
    bench.put(adapter("host", sync_to_adapter=True))
    bench.error = PolicyUntold("it cannot be asked")
    assert bench.refresh() == 1
    assert bench.known() == {"adapter/host": ("unknown", None, "it cannot be asked")}
    assert bench.events() == []


def test_a_target_that_is_away_leaves_what_it_said_but_not_what_another_declaration_said(bench: Bench) -> None:
    bench.put(adapter("ad", sync_to_adapter=True))
    bench.refresh()
    bench.now += VALID_FOR
    with bench.directory.down():
        bench.refresh()
        assert bench.known()["adapter/ad"] == ("known", POLICY, "the memory directory is down")
        bench.put(resource("ad", Adapter(ConnectorSpec("ldap"), sync_to_adapter=True)))
        bench.refresh()
        assert bench.known()["adapter/ad"] == ("unknown", None, "the memory directory is down")


def test_no_policy_is_an_answer(bench: Bench) -> None:
    bench.put(adapter("ad", sync_to_adapter=True))
    bench.directory.told_policy = None
    bench.refresh()
    assert bench.known() == {"adapter/ad": ("none", None, "")}


def test_asking_ends_when_there_is_no_more_time(bench: Bench) -> None:
    bench.put(adapter("ad", sync_to_adapter=True), adapter("ldap", sync_to_adapter=True))
    times = iter([True, False])
    assert PolicyReader(bench.store, bench.connect, lambda: next(times)).refresh() == 1
    assert set(bench.known()) == {"adapter/ad"}


def test_a_policy_that_leaves_a_filter_no_password_is_told_once(bench: Bench) -> None:
    bench.put(
        resource("short", PasswordFilter(parse_rules("tr/6/"))),
        resource("long", PasswordFilter(parse_rules("tr/12/"))),
        adapter("ad", sync_to_adapter=True, filter="short"),
        adapter("b", sync_to_adapter=True, filter="long"),
        adapter("c", sync_to_adapter=True),
        resource("CORP", CORP),
    )
    for _ in range(2):
        bench.refresh()
        bench.now += VALID_FOR
    ((name, about, message),) = bench.events()
    assert (name, about) == ("filterAlwaysRefused", "ad")
    assert str(message).startswith("PasswordFilter/short leaves Adapter/ad no password that the policy")
    bench.directory.told_policy = replace(POLICY, history=3)
    bench.refresh()
    assert len(bench.events()) == 2


def test_a_plan_knows_what_was_found_out(bench: Bench) -> None:
    sending = adapter("ad", sync_to_adapter=True)
    bench.put(system(), sending)
    bench.refresh()
    filtered = adapter("ad", sync_to_adapter=True, filter="short")
    desired = state(system(), filtered, resource("short", PasswordFilter(parse_rules("tr/6/"))))
    plan = Reconciler(bench.store, lambda: (desired, [])).plan()
    assert [hold.code for hold in plan.holds] == ["filterAlwaysRefused"]
    assert {change.key.kind for change in plan.changes} == {Kind.ADAPTER, Kind.PASSWORD_FILTER}


def test_a_reading_belongs_to_the_declaration_that_was_asked(bench: Bench) -> None:
    sending = adapter("ad", sync_to_adapter=True)
    bench.put(sending)
    bench.refresh()
    with bench.store.read() as tx:
        reading = tx.policies.read()["adapter/ad"]
    assert isinstance(sending.spec, Adapter)
    assert reading.declaration == declaration_of(sending.spec)
