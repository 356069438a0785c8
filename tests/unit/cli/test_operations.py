"""The queue and the adapters as an operator works on them."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.unit.cli.console import Console


@pytest.fixture
def parked(applied: Console) -> Console:
    """The quickstart with one parked delivery: alice's account of the wiki is away."""
    _wiki(applied, "UPDATE users SET login = 'gone' WHERE login = 'alice.smith'")
    applied.expect(1, "change", "windows", "CORP\\alice", "--wait", stdin="Geheim-1\n")
    return applied


def _wiki(console: Console, statement: str) -> None:
    with closing(sqlite3.connect(console.folder / ".pwsync/demo/wiki.db")) as connection, connection:
        connection.execute(statement)


def _parked_id(console: Console) -> str:
    listed = json.loads(console.expect(0, "deliveries", "list", "--state", "parked", "-o", "json").out)
    identifier: str = listed["items"][0]["id"]
    return identifier


def test_a_parked_delivery_is_retried_once_its_cause_is_gone(parked: Console) -> None:
    identifier = _parked_id(parked)
    assert identifier in parked.expect(0, "deliveries", "list", "--adapter", "wiki").out
    _wiki(parked, "UPDATE users SET login = 'alice.smith' WHERE login = 'gone'")
    assert "1 of 1 delivery queued again." in parked.expect(0, "deliveries", "retry", identifier).err
    parked.expect(0, "run", "--once")
    assert "There are no deliveries like that in" in parked.expect(0, "deliveries", "list", "--state", "parked").err
    refused = parked.expect(1, "deliveries", "retry", identifier)
    assert "is confirmed: only a parked or retrying one can be retried" in refused.err
    assert "0 of 1 delivery" in refused.err


def test_parked_deliveries_are_discarded_after_a_question(parked: Console) -> None:
    assert "give --yes" in parked.expect(1, "deliveries", "discard", "--all-parked").err
    assert "1 of 1 delivery discarded." in parked.expect(0, "deliveries", "discard", "--all-parked", "--yes").err
    assert "0 of 0" in parked.expect(0, "deliveries", "retry", "--all-parked", "--adapter", "wiki").err
    assert "0 of 0" in parked.expect(0, "deliveries", "discard", "--all-parked", "--yes").err


def test_what_is_named_and_has_ended_already_is_an_error(parked: Console) -> None:
    identifier = _parked_id(parked)
    parked.expect(0, "deliveries", "discard", identifier, "--yes")
    again = parked.expect(1, "deliveries", "discard", identifier, "--yes")
    assert f"delivery {identifier} has ended already" in again.err
    assert "0 of 1 delivery discarded." in again.err


def test_what_to_work_on_must_be_said_clearly(parked: Console) -> None:
    assert "or give --all-parked" in parked.expect(1, "deliveries", "retry").err
    assert "or give --all-parked" in parked.expect(1, "deliveries", "discard", "x", "--all-parked", "--yes").err
    assert "only with --all-parked" in parked.expect(1, "deliveries", "retry", "x", "--adapter", "wiki").err
    assert "no delivery or change x" in parked.expect(1, "deliveries", "retry", "x").err
    assert "no adapter x" in parked.expect(1, "deliveries", "retry", "--all-parked", "--adapter", "x").err
    assert "no state 'odd'" in parked.expect(1, "deliveries", "list", "--state", "odd").err


def test_no_is_an_answer(parked: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("deliveries", "adapter", "reset"):
        monkeypatch.setattr(f"controller.cli.{module}.confirm", lambda _, remedy: not remedy)
    assert "Nothing was discarded." in parked.expect(1, "deliveries", "discard", "--all-parked").err
    assert "Nothing was discarded." in parked.expect(1, "adapter", "reset", "wiki").err
    assert "Nothing was forgotten." in parked.expect(1, "reset", "damping").err
    assert _parked_id(parked)


def test_a_disabled_adapter_is_shown_until_it_is_enabled(applied: Console) -> None:
    assert "Adapter wiki is disabled.\n" in applied.expect(0, "adapter", "disable", "wiki").err
    assert "disabled already" in applied.expect(0, "adapter", "disable", "wiki").err
    assert "Adapter/wiki is disabled by local:" in applied.expect(0, "plan").out
    status = applied.expect(0, "status").out
    assert "takes no part until it is enabled" in status
    applied.expect(0, "change", "windows", "CORP\\alice", "--wait", stdin="Geheim-1\n")
    applied.expect(0, "apply", "--yes")
    assert "takes no part" in applied.expect(0, "status").out
    assert "Adapter wiki is enabled.\n" in applied.expect(0, "adapter", "enable", "wiki").err
    assert "enabled already" in applied.expect(0, "adapter", "enable", "wiki").err
    assert "takes no part" not in applied.expect(0, "status").out


def test_an_adapter_is_reset(parked: Console) -> None:
    assert "1 delivery was discarded." in parked.expect(0, "adapter", "reset", "wiki", "--yes").err
    assert "no adapter nothing" in parked.expect(1, "adapter", "reset", "nothing", "--yes").err


def test_the_damping_is_reset(applied: Console) -> None:
    applied.expect(0, "change", "windows", "CORP\\alice", "--wait", stdin="Geheim-1\n")
    assert "is forgotten" in applied.expect(0, "reset", "damping", "--yes").err
