"""What a target accepts as a password, as far as it can be told beforehand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from controller.model.secret import Secret

CATEGORIES = ("lower case", "upper case", "digits", "special characters", "other letters")
"""Of characters, as Active Directory counts them (MS-SAMR 3.1.1.7.2)."""
_SPECIAL = frozenset("~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/")  # the space is none of them


def categories_of(text: str) -> tuple[str, ...]:
    """The categories that the characters of *text* belong to, in order; some characters belong to none."""
    found = {_category_of(character) for character in text}
    return tuple(category for category in CATEGORIES if category in found)


def _category_of(character: str) -> str:
    lower, upper, digits, special, other = CATEGORIES
    if character.islower() or character.isupper():
        return lower if character.islower() else upper
    if character.isascii():
        return digits if character.isdigit() else special if character in _SPECIAL else ""
    return other if character.isalpha() else ""


@dataclass(frozen=True, slots=True)
class Constraints:
    """Limits of a target's passwords. None means: no limit known.

    Attributes:
        min_length: In characters, as ``max_length``.
        min_bytes: In UTF-8, as ``max_bytes``.
        forbidden: Characters that may not occur.
        min_categories: How many of ``CATEGORIES`` must occur; Active Directory's complexity asks for three.
        gaps: Lengths between the limits that are not taken: first and last of each gap, in characters.
        alphabet: The only characters that may occur; None: any.
    """

    min_length: int | None = None
    max_length: int | None = None
    max_bytes: int | None = None
    forbidden: str = ""
    min_bytes: int | None = None
    min_categories: int | None = None
    gaps: tuple[tuple[int, int], ...] = ()
    alphabet: str | None = None

    def violation(self, password: Secret) -> str | None:
        """Say in words, without the password, which limit it breaks first; None when it breaks none."""
        return next(self._violations(password.reveal()), None)

    def tightened(self, other: "Constraints") -> "Constraints":
        """Limits that a password keeps exactly when it keeps both these and *other*."""
        return Constraints(
            min_length=_either(max, self.min_length, other.min_length),
            max_length=_either(min, self.max_length, other.max_length),
            max_bytes=_either(min, self.max_bytes, other.max_bytes),
            forbidden="".join(dict.fromkeys(self.forbidden + other.forbidden)),
            min_bytes=_either(max, self.min_bytes, other.min_bytes),
            min_categories=_either(max, self.min_categories, other.min_categories),
            gaps=tuple(dict.fromkeys(self.gaps + other.gaps)),
            alphabet=_common(self.alphabet, other.alphabet),
        )

    def describe(self) -> Iterator[str]:
        """Say each limit in words."""
        for limit, words in (
            (self.min_length, "at least {} characters"),
            (self.min_bytes, "at least {} bytes (UTF-8)"),
            (self.max_length, "at most {} characters"),
            (self.max_bytes, "at most {} bytes (UTF-8)"),
            (self.min_categories, f"at least {{}} of the categories {', '.join(CATEGORIES)}"),
        ):
            if limit is not None:
                yield words.format(limit)
        for first, last in self.gaps:
            yield f"not of {first} to {last} characters"

    def _violations(self, text: str) -> Iterator[str]:
        size = len(text.encode("utf-8", "surrogatepass"))
        if self.min_length is not None and len(text) < self.min_length:
            yield f"shorter than the {self.min_length} characters that the target asks for"
        if self.min_bytes is not None and size < self.min_bytes:
            yield f"shorter than the {self.min_bytes} bytes (UTF-8) that the target asks for"
        if self.max_length is not None and len(text) > self.max_length:
            yield f"longer than the {self.max_length} characters that the target takes"
        if self.max_bytes is not None and size > self.max_bytes:
            yield f"longer than the {self.max_bytes} bytes (UTF-8) that the target takes"
        for first, last in self.gaps:
            if first <= len(text) <= last:
                yield f"of a length from {first} to {last} characters, which the target does not take"
        if any(c in self.forbidden or (self.alphabet is not None and c not in self.alphabet) for c in text):
            yield "with a character that the target does not take"
        if self.min_categories is not None and len(categories_of(text)) < self.min_categories:
            yield f"of fewer than the {self.min_categories} kinds of characters that the target asks for"


def _common(one: str | None, another: str | None) -> str | None:
    """The characters that both take."""
    if one is None or another is None:
        return another if one is None else one
    return "".join(character for character in one if character in another)


def _either(choose: Callable[[int, int], int], one: int | None, another: int | None) -> int | None:
    """The limit that is known, or of two known ones the chosen one."""
    return another if one is None else one if another is None else choose(one, another)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a connector can do.

    Attributes:
        needs_old_password: A change must carry the old password; it is never repeated blindly.
        can_verify: ``verify_password`` answers whether a password is in force.
        is_probe_harmless: A wrong probe counts towards no lockout, so that one may be made with every try.
        is_repeatable: Setting the same password twice does no harm (no history that refuses it).
        can_read_policy: ``policy`` answers. Without it, a policy that is not known is no news.
        can_survey: ``survey`` tells which accounts there are. Without it, one that is gone shows when it is written to.
        constraints: What the target accepts.
    """

    needs_old_password: bool = False
    can_verify: bool = True
    is_probe_harmless: bool = False
    is_repeatable: bool = True
    can_read_policy: bool = True
    can_survey: bool = True
    constraints: Constraints = Constraints()
