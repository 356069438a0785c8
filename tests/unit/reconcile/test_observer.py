"""Accounts are looked at where they are: which there are not, and whose password nobody told us of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from controller.model.errors import SettingsError
from controller.model.topology import REMOTE, Adapter, Application, ConnectorSpec, Domain, Key, Kind
from controller.ports.connectors import Connector
from controller.ports.events import EventQuery
from controller.reconcile.observer import LATENCY, MOST_NAMED, MOST_TOLD, PIECE, Observer
from controller.reconcile.picture import object_statuses
from controller.reconcile.verifying import Verifier
from tests.doubles.memory import MemoryConnector, MemoryDirectory
from tests.doubles.pipeline import START, PipelineBench


@dataclass
class Bench:
    """A pipeline, and the directories behind its targets."""

    pipeline: PipelineBench
    error: Exception | None = None
    surveyed: list[int] = field(default_factory=list)
    pieces: int = 1_000

    def connect(self, target: Adapter | Domain) -> Connector:
        if self.error is not None:
            raise self.error
        kind = "domain/CORP" if isinstance(target, Domain) else "adapter/x"
        return MemoryConnector(self.pipeline.directories[kind])

    def may_go_on(self) -> bool:
        self.pieces -= 1
        return self.pieces >= 0

    def look(self, latency: timedelta = timedelta(0)) -> None:
        verifier = Verifier(self.pipeline.store, self.pipeline.sealer, lambda: 0.5)
        Observer(self.pipeline.store, self.connect, verifier, self.may_go_on, latency).look()

    def conditions(self, kind: Kind = Kind.DOMAIN, name: str = "CORP") -> list[str]:
        with self.pipeline.store.read() as tx:
            status = object_statuses(tx, None)[Key(kind, name)]
        return [
            f"{c.is_true} {c.message}" for c in status.conditions if c.type == "Drifted" and (c.is_true or c.message)
        ]

    def told(self) -> list[tuple[str, str, str]]:
        names = {"accountMissing", "passwordChangeMissed", "targetNotSeen"}
        with self.pipeline.store.read() as tx:
            found = tx.events.find(EventQuery(limit=1_000))
        return [(e.name, e.adapter, e.account) for e in reversed(found) if e.name in names]

    @property
    def domain(self) -> MemoryDirectory:
        return self.pipeline.directories["domain/CORP"]

    @property
    def adapter(self) -> MemoryDirectory:
        return self.pipeline.directories["adapter/x"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    r"""CORP\alice and CORP\bob, mapped to al and bo of adapter x."""
    pipeline = PipelineBench(tmp_path)
    pipeline.system()
    pipeline.domain()
    pipeline.adapter("x", Adapter(ConnectorSpec("memory"), sync_to_adapter=True), "al", "bo")
    pipeline.map("X", "alice", "al")
    pipeline.map("X", "bob", "bo")
    yield Bench(pipeline)
    pipeline.close()


def test_where_all_is_well_nothing_is_told(bench: Bench) -> None:
    bench.look()
    assert bench.conditions() == bench.conditions(Kind.ADAPTER, "x") == []
    assert bench.told() == []


def test_an_account_that_is_gone_is_shown_and_its_mapping_stays(bench: Bench) -> None:
    del bench.domain.accounts["bob"]
    del bench.adapter.accounts["al"]
    bench.look()
    bench.look()
    assert bench.conditions() == ["True 1 mapped account does not exist: bob"]
    assert bench.conditions(Kind.ADAPTER, "x") == ["True 1 mapped account does not exist: al"]
    assert bench.told() == [("accountMissing", "x", "al"), ("accountMissing", "", "CORP\\bob")]
    with bench.pipeline.store.read() as tx:
        assert tx.mappings.count() == 2
    bench.domain.accounts["bob"] = "new"
    bench.look()
    assert bench.conditions() == []


def test_a_windows_password_that_nobody_told_of_is_shown_until_somebody_does(bench: Bench) -> None:
    bench.domain.clock = bench.domain.set_at["alice"] = START - timedelta(hours=2)
    bench.look()
    bench.domain.clock = bench.domain.set_at["alice"] = START
    bench.look()
    bench.look()
    assert bench.conditions() == ["True 1 password was set and nobody told: alice"]
    assert bench.told() == [("passwordChangeMissed", "", "CORP\\alice")]
    bench.pipeline.windows("alice", "new", at=START)
    bench.look()
    assert bench.conditions() == []


def test_a_reported_change_is_not_missed(bench: Bench) -> None:
    bench.look()
    bench.pipeline.windows("alice", "new")
    bench.domain.clock = bench.domain.set_at["alice"] = START
    bench.look()
    assert bench.conditions() == []


def test_a_password_that_is_set_in_a_target_behind_our_back_is_shown(bench: Bench) -> None:
    bench.pipeline.windows("alice", "new")
    bench.pipeline.route()
    bench.pipeline.deliver("adapter/x")
    bench.adapter.clock = bench.adapter.set_at["al"] = START
    bench.look()
    assert bench.conditions(Kind.ADAPTER, "x") == []
    bench.pipeline.now += timedelta(hours=1)
    bench.adapter.clock = bench.adapter.set_at["al"] = bench.pipeline.now
    bench.look()
    assert bench.conditions(Kind.ADAPTER, "x") == ["True 1 password was set and nobody told: al"]


def test_a_report_may_take_a_minute(bench: Bench) -> None:
    bench.domain.set_at["alice"] = START - timedelta(hours=2)
    bench.look(LATENCY)
    bench.domain.clock = bench.domain.set_at["alice"] = START
    bench.look(LATENCY)
    assert bench.conditions() == []
    bench.pipeline.now += LATENCY
    bench.domain.clock = bench.pipeline.now
    bench.look(LATENCY)
    assert bench.conditions() == ["True 1 password was set and nobody told: alice"]


def test_a_domain_that_reports_nothing_misses_nothing(bench: Bench) -> None:
    with bench.pipeline.store.read() as tx:
        spec = cast("Domain", tx.resources.read()[Key(Kind.DOMAIN, "CORP")].spec)
    bench.pipeline.put(Kind.DOMAIN, "CORP", Domain(spec.dns_name, directory=spec.directory))
    bench.domain.set_at["alice"] = START - timedelta(hours=2)
    bench.look()
    bench.domain.set_at["alice"] = START
    bench.look()
    assert bench.conditions() == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SettingsError("no secret"), "no secret"),
        (ValueError("hunter2"), "the connector failed: ValueError (report it to its author)"),
    ],
)
def test_what_cannot_be_looked_at_is_told_once_and_what_was_seen_stays(
    bench: Bench, error: Exception, words: str
) -> None:
    del bench.domain.accounts["bob"]
    bench.look()
    bench.error = error
    bench.look()
    bench.look()
    assert bench.conditions() == [
        f"True 1 mapped account does not exist: bob; its accounts could not be looked at: {words}"
    ]
    assert [name for name, *_ in bench.told()].count("targetNotSeen") == 2


def test_targets_and_accounts_that_are_gone_are_forgotten(bench: Bench) -> None:
    del bench.adapter.accounts["al"]
    bench.look()
    with bench.pipeline.store.write() as tx:
        tx.mappings.remove(tx.mappings.of_external(["X"], "al"))
    bench.look()
    assert bench.conditions(Kind.ADAPTER, "x") == []
    bench.pipeline.put(Kind.ADAPTER, "x", Adapter(ConnectorSpec(REMOTE)))
    bench.look()
    with bench.pipeline.store.read() as tx:
        assert tx.observations.notes().keys() == {"domain/CORP"}
        assert tx.observations.of_lane("adapter/x") == {}


def test_many_are_counted_and_some_are_named(bench: Bench) -> None:
    count = max(MOST_TOLD, PIECE) + 5
    for number in range(count):
        bench.pipeline.map("X", f"user{number:04}", f"e{number:04}")
    bench.look()
    (condition,) = bench.conditions()
    assert condition.startswith(f"True {count:,} mapped accounts do not exist: user0000, ")
    assert condition.count(",") == MOST_NAMED - 1
    assert len(bench.told()) == 2 * MOST_TOLD


@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_it_stops_when_it_is_told_to(bench: Bench, pieces: int) -> None:
    del bench.domain.accounts["bob"]
    bench.pieces = pieces
    bench.look()
    assert bench.conditions() == []


def test_mappings_of_an_application_without_an_adapter_are_looked_for_in_windows_alone(bench: Bench) -> None:
    bench.pipeline.put(Kind.APPLICATION, "Y", Application())
    bench.pipeline.map("Y", "nobody", "n")
    bench.look()
    assert bench.conditions() == ["True 1 mapped account does not exist: nobody"]
    assert bench.conditions(Kind.ADAPTER, "x") == []
