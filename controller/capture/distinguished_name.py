"""Distinguished names as text (RFC 4514), compared as directories compare them. Pure."""

import re
import unicodedata
from typing import Final

from controller.model.errors import InvalidInput

_ESCAPED: Final = r'\\[0-9A-Fa-f]{2}|\\[ "#+,;<=>\\]'
_PART: Final = re.compile(
    rf" *([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*) *= *+((?:[^\\,+]|{_ESCAPED})*+)([,+]|\Z)", re.DOTALL
)
_ESCAPE: Final = re.compile(rb'\\([0-9A-Fa-f]{2})|\\([ "#+,;<=>\\])')
_SHORT: Final = {
    name: short
    for short, *names in (
        ("cn", "commonname", "2.5.4.3"),
        ("l", "localityname", "2.5.4.7"),
        ("st", "stateorprovincename", "2.5.4.8"),
        ("o", "organizationname", "2.5.4.10"),
        ("ou", "organizationalunitname", "2.5.4.11"),
        ("c", "countryname", "2.5.4.6"),
        ("street", "streetaddress", "2.5.4.9"),
        ("dc", "domaincomponent", "0.9.2342.19200300.100.1.25"),
        ("uid", "userid", "0.9.2342.19200300.100.1.1"),
    )
    for name in names
}
"""Other names of the attributes of RFC 4514, section 3 (RFC 4519)."""

Part = tuple[str, str]
"""An attribute as ``attribute_key`` writes it, and its value without escapes."""


def split_dn(dn: str) -> list[list[Part]]:
    """The relative names of a DN, the entry's own first, each of one part or several.

    Raises:
        InvalidInput: It is no DN.
    """
    names: list[list[Part]] = [[]]
    at, end = 0, "+"
    while end:
        found = _PART.match(dn, at)
        if found is None:
            raise InvalidInput(f"{dn!r} is not a DN")
        names[-1].append((attribute_key(found[1]), _unescaped(found[2])))
        at, end = found.end(), found[3]
        if end == ",":
            names.append([])
    return names


def attribute_key(name: str) -> str:
    """One spelling for all names of an attribute."""
    return _SHORT.get(name.lower(), name.lower())


def dn_key(names: list[list[Part]]) -> list[list[Part]]:
    """One spelling for all of the same entry, whose parts have no order."""
    return [sorted((name, value_key(value)) for name, value in parts) for parts in names]


def value_key(value: str) -> str:
    """One spelling for all that slapd takes for the same name: by case, spaces, or forms of Unicode (RFC 4518).

    Letter by letter, and not ``casefold``: to slapd *ß* and *ss* are two, the small sigma at the end is another one,
    and *İ*, which becomes two characters here, is an *i*.
    """
    lower = "".join(letter.lower()[0] for letter in unicodedata.normalize("NFKC", value))
    return " ".join(filter(None, lower.split(" ")))


def account_name(dn: str, attribute: str, base_dn: str, *, is_subtree: bool = False) -> str | None:
    """The account of an entry: the value of *attribute*, which must be all of its own relative name.

    None of an entry that does not stand directly below *base_dn*, or with *is_subtree* anywhere below it.

    Raises:
        InvalidInput: *base_dn* is no DN.
    """
    base = dn_key(split_dn(base_dn))
    try:
        own, *above = split_dn(dn)
    except InvalidInput:
        return None
    parent = dn_key(above)
    is_below = parent == base or (is_subtree and parent[-len(base) :] == base)
    return own[0][1] if is_below and [name for name, _ in own] == [attribute_key(attribute)] else None


def _unescaped(text: str) -> str:
    value = text.rstrip(" ")
    if value != text and (len(value) - len(value.rstrip("\\"))) % 2:
        value += " "  # this one is escaped
    return _ESCAPE.sub(lambda m: bytes([int(m[1], 16)]) if m[1] else m[2], value.encode()).decode("utf-8", "replace")
