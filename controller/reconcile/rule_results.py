"""Keeps what came of the mapping rules, for status and pages, and records an event of each problem once."""

from collections.abc import Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import replace

from controller.model import events
from controller.model.events import Event
from controller.model.rule_reading import NotedResult, RuleResult
from controller.planning.rules import shortened
from controller.ports.store import Store


def note_results(store: Store, results: ReadOnlyMapping[str, RuleResult]) -> None:
    """Note what came of all rules that there are; nothing is written while it stays as it was.

    Raises:
        StoreUnavailable: The store cannot be reached.
        StoreUnusable: A row of it cannot be read.
    """
    with store.read() as tx:
        known = tx.rule_results.read()
    told = {name: replace(result, problems=tuple(shortened(result.problems))) for name, result in results.items()}
    news = {name: result for name, result in told.items() if name not in known or known[name].result != result}
    gone = known.keys() - results.keys()
    if not news and not gone:
        return
    with store.write() as tx:
        for name in gone:
            tx.rule_results.remove(name)
        for name, result in news.items():
            tx.rule_results.put(name, result)
            for event in _events(name, result, results[name], known.get(name)):
                tx.events.add(event)


def _events(name: str, told: RuleResult, whole: RuleResult, before: NotedResult | None) -> Iterator[Event]:
    if not told.problems or (before is not None and before.result.problems == told.problems):
        return
    if told.found is None:
        yield Event(events.MAPPING_RULE_UNREAD, fields={"rule": name, "problem": told.problems[0]})
    else:
        problems = {"count": len(whole.problems), "problems": list(told.problems)}
        yield Event(events.MAPPING_RULE_UNCLEAR, fields={"rule": name, **problems})
