"""Which refusals this process has recorded lately, so that nobody without a right pushes older events out."""

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

QUIET = timedelta(minutes=1)
"""A refusal that is repeated within this time is not recorded again."""
MOST_KINDS = 10_000
"""Of the kinds that are remembered; of more, those recorded longest ago are forgotten."""


class RecordedRefusals:
    """When each kind of refusal (who, where, which call, why) was recorded. Used by all threads."""

    def __init__(self, most: int = MOST_KINDS) -> None:
        self._most = most
        self._at: OrderedDict[tuple[str, ...], datetime] = OrderedDict()
        self._lock = Lock()

    def is_due(self, kind: tuple[str, ...], now: datetime) -> bool:
        """Whether a refusal of this *kind* is to be recorded."""
        with self._lock:
            last = self._at.get(kind)
        return last is None or not last <= now < last + QUIET

    def note(self, kind: tuple[str, ...], now: datetime) -> None:
        """One has been recorded, for good."""
        with self._lock:
            self._at[kind] = now
            self._at.move_to_end(kind)
            if len(self._at) > self._most:
                self._at.popitem(last=False)
