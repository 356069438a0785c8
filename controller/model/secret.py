"""The one type that carries a password in clear."""

import hmac
from typing import Never, final

MAX_PASSWORD_LENGTH = 256
"""Characters (code points), ESSO 10839."""


@final
class Secret:
    """A password or key in clear that never prints, logs, hashes, pickles or compares in variable time.

    The text is kept exactly as given: never converted, never normalised. ``reveal`` is called only where the
    value is handed to a directory or to sealing, so that searching for ``reveal`` lists every such place.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError("a Secret holds text")
        self.__text = text

    def reveal(self) -> str:
        """Return the text in clear."""
        return self.__text

    def is_empty(self) -> bool:
        """Tell whether the text has no characters."""
        return not self.__text

    def is_too_long(self) -> bool:
        """Tell whether the text has more characters than any password may have (behaviour A9)."""
        return len(self.__text) > MAX_PASSWORD_LENGTH

    def is_unicode(self) -> bool:
        """Tell whether the text can be written in UTF-8 (it has no lone surrogate)."""
        return not any("\ud800" <= c <= "\udfff" for c in self.__text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (s.encode("utf-8", "surrogatepass") for s in (self.__text, other.__text))
        return hmac.compare_digest(mine, theirs)

    __hash__ = None  # type: ignore[assignment]  # a hash of a password would be a fingerprint without a key

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> Never:
        raise TypeError("a Secret cannot be pickled or copied to another process")
