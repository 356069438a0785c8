"""Password filters (behaviours section 9): pure rules that turn a Windows password into the external one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

from controller.model.errors import FilterUnusable, InvalidInput
from controller.model.secret import MAX_PASSWORD_LENGTH, Secret


@dataclass(frozen=True, slots=True)
class Case:
    """``uc/`` or ``lc/``: all letters in one case."""

    to: Literal["upper", "lower"]


@dataclass(frozen=True, slots=True)
class Remove:
    """``rc/N/chars/``: remove these characters."""

    characters: str


@dataclass(frozen=True, slots=True)
class Substitute:
    """``sc/N/from/to/``: replace each character of *old* by the one at the same position of *new*."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Pad:
    """``ps/N/c/`` or ``pe/N/c/``: pad with *character* at the start or the end to *length* characters."""

    at: Literal["start", "end"]
    length: int
    character: str


@dataclass(frozen=True, slots=True)
class Truncate:
    """``tr/N/``: keep the first N characters."""

    length: int


Rule = Case | Remove | Substitute | Pad | Truncate


@dataclass(frozen=True, slots=True)
class PasswordFilter:
    """An ordered list of rules. No rules means: the password as it is."""

    rules: tuple[Rule, ...] = ()

    def apply(self, password: Secret) -> Secret:
        """Return the external password for a Windows password.

        Raises:
            FilterUnusable: The result is empty or longer than any password may be (filters fail closed).
        """
        filtered = Secret(self.rewrite(password.reveal()))
        if filtered.is_empty():
            raise FilterUnusable("the password filter leaves an empty password", hint="change the filter's rules")
        if filtered.is_too_long():
            raise FilterUnusable("the password filter makes the password longer than 256 characters")
        return filtered

    def rewrite(self, text: str) -> str:
        """Return *text* after all rules, whatever becomes of it: for made-up passwords."""
        for rule in self.rules:
            text = _apply(rule, text)
        return text

    def notation(self) -> str:
        """The rules in the reference system's notation, which :func:`parse_rules` reads."""
        return "".join(map(_notation, self.rules)) or "dc/"


def _apply(rule: Rule, text: str) -> str:
    match rule:
        case Case(to="upper"):
            return text.upper()
        case Case():
            return text.lower()
        case Remove(characters):
            return "".join(c for c in text if c not in characters)
        case Substitute(old, new):
            return text.translate(str.maketrans(old, new))
        case Pad(at, length, character):
            return text.rjust(length, character) if at == "start" else text.ljust(length, character)
        case Truncate(length):
            return text[:length]
        case _:
            assert_never(rule)


def _notation(rule: Rule) -> str:
    match rule:
        case Case(to):
            return "uc/" if to == "upper" else "lc/"
        case Remove(characters):
            return f"rc/{len(characters)}/{characters}/"
        case Substitute(old, new):
            return f"sc/{len(old)}/{old}/{new}/"
        case Pad(at, length, character):
            return f"{'ps' if at == 'start' else 'pe'}/{length}/{character}/"
        case Truncate(length):
            return f"tr/{length}/"
        case _:
            assert_never(rule)


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Read the reference system's notation, for example ``uc/rc/2/#@/tr/8/``.

    Raises:
        InvalidInput: An unknown token, a wrong count or length, or text that does not end with a slash.
    """
    return tuple(_tokens(_Reader(text)))


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    def more(self) -> bool:
        return self.at < len(self.text)

    def word(self) -> str:
        end = self.text.find("/", self.at)
        if end < 0:
            raise self.error("a slash is missing")
        word, self.at = self.text[self.at : end], end + 1
        return word

    def number(self) -> int:
        word = self.word()
        if not (word.isascii() and word.isdigit() and 0 < int(word) <= MAX_PASSWORD_LENGTH):
            raise self.error(f"{word!r} is not a number from 1 to {MAX_PASSWORD_LENGTH}")
        return int(word)

    def exactly(self, count: int) -> str:
        """Take *count* characters, which may be slashes, and the slash after them."""
        taken = self.text[self.at : self.at + count]
        self.at += count
        if len(taken) < count or self.text[self.at : self.at + 1] != "/":
            raise self.error(f"expected exactly {count} character(s) and a slash")
        self.at += 1
        return taken

    def error(self, what: str) -> InvalidInput:
        return InvalidInput(
            f"filter rules {self.text!r}, position {min(self.at, len(self.text)) + 1}: {what}",
            hint="tokens are dc/ uc/ lc/ rc/N/chars/ sc/N/from/to/ ps/N/c/ pe/N/c/ tr/N/",
        )


def _tokens(reader: _Reader) -> Iterator[Rule]:
    while reader.more():
        match reader.word():
            case "dc":
                continue
            case "uc":
                yield Case("upper")
            case "lc":
                yield Case("lower")
            case "rc":
                yield Remove(reader.exactly(reader.number()))
            case "sc":
                count = reader.number()
                old = reader.exactly(count)
                if len(set(old)) != count:
                    raise reader.error("a character is substituted twice")
                yield Substitute(old, reader.exactly(count))
            case "ps":
                yield Pad("start", reader.number(), reader.exactly(1))
            case "pe":
                yield Pad("end", reader.number(), reader.exactly(1))
            case "tr":
                yield Truncate(reader.number())
            case unknown:
                raise reader.error(f"unknown token {unknown!r}")
