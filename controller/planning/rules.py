"""Mapping rules in a plan: what they derive beside what is declared, what they warn of, and when they hold it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from heapq import merge
from operator import attrgetter

from controller.model.accounts import WindowsAccount
from controller.model.rule_reading import RuleResult
from controller.model.topology import Key, Mapping, MappingRule, ReconcilePolicy, Resource
from controller.planning.change import Prune
from controller.planning.plan import Plan
from controller.planning.rule_mappings import ORIGIN, Derived
from controller.planning.safety import Hold, exceeds
from controller.planning.state import State

MOST_TOLD = 20
"""Problems of one rule that a plan shows, before it counts the rest."""


def rules_of(resources: ReadOnlyMapping[Key, Resource]) -> dict[str, MappingRule]:
    """The rules among *resources*, by name."""
    return {key.name: found.spec for key, found in resources.items() if isinstance(found.spec, MappingRule)}


def with_derived(desired: State, derived: Derived) -> State:
    """What is declared, and what the rules derive."""
    return State(desired.resources, _Together(desired.mappings, derived.mappings, derived.gone))


class _Together:
    """Two streams of mappings in their order, without those of accounts that are gone; may be read again and again."""

    __slots__ = ("_declared", "_derived", "_gone")

    def __init__(
        self, declared: Iterable[Mapping], derived: Iterable[Mapping], gone: AbstractSet[WindowsAccount]
    ) -> None:
        self._declared = declared
        self._derived = derived
        self._gone = gone

    def __iter__(self) -> Iterator[Mapping]:
        declared: Iterable[Mapping] = self._declared
        if self._gone:
            declared = (mapping for mapping in declared if mapping.windows not in self._gone)
        return merge(declared, self._derived, key=attrgetter("sort_key"))


def rule_warnings(results: ReadOnlyMapping[str, RuleResult]) -> Iterator[str]:
    """What a person should know about the rules."""
    for name, result in results.items():
        yield from (f"MappingRule/{name}: {problem}" for problem in shortened(result.problems))


def shortened(problems: tuple[str, ...]) -> list[str]:
    """The first problems, and how many there are beside."""
    more = len(problems) - MOST_TOLD
    return [*problems[:MOST_TOLD], f"and {more:,} more problems"] if more > 0 else list(problems)


def checked_against_rules(plan: Plan, derived: Derived, policy: ReconcilePolicy) -> Plan:
    """The plan, held where an answer of a directory would take too many mappings away."""
    pruned = Counter(
        change.before.origin.removeprefix(ORIGIN)
        for change in plan.changes
        if isinstance(change, Prune)
        and isinstance(change.before, Mapping)
        and change.before.origin.removeprefix(ORIGIN) in derived.results
    )
    held = [
        hold
        for name, result in derived.results.items()
        for hold in _holds(name, result, pruned[name], derived.standing[name], policy)
    ]
    held += _holds_of_domains(plan, derived, policy)
    return replace(plan, holds=(*plan.holds, *held)) if held else plan


def _holds_of_domains(plan: Plan, derived: Derived, policy: ReconcilePolicy) -> Iterator[Hold]:
    """Holds where accounts that a directory does not have any more would take too many mappings of its domain along."""
    lost = Counter(
        change.before.windows.domain
        for change in plan.changes
        if isinstance(change, Prune)
        and isinstance(change.before, Mapping)
        and change.before.windows in derived.vanished
    )
    for domain, pruned in sorted(lost.items()):
        watched, limit = derived.watched[domain], policy.max_prune_percent
        if exceeds(pruned, watched, limit):
            yield Hold(
                "domainLosesTooMany",
                f"the directory of Domain/{domain} does not have the accounts of {pruned:,} of its {watched:,} "
                f"mappings, which deleteAll would prune; maxPrunePercent is {limit}",
                "check baseDN of the Domain and what the service account may read; if it is meant, use --force or raise"
                " maxPrunePercent of the System",
            )


def _holds(name: str, result: RuleResult, pruned: int, standing: int, policy: ReconcilePolicy) -> Iterator[Hold]:
    rule = f"MappingRule/{name}"
    if pruned and result.found == 0:
        yield Hold(
            "ruleFoundNothing",
            f"{rule} finds no account at all and would prune {pruned:,} of its {standing:,} mappings",
            "check match.baseDN, match.filter and what the service account may read; if it is meant, use --force",
        )
    elif exceeds(pruned, standing, policy.max_prune_percent):
        limit = policy.max_prune_percent
        yield Hold(
            "ruleLosesTooMany",
            f"{rule} would prune {pruned:,} of its {standing:,} mappings; maxPrunePercent is {limit}",
            "check the directory and the rule; if it is meant, use --force or raise maxPrunePercent of the System",
        )
