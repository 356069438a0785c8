"""What a domain's directory told of a mapping rule, and what came of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class FoundAccount(NamedTuple):
    """One account that matches a rule, as the directory tells it.

    Attributes:
        name: Of the Windows account, without the domain.
        values: Of the attribute that holds the external account. What is not UTF-8 has lone surrogates.
    """

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleReading:
    """What a directory told of one rule.

    Attributes:
        accounts: Those that match; None when it is not known, so that what is there stays.
        existing: Names of all accounts of the domain, in lower case; None when that was not asked, or not answered.
        problem: Why something is not known, in words.
    """

    accounts: Collection[FoundAccount] | None
    existing: frozenset[str] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What came of one rule.

    Attributes:
        found: Accounts that match it; None when the directory did not tell.
        mapped: Mappings that it makes.
        overridden: Accounts that match, but are mapped by something else that is declared.
        problems: What a person should put right, in words.
    """

    found: int | None
    mapped: int = 0
    overridden: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotedResult:
    """What came of one rule, as the store keeps it.

    Attributes:
        at: When the plan was made.
    """

    at: datetime
    result: RuleResult
