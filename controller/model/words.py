"""The words of a remote adapter, as a person may read them: bounded, on one line, and without any password."""

import unicodedata
from urllib.parse import unquote, unquote_plus

from controller.model.secret import Secret

LONGEST = 500
"""Characters of an adapter's words that are kept."""
WITHHELD = "[the adapter's words are withheld: they hold a password]"
_DECODINGS = 2
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
_INVISIBLE = frozenset({"Cf", "Cs"})
"""Categories of Unicode: formats (also those that turn the direction of text) and lone surrogates."""


def quoted(words: str, *secrets: Secret) -> str:
    """Return *words*, or ``WITHHELD`` when they hold one of *secrets*, however written.

    Nothing is cut out of the words: what remained around it would tell the length, or complete a part of it.
    """
    written = _forms(words)
    for secret in secrets:
        text = secret.reveal()
        spellings = {text, _folded(text), _folded(_plain(text))} - {""}
        if any(spelling in form for spelling in spellings for form in written):
            return WITHHELD
    return _plain(words)[:LONGEST]


def _forms(words: str) -> set[str]:
    """All that *words* may be read as: percent-decoded (RFC 3986 section 2.1), and with or without controls."""
    decoded = {words}
    for _ in range(_DECODINGS):
        decoded |= {decode(text) for text in decoded for decode in (unquote, unquote_plus)}
    return {words} | {_folded(form) for text in decoded for form in (text, _plain(text), _plain(text, instead=""))}


def _plain(text: str, instead: str = " ") -> str:
    """Without what moves a terminal's cursor, or cannot be seen."""
    categories = ((character, unicodedata.category(character)) for character in text)
    return "".join(instead if c in _BREAKS else x for x, c in categories if c not in _INVISIBLE)


def _folded(text: str) -> str:
    """Without case and compatible variants: as NFKC, but decomposed, so that a mark that follows changes nothing."""
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
