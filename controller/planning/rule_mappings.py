"""Mappings that rules derive: what a directory told, beside what is declared and what is there (section 11). Pure.

What is declared one by one, in a set or in a file wins. Two accounts that claim one external account, or two rules
that differ about one account, change nothing: what is there stays, and a person is told.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field
from fnmatch import translate

from controller.model.accounts import BUILT_IN_NAMES, ExternalAccount, WindowsAccount
from controller.model.errors import InvalidInput
from controller.model.rule_reading import FoundAccount, RuleReading, RuleResult
from controller.model.topology import Mapping, MappingRule

ORIGIN = "MappingRule/"
NOT_READ = RuleReading(None, problem="its directory was not asked")
_RECASE: dict[str, Callable[[str], str]] = {"asIs": str, "upper": str.upper, "lower": str.lower}


@dataclass(frozen=True, slots=True)
class Derived:
    """What all rules together make.

    Attributes:
        mappings: In the order of ``Mapping.sort_key``.
        results: Of each rule, by name.
        gone: Accounts that a directory does not have, all of whose declared mappings go.
        vanished: These, and those whose derived mappings go for the same reason.
        watched: How many mappings of each domain were looked at to find out.
        standing: How many mappings each rule has now.
    """

    mappings: Sequence[Mapping] = ()
    results: ReadOnlyMapping[str, RuleResult] = field(default_factory=dict)
    gone: frozenset[WindowsAccount] = frozenset()
    vanished: frozenset[WindowsAccount] = frozenset()
    watched: ReadOnlyMapping[str, int] = field(default_factory=dict)
    standing: ReadOnlyMapping[str, int] = field(default_factory=dict)


def derive(
    rules: ReadOnlyMapping[str, MappingRule],
    readings: ReadOnlyMapping[str, RuleReading],
    declared: Iterable[Mapping],
    actual: Iterable[Mapping],
) -> Derived:
    """Derive the mappings of *rules*.

    Args:
        rules: By name.
        readings: What the directories told, by name of the rule.
        declared: Mappings that manifests declare; read once.
        actual: Mappings that are there and that rules made (others are passed over); read once.
    """
    drafts = {name: _Draft(name, rules[name], readings.get(name, NOT_READ)) for name in sorted(rules)}
    for mapping in actual:
        draft = drafts.get(mapping.origin.removeprefix(ORIGIN)) if mapping.origin.startswith(ORIGIN) else None
        if draft is not None and (mapping.application, mapping.windows.domain) == draft.place:
            draft.standing[mapping.windows] = mapping
    ledgers = {draft.rule.application: _Ledger() for draft in drafts.values()}
    watch = _Watch(drafts.values())
    for mapping in declared:
        if not watch.has_lost_declared(mapping) and (ledger := ledgers.get(mapping.application)) is not None:
            ledger.declare(mapping)
    for draft in drafts.values():
        for mapping in draft.wanted():
            if not watch.has_lost_derived(mapping, draft):
                ledgers[mapping.application].claim(mapping, draft)
    chosen = sorted((m for ledger in ledgers.values() for m in ledger.settle(drafts)), key=lambda m: m.sort_key)
    for mapping in chosen:
        drafts[mapping.origin.removeprefix(ORIGIN)].mapped += 1
    return Derived(
        chosen,
        {name: draft.result() for name, draft in drafts.items()},
        frozenset(watch.gone),
        frozenset(watch.gone | watch.vanished),
        watch.watched,
        {name: len(draft.standing) for name, draft in drafts.items()},
    )


class _Draft:
    """One rule, while its mappings are derived."""

    def __init__(self, name: str, rule: MappingRule, reading: RuleReading) -> None:
        self.rule = rule
        self.place = (rule.application, rule.domain)
        self.named_by = (rule.domain, rule.account_attribute.lower())
        self.existing = reading.existing if rule.delete_all else None
        self.standing: dict[WindowsAccount, Mapping] = {}
        self.problems: list[str] = [reading.problem] if reading.problem else []
        self.mapped = self.overridden = 0
        self._origin = ORIGIN + name
        self._accounts = reading.accounts
        self._allowed = re.compile(rule.allowed) if rule.allowed is not None else None
        self._excluded = re.compile("|".join(translate(pattern.lower()) for pattern in rule.exclude) or r"(?!)")

    def exists(self, account: WindowsAccount) -> bool:
        """Whether the directory has it."""
        return self.existing is None or account.name in self.existing

    def wanted(self) -> Iterator[Mapping]:
        """What the rule wants by itself; without an answer, what is there."""
        if self._accounts is None:
            return iter(self.standing.values())
        return (mapping for mapping in self._wanted(self._accounts) if self._permits(mapping.external))

    def _wanted(self, accounts: Iterable[FoundAccount]) -> Iterator[Mapping]:
        matched: set[WindowsAccount] = set()
        may_move = self.rule.create and self.rule.delete
        for found in accounts:
            mapping = self._mapping(found)
            if mapping is None:
                continue
            matched.add(mapping.windows)
            there = self.standing.get(mapping.windows)
            if there is None:
                if self.rule.create:
                    yield mapping
            elif may_move or there.external == mapping.external:
                yield mapping
            else:
                yield there
        if not self.rule.delete:
            yield from (there for windows, there in self.standing.items() if windows not in matched)

    def result(self) -> RuleResult:
        """What came of it."""
        found = None if self._accounts is None else len(self._accounts)
        return RuleResult(found, self.mapped, self.overridden, tuple(self.problems))

    def _mapping(self, found: FoundAccount) -> Mapping | None:
        """The mapping of an account; None when it has no external name, or none that can be used."""
        name, values = found
        attribute = self.rule.external_attribute
        if not values or name.lower() in BUILT_IN_NAMES:
            return None
        if len(values) > 1:
            self.problems.append(f"{name!r} has {len(values)} values of {attribute}: leave one, or declare its mapping")
            return self._unclear(name)
        try:
            windows = WindowsAccount.parse(f"{self.rule.domain}\\{name}")
            external = ExternalAccount.parse("", _RECASE[self.rule.case](values[0])).name
        except InvalidInput as error:
            self.problems.append(f"{name!a} cannot be mapped: {error.message}: correct {attribute} in the directory")
            return self._unclear(name)
        if not self._permits(external):
            self.problems.append(
                f"{name!a} would have the external account {external!a}, which externalAccount of the rule does not "
                f"allow, and is left out: correct {attribute} in the directory"
            )
            return self._unclear(name)
        return Mapping(self.rule.application, windows, external, True, self._origin)

    def _permits(self, external: str) -> bool:
        """Whether the rule may give anybody this external account: whoever writes the attribute chooses it."""
        if self._allowed is not None and self._allowed.fullmatch(external) is None:
            return False
        return self._excluded.fullmatch(external.lower()) is None

    def _unclear(self, name: str) -> Mapping | None:
        """What is there stays as long as nobody knows better."""
        return self.standing.get(WindowsAccount(self.rule.domain, name.lower()))


class _Watch:
    """Accounts that directories do not have, where a rule says ``deleteAll``.

    A rule names accounts by an attribute. What it derives is looked for among the values of that attribute. What is
    declared is named by any of those of its domain's rules: it is gone when it is among the values of none, and when
    all of them are known.
    """

    def __init__(self, drafts: Iterable[_Draft]) -> None:
        watching = [draft for draft in drafts if draft.rule.delete_all]
        unknown = {draft.rule.domain for draft in watching if draft.existing is None}
        self._by_attribute = {draft.named_by: draft for draft in watching if draft.existing is not None}
        self._by_domain: dict[str, list[_Draft]] = {}
        for draft in self._by_attribute.values():
            if draft.rule.domain not in unknown:
                self._by_domain.setdefault(draft.rule.domain, []).append(draft)
        self.gone: set[WindowsAccount] = set()
        self.vanished: set[WindowsAccount] = set()
        self.watched: dict[str, int] = {}

    def has_lost_declared(self, mapping: Mapping) -> bool:
        """Whether the account of a declared mapping is gone."""
        watchers = self._by_domain.get(mapping.windows.domain)
        if watchers is None:
            return False
        self._count(mapping)
        if any(watcher.exists(mapping.windows) for watcher in watchers):
            return False
        self.gone.add(mapping.windows)
        watchers[0].problems.append(_gone_but_declared(mapping))
        return True

    def has_lost_derived(self, mapping: Mapping, draft: _Draft) -> bool:
        """Whether the account of a mapping that *draft* wants is gone."""
        watcher = self._by_attribute.get(draft.named_by)
        if watcher is None:
            return False
        self._count(mapping)
        if watcher.exists(mapping.windows):
            return False
        self.vanished.add(mapping.windows)
        return True

    def _count(self, mapping: Mapping) -> None:
        domain = mapping.windows.domain
        self.watched[domain] = self.watched.get(domain, 0) + 1


class _Ledger:
    """Claims of all rules of one application: each Windows account, and each external account, once (A6)."""

    def __init__(self) -> None:
        self._declared: dict[WindowsAccount, Mapping] = {}
        self._declared_external: dict[str, Mapping] = {}
        self._claims: dict[WindowsAccount, Mapping] = {}
        self._disputed: dict[WindowsAccount, list[Mapping]] = {}

    def declare(self, mapping: Mapping) -> None:
        """Take what a manifest declares."""
        self._declared[mapping.windows] = mapping
        self._declared_external[mapping.external] = mapping

    def claim(self, mapping: Mapping, draft: _Draft) -> None:
        """Take what a rule wants."""
        if mapping.windows in self._declared:
            draft.overridden += 1
        elif (owner := self._declared_external.get(mapping.external)) is not None:
            draft.problems.append(
                f"{mapping.windows} would have the external account {mapping.external}, which {owner.origin} gives to "
                f"{owner.windows}: correct {draft.rule.external_attribute} of one in the directory, or declare both"
            )
        elif (first := self._claims.setdefault(mapping.windows, mapping)).external != mapping.external:
            self._disputed.setdefault(mapping.windows, [first]).append(mapping)

    def settle(self, drafts: ReadOnlyMapping[str, _Draft]) -> Iterator[Mapping]:
        """Yield what nobody disputes; of what is disputed, what is there already."""
        for windows, claims in self._disputed.items():
            del self._claims[windows]
            said = " and ".join(f"{claim.external} by {claim.origin}" for claim in claims)
            self._tell(
                drafts, claims, f"{windows} is mapped to {said}: change the filter of one, or declare the mapping"
            )
            self._claims.update((c.windows, c) for c in claims if _stands(drafts, c))
        by_external: dict[str, Mapping] = {}
        shared: dict[str, list[Mapping]] = {}
        for mapping in self._claims.values():
            if (first := by_external.setdefault(mapping.external, mapping)) is not mapping:
                shared.setdefault(mapping.external, [first]).append(mapping)
        for external, claims in shared.items():
            del by_external[external]
            who = " and ".join(str(claim.windows) for claim in claims)
            what = f"{who} would have the same external account {external}"
            self._tell(drafts, claims, f"{what}: correct one of them in the directory, or declare one mapping")
            by_external.update([(external, c) for c in claims if _stands(drafts, c)][:1])
        return iter(by_external.values())

    def _tell(self, drafts: ReadOnlyMapping[str, _Draft], claims: Iterable[Mapping], problem: str) -> None:
        for origin in dict.fromkeys(claim.origin for claim in claims):
            drafts[origin.removeprefix(ORIGIN)].problems.append(problem)


def _stands(drafts: ReadOnlyMapping[str, _Draft], mapping: Mapping) -> bool:
    there = drafts[mapping.origin.removeprefix(ORIGIN)].standing.get(mapping.windows)
    return there is not None and there.external == mapping.external


def _gone_but_declared(mapping: Mapping) -> str:
    return (
        f"{mapping.windows} is not in the directory, so that its mapping to {mapping.external} of "
        f"{mapping.application} is left out: take it out of {mapping.origin}"
    )
