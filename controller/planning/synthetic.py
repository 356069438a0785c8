"""Made-up passwords on which filters are tried. They are the same on every machine, and nobody's."""

from collections.abc import Callable, Iterable
from functools import cache
from hashlib import shake_256
from itertools import count

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
SPECIAL = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
CLASSES = (LOWER, UPPER, DIGITS, SPECIAL)
_BEYOND = ("äöüßéèñçØÅ", "λЖ漢字日本한글א", "😀🔑e\u0301\u200d")
_ALPHABETS = (*CLASSES, LOWER + UPPER, LOWER + UPPER + DIGITS, "".join(CLASSES), *(LOWER + UPPER + s for s in _BEYOND))
_EVERYTHING = "".join((*CLASSES, *_BEYOND))
_LONGEST = 64
_TYPICAL_LENGTHS = range(8, 21)
_PER_LENGTH = 6
_CLASSES_NEEDED = 3  # MS-ADTS 6.1.1.5, "password must meet complexity requirements": three of five categories

Choose = Callable[[str], str]
"""Takes one character of an alphabet."""


@cache
def typical_passwords() -> tuple[str, ...]:
    """Passwords as a domain with the default policy has them: 8 to 20 characters of all four ASCII classes.

    Beside each stand some that people choose next: another case, another end, another special character.
    """
    choose = _chooser("typical")
    made = (_complex(length, choose) for length in _TYPICAL_LENGTHS for _ in range(_PER_LENGTH))
    return tuple(dict.fromkeys(variant for password in made for variant in _variants(password)))


@cache
def all_passwords() -> tuple[str, ...]:
    """Passwords of every length from 1 to 64 in every class, in some and all of them, and of other scripts."""
    choose = _chooser("all")
    lengths = range(1, _LONGEST + 1)
    alphabets = (*_ALPHABETS, _EVERYTHING)
    made = ("".join(choose(alphabet) for _ in range(length)) for length in lengths for alphabet in alphabets)
    return tuple(dict.fromkeys(made))


def passwords_of(characters: str) -> tuple[str, ...]:
    """Passwords that the default policy takes, with as many of *characters* as can be."""
    pools = ("".join(c for c in members if c in characters) for members in CLASSES)
    favoured = sorted(zip(pools, CLASSES, strict=True), key=lambda pair: not pair[0])[:_CLASSES_NEEDED]
    needed = [pool or members for pool, members in favoured]
    choose = _chooser("favoured")
    return tuple(
        "".join(choose(members) for members in needed)
        + "".join(choose(needed[0]) for _ in range(length - _CLASSES_NEEDED))
        for length in _TYPICAL_LENGTHS
    )


def sample_password() -> str:
    """One made-up password, for a simulation that was given none."""
    return typical_passwords()[_PER_LENGTH * 4 * 4]


def _complex(length: int, choose: Choose) -> str:
    needed = [choose(members) for members in CLASSES]
    return "".join([*needed, *(choose(LOWER + UPPER + DIGITS) for _ in range(length - len(needed)))])


def _variants(password: str) -> Iterable[str]:
    return (password, password.swapcase(), f"{password[:-1]}1", "".join("-" if c in SPECIAL else c for c in password))


def _chooser(purpose: str) -> Choose:
    """Chance that is the same everywhere: hashed numbers (no random module promises its sequence for ever)."""
    numbers = (
        int.from_bytes(block[at : at + 4])
        for block in (shake_256(f"pwsync {purpose} {n}".encode()).digest(4096) for n in count())
        for at in range(0, 4096, 4)
    )
    return lambda alphabet: alphabet[next(numbers) % len(alphabet)]
