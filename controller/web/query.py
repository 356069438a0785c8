"""The query string of a call that lists: filters, a limit and a cursor. Nothing that a caller sent is ever repeated."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import Field
from starlette.requests import Request

from controller.model.errors import InvalidInput
from controller.web.body import instant_of
from controller.web.calls import Parameter
from controller.web.terms import FilterText, Moment

DEFAULT_LIMIT = 100
MOST_ITEMS = 1_000
"""Items of one answer, at most."""
LONGEST_VALUE = 600
LONGEST_CURSOR = 8_192
"""Of three names of 256 characters each, encoded."""
LIMIT, CURSOR = PAGING = ("limit", "cursor")
"""The parameters of every list."""
_NUMBER = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_BIGGEST = 2**63 - 1
T = TypeVar("T")
PAGE = (
    Parameter(LIMIT, "query", Annotated[int, Field(ge=1, le=MOST_ITEMS)], f"At most; else {DEFAULT_LIMIT}."),
    Parameter(CURSOR, "query", FilterText, "The `next` of the page before, of the same list with the same filters."),
)
ACCOUNT = Parameter("account", "query", FilterText, r"An external account, or `DOMAIN\user`.")
ADAPTER = Parameter("adapter", "query", FilterText, "Of this adapter.")
SINCE = Parameter("since", "query", Moment, "Received, created or recorded then or later.")
TRACKING = Parameter("trackingId", "query", FilterText, "Of this change.")
Position = Sequence[str | int]
"""Where a page ends: what its last item is ordered by."""


class Query:
    """The parameters of a request. One that the call does not know is refused: it would silently show too much."""

    def __init__(self, request: Request, *known: str) -> None:
        """Read them.

        Raises:
            InvalidInput: One is unknown, is there twice, is empty, too long, or has a character that no name has.
        """
        pairs = request.query_params.multi_items()
        names = [name for name, _ in pairs]
        if set(names) - set(known):
            hint = f"there are {', '.join(known)}" if known else "there are none"
            raise InvalidInput("there is no such parameter of this call", hint=hint)
        if len(names) != len(set(names)):
            raise InvalidInput("a parameter is there twice")
        self._values = dict(pairs)
        for name, value in pairs:
            longest = LONGEST_CURSOR if name == CURSOR else LONGEST_VALUE
            if not value or len(value) > longest or not is_storable(value):
                raise InvalidInput(f"{name} is empty, too long, or has a character that no name has")

    def text(self, name: str) -> str:
        """The value of a parameter; empty when it is not there."""
        return self._values.get(name, "")

    def choice(self, name: str, choices: Iterable[str], *, hint: str = "") -> str:
        """The value of a parameter that is one of *choices*; empty when it is not there.

        Raises:
            InvalidInput: It is another one.
        """
        value, known = self.text(name), [str(choice) for choice in choices]
        if value and value not in known:
            raise InvalidInput(f"there is no such {name}", hint=hint or f"there are {', '.join(known)}")
        return value

    def instant(self, name: str) -> datetime | None:
        """A point in time; None when it is not there.

        Raises:
            InvalidInput: It is none.
        """
        if name not in self._values:
            return None
        try:
            return instant_of(self._values[name])
        except ValueError:
            hint = "for example 2025-01-31T08:15:00Z; the + of an offset is written %2B"
        raise InvalidInput(f"{name} is not an RFC 3339 time", hint=hint)

    @property
    def limit(self) -> int:
        """How many items the answer has at most.

        Raises:
            InvalidInput: Not a number, or out of bounds.
        """
        text = self._values.get(LIMIT, str(DEFAULT_LIMIT))
        if not _NUMBER.fullmatch(text) or int(text) > MOST_ITEMS:
            raise InvalidInput(f"{LIMIT} must be a whole number, 1 to {MOST_ITEMS}")
        return int(text)

    def before(self, list_: str) -> int:
        """The number below which the page goes on, in a list that is ordered by one; 0 on the first page.

        Raises:
            InvalidInput: The cursor is not of this list.
        """
        found = self._position(list_)
        if not found:
            return 0
        match found:
            case [int(number)] if 0 < number <= _BIGGEST:
                return number
            case _:
                raise _bad_cursor()

    def after(self, list_: str, count: int) -> tuple[str, ...]:
        """The names behind which the page goes on, *count* of them; all empty on the first page.

        Raises:
            InvalidInput: The cursor is not of this list.
        """
        found = self._position(list_)
        names = tuple(name for name in found if isinstance(name, str) and name and is_storable(name))
        if found and (len(names) != count or len(found) != count):
            raise _bad_cursor()
        return names or ("",) * count

    def _position(self, list_: str) -> list[Any]:
        if CURSOR not in self._values:
            return []
        text = self._values[CURSOR]
        try:
            found = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (NotBase64, ValueError, RecursionError):
            raise _bad_cursor() from None
        match found:
            case [str(of), _, *_] if of == list_:
                position: list[Any] = found[1:]
                return position
            case _:
                raise _bad_cursor()


def is_storable(text: str) -> bool:
    """Whether the store may have it: no NUL, no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def page(
    list_: str, found: Sequence[T], limit: int, view: Callable[[T], Any], position: Callable[[T], Position]
) -> dict[str, Any]:
    """An answer of *limit* items at most: ``items``, and ``next``, the cursor of the next page or null.

    Args:
        list_: Names the list; a cursor is good for this one alone.
        found: What was found with a limit one higher, so that it is known whether there is more.
        limit: As the caller asked.
        view: An item as JSON.
        position: What items are ordered by.
    """
    shown = found[:limit]
    has_more = len(found) > limit
    return {
        "items": [view(item) for item in shown],
        "next": _cursor(list_, position(shown[-1])) if has_more else None,
    }


def _cursor(list_: str, position: Position) -> str:
    text = json.dumps([list_, *position], separators=(",", ":"), ensure_ascii=False)
    return urlsafe_b64encode(text.encode("utf-8")).decode("ascii").rstrip("=")


def _bad_cursor() -> InvalidInput:
    return InvalidInput(f"{CURSOR} is not one of this list", hint="send the value of next as it came")
