"""Plain scalars of YAML: what is written without quotes becomes a value only when there is no doubt which."""

import re
from typing import Final

Scalar = str | int | float | bool | None


class Unclear:
    """A plain scalar that YAML 1.1 and YAML 1.2 read differently: ``0123``, ``NO``, ``1_000``, ``2024-01-01``.

    No field accepts it, so that its writer is asked to say what is meant. It does not keep the text, which could be
    a secret in the wrong place.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "Unclear()"


UNCLEAR: Final = Unclear()

_CONSTANTS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_SWITCHES: Final = frozenset(form for word in ("yes", "no", "on", "off") for form in (word, word.title(), word.upper()))
_FIRST: Final = frozenset("-+.0123456789~nNtTfFyYoO=<")  # anything else is text without looking further
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{0,17}(?:[eE][-+][0-9]{1,2})?")
_UNCLEAR = re.compile(
    r"""[-+]?(?:0[0-9_]+|[1-9][0-9_]*|0b[01_]+|0o[0-7]+|0x[0-9a-fA-F_]+)   # integers of either version
    |[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?         # floats of either version
    |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?                      # 1.1: sexagesimal, 12:30
    |[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)
    |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9: .\tZ+-]+)?      # 1.1: timestamps
    |=|<<""",
    re.VERBOSE,
)


def resolve(text: str) -> Scalar | Unclear:
    """Return the value of a plain scalar; text stays text, exactly as written."""
    if text and text[0] not in _FIRST:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 16 if text.startswith("0x") else 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    return UNCLEAR if text in _SWITCHES or _UNCLEAR.fullmatch(text) else text
