"""What came of mapping rules, and the mappings that they made."""

import pytest
from sqlalchemy import create_engine, text

from controller.model.errors import StoreUnusable
from controller.model.rule_reading import NotedResult, RuleResult
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock
from tests.doubles.topologies import mapping


def test_a_result_comes_back_as_it_was_put(store: Store, clock: SettableClock) -> None:
    unread, known = RuleResult(None, 3, problems=("it is away", "x\x00y")), RuleResult(7, 5, 2)
    with store.write() as tx:
        tx.rule_results.put("a", known)
        tx.rule_results.put("a", unread)
        tx.rule_results.put("b", known)
        tx.rule_results.put("gone", known)
        tx.rule_results.remove("gone")
        tx.rule_results.remove("gone")
    with store.read() as tx:
        assert tx.rule_results.read() == {"a": NotedResult(clock.now, unread), "b": NotedResult(clock.now, known)}


def test_a_result_that_cannot_be_read_is_named(store: Store, store_url: str) -> None:
    with store.write() as tx:
        tx.rule_results.put("a", RuleResult(1))
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE rule_results SET problems = '7'"))
    engine.dispose()
    with store.read() as tx, pytest.raises(StoreUnusable, match="rule_results"):
        tx.rule_results.read()


def test_mappings_are_found_by_the_beginning_of_their_origin(store: Store) -> None:
    made = [mapping("A", f"u{n}", f"E{n}", origin=f"MappingRule/r{n}") for n in range(3)]
    with store.write() as tx:
        tx.mappings.put([*made, mapping("A", "x", "X", origin="Mapping/MappingRule/"), mapping("A", "y", "Y")])
    with store.read() as tx:
        assert sorted(tx.mappings.of_origins("MappingRule/"), key=lambda m: m.external) == made
        assert list(tx.mappings.of_origins("MappingSet/")) == []
