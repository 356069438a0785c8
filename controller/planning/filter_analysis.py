"""What a password filter makes of passwords, and whether the target takes the result: tried on made-up passwords."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log2

from controller.model.constraints import Constraints, categories_of
from controller.model.filters import Pad, PasswordFilter, Remove, Rule, Truncate
from controller.model.secret import MAX_PASSWORD_LENGTH, Secret
from controller.planning.synthetic import CLASSES, DIGITS, all_passwords, passwords_of, typical_passwords

_PADDING = "\ue000"  # of the private use area: no password of ours has it, and no rule touches it
_OTHERS = 100  # how many other characters people type, roughly
_ASCII = frozenset("".join(CLASSES))
MOST_COLLIDING = 3 / 5
"""More of the typical passwords than that share becoming equal to another one is a serious loss. Half of them do when
letters are put in one case, since each stands beside its twin in the other case."""
LEAST_REMAINING = 2 / 3
"""Less of the entropy than that share remaining is a serious loss."""
EMPTY = "empty"
TOO_LONG = f"longer than the {MAX_PASSWORD_LENGTH} characters that any password may have"


@dataclass(frozen=True, slots=True)
class FilterAnalysis:
    """What happened to typical Windows passwords.

    Attributes:
        tried: How many.
        truncated: Those that lost characters at their end.
        colliding: Those whose external password is that of another one too.
        refused: Those whose external password the target, or anyone, would refuse.
        flaws: Why, in words; the most frequent first.
        remedies: What to change about the filter, as sentences without an end.
        bits_before: Entropy of the average password, estimated as its length times the logarithm of the number of
            characters in the classes that it uses.
        bits_after: Likewise of the average external password, without its padding.
        example: What kind of password is refused, in words, never the password; empty when none is.
        is_always_refused: No password of any length or alphabet leads to one that the target takes.
    """

    tried: int
    truncated: int
    colliding: int
    refused: int
    flaws: tuple[str, ...]
    remedies: tuple[str, ...]
    bits_before: float
    bits_after: float
    example: str
    is_always_refused: bool

    @property
    def is_serious(self) -> bool:
        """Whether the filter weakens passwords so much that a person should think about it."""
        return self.colliding > MOST_COLLIDING * self.tried or self.bits_after < LEAST_REMAINING * self.bits_before

    def share(self, number: int) -> str:
        """*number* of those tried, in percent: never 0 % when it is some, never 100 % when it is not all."""
        if number in {0, self.tried}:
            return "100 %" if number else "0 %"
        return f"{min(max(round(100 * number / self.tried), 1), 99)} %"


@lru_cache(maxsize=256)
def analyse(password_filter: PasswordFilter, constraints: Constraints) -> FilterAnalysis:
    """Try *password_filter* on made-up passwords, against what the target is known to take."""
    tried = tuple(dict.fromkeys([*typical_passwords(), *_most_affected(password_filter)]))
    results = [password_filter.rewrite(text) for text in tried]
    found = [flaw_of(text, constraints) for text in results]
    flaws = Counter(flaw for flaw in found if flaw is not None)
    refused = flaws.total()
    examples = (_example(*pair) for *pair, flaw in zip(tried, results, found, strict=True) if flaw is not None)
    counts = Counter(results)
    whole = PasswordFilter(tuple(r for r in password_filter.rules if not isinstance(r, Truncate)))
    marked = replace(password_filter, rules=tuple(_marked(rule) for rule in password_filter.rules))
    return FilterAnalysis(
        tried=len(tried),
        truncated=sum(len(whole.rewrite(text)) > len(result) for text, result in zip(tried, results, strict=True)),
        colliding=sum(counts[result] > 1 for result in results),
        refused=refused,
        flaws=tuple(flaw for flaw, _ in flaws.most_common()),
        remedies=tuple(_remedies(results, constraints)),
        bits_before=_average_bits(tried),
        bits_after=_average_bits(tuple(marked.rewrite(text).replace(_PADDING, "") for text in tried)),
        example=next(examples, ""),
        is_always_refused=refused == len(tried) and not _is_any_taken(password_filter, constraints),
    )


def flaw_of(text: str, constraints: Constraints) -> str | None:
    """Why a (made-up) external password would be refused, in words; None when it would not."""
    if not text:
        return EMPTY
    if len(text) > MAX_PASSWORD_LENGTH:
        return TOO_LONG
    return constraints.violation(Secret(text))


def _most_affected(password_filter: PasswordFilter) -> tuple[str, ...]:
    removed = "".join(rule.characters for rule in password_filter.rules if isinstance(rule, Remove))
    return passwords_of(removed) if removed else ()


def _example(password: str, result: str) -> str:
    """The kind of a password, and of what becomes of it."""
    kind = _kind(password)
    return kind if password == result else f"{kind} becomes {_kind(result)}"


def _kind(text: str) -> str:
    return f"one of {len(text)} characters ({', '.join(categories_of(text))})" if text else "an empty one"


def _is_any_taken(password_filter: PasswordFilter, constraints: Constraints) -> bool:
    return any(flaw_of(password_filter.rewrite(text), constraints) is None for text in all_passwords())


def _marked(rule: Rule) -> Rule:
    return replace(rule, character=_PADDING) if isinstance(rule, Pad) else rule


def _average_bits(texts: tuple[str, ...]) -> float:
    return round(sum(map(_bits, texts)) / len(texts), 1)


def _bits(text: str) -> float:
    """Length times the logarithm of the alphabet (an upper bound: people do not choose by chance)."""
    used = [members for members in CLASSES if not set(members).isdisjoint(text)]
    size = sum(map(len, used)) + (0 if _ASCII.issuperset(text) else _OTHERS)
    return len(text) * log2(size) if size else 0.0


def _remedies(results: list[str], constraints: Constraints) -> Iterator[str]:
    """What would help, one for each limit that some result breaks."""
    if "" in results:
        yield "remove fewer characters, or pad"
    limits = (
        (
            Constraints(min_length=constraints.min_length),
            f"pad, for example with pe/{constraints.min_length}/{DIGITS[0]}/",
        ),
        (Constraints(max_length=constraints.max_length), f"truncate with tr/{constraints.max_length}/"),
        (
            Constraints(max_bytes=constraints.max_bytes),
            f"truncate, for example with tr/{(constraints.max_bytes or 0) // 4}/",
        ),
        (
            Constraints(min_bytes=constraints.min_bytes),
            f"pad, for example with pe/{constraints.min_bytes}/{DIGITS[0]}/",
        ),
        (
            Constraints(min_categories=constraints.min_categories),
            "keep more kinds of characters: remove fewer, and do not put all letters in one case",
        ),
        (
            Constraints(gaps=constraints.gaps),
            "truncate to less, or pad to more, than the lengths that the target does not take",
        ),
        (
            Constraints(forbidden=constraints.forbidden, alphabet=constraints.alphabet),
            "remove or substitute the characters that the target does not take",
        ),
    )
    for limit, remedy in limits:
        if any(text and limit.violation(Secret(text)) is not None for text in results):
            yield remedy
    if any(len(text) > MAX_PASSWORD_LENGTH for text in results):
        yield "pad less"
