"""A list in all its forms, and what narrows it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from controller.model.errors import InvalidInput
from controller.model.events import CATALOGUE, Level
from controller.views.kinds import RESOURCE_KINDS, Word

Documents = Callable[[], Iterable[dict[str, Any]]]

_TAKES: dict[str, frozenset[Word]] = {
    "account": frozenset({Word.MAPPINGS, Word.CHANGES, Word.DELIVERIES, Word.EVENTS}),
    "adapter": frozenset({Word.APPLICATIONS, Word.MAPPINGS, Word.DELIVERIES, Word.EVENTS}),
    "tracking_id": frozenset({Word.CHANGES, Word.DELIVERIES, Word.EVENTS}),
    "state": frozenset({Word.CHANGES, Word.DELIVERIES}),
    "event": frozenset({Word.EVENTS}),
    "level": frozenset({Word.EVENTS}),
}
STATES = {
    Word.CHANGES: ("accepted", "completed", "failed", "discarded"),
    Word.DELIVERIES: ("pending", "inFlight", "confirmed", "retrying", "parked", "superseded", "expired"),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show. Empty means any."""

    name: str = ""
    account: str = ""
    adapter: str = ""
    tracking_id: str = ""
    state: str = ""
    limit: int | None = None
    event: str = ""
    level: str = ""

    @property
    def are_set(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.name) or any(getattr(self, filter_) for filter_ in _TAKES)

    def names_one(self, word: Word) -> bool:
        """Whether the answer is one object, and no list."""
        return bool(self.name) and (word in RESOURCE_KINDS or word in {Word.CHANGES, Word.MAPPING_SETS})

    def check(self, word: Word) -> None:
        """Refuse a filter that the kind does not have, since it would silently show too much.

        Raises:
            InvalidInput: Such a filter, or an unknown state, event or level.
        """
        for filter_, words in _TAKES.items():
            if getattr(self, filter_) and word not in words:
                option = filter_.replace("_", "-")
                hint = f"it belongs to {', '.join(sorted(words))}"
                raise InvalidInput(f"--{option} has no meaning for {word.value}", hint=hint)
        if self.state and self.state not in STATES[word]:
            states = ", ".join(STATES[word])
            raise InvalidInput(f"there is no state {self.state!r} of {word.value}", hint=f"there are {states}")
        if self.event and self.event not in CATALOGUE:
            raise InvalidInput(f"there is no event {self.event!r}", hint=_like(self.event))
        if self.level and self.level not in set(Level):
            raise InvalidInput(f"there is no level {self.level!r}", hint=f"there are {', '.join(Level)}")


def _like(name: str) -> str:
    near = get_close_matches(name, CATALOGUE, n=1)
    return f"did you mean {near[0]}?" if near else "see the reference of events"


@dataclass(frozen=True, slots=True)
class Found:
    """A list in all its forms.

    Attributes:
        limit: After how many rows a table ends by itself; None: never.
    """

    columns: Sequence[str]
    rows: Callable[[], Iterable[Sequence[str]]]
    items: Documents
    documents: Documents
    limit: int | None = None
