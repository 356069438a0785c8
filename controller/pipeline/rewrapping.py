"""Rewrapping: what older keys have sealed is sealed with the newest one (decision 12).

Nothing remembers how far it came: what is still to be done shows by its mark, so that it goes on after a kill at any
point. It works in small transactions, waits for nobody, and changes a value only if it is still the one that was read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import assert_never

from controller.model.accounts import account_of
from controller.model.credential import SealPlace, external_credential_place, windows_password_place
from controller.model.errors import SealBroken
from controller.pipeline.queueing import delivery_place
from controller.pipeline.routing import change_place
from controller.ports.sealing import Rewrapper, SealedKind, SealedValue
from controller.ports.store import Store

BATCH = 200
"""Values that one transaction rewraps."""
MOST_PASSES = 10
"""Each but the last takes what was passed over, or sealed with an older key meanwhile."""

TellProgress = Callable[[int, int], None]
"""Hears how many values were rewrapped so far, and how many there were to rewrap."""


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What became of the values that older keys had sealed.

    Attributes:
        count: How many are sealed with the newest key now.
        broken: Why each of the others cannot be opened.
    """

    count: int
    broken: tuple[str, ...]


class Rewrapping:
    """Works on one store, with the keys as they are now."""

    def __init__(self, store: Store, rewrapper: Rewrapper) -> None:
        self._store = store
        self._rewrapper = rewrapper

    def remaining(self) -> int:
        """How many values another key than the newest has sealed."""
        with self._store.read() as tx:
            counts = tx.sealed.count_by_mark()
        return sum(count for mark, count in counts.items() if mark != self._rewrapper.newest_mark)

    def run(self, tell: TellProgress) -> Rewrapped:
        """Rewrap all there is; *tell* hears after each batch how far it came.

        Raises:
            StoreUnavailable: What was done until then stays done; run it again.
        """
        total, at_first = 0, self.remaining()
        broken: list[str] = []
        for _ in range(MOST_PASSES):
            broken = []
            done = 0
            for count in self._pass(broken):
                done += count
                tell(total + done, at_first)
            total += done
            if done == 0:
                break
        return Rewrapped(total, tuple(broken))

    def _pass(self, broken: list[str]) -> Iterator[int]:
        """Go through all values once; yields how many of each batch were rewrapped."""
        for kind in SealedKind:
            last: SealedValue | None = None
            while True:
                count, claimed = self._batch(kind, last, broken)
                if count:
                    yield count
                if len(claimed) < BATCH:
                    break
                last = claimed[-1]

    def _batch(self, kind: SealedKind, after: SealedValue | None, broken: list[str]) -> tuple[int, list[SealedValue]]:
        count = 0
        with self._store.write() as tx:
            claimed = tx.sealed.claim_others(kind, self._rewrapper.newest_mark, after, BATCH)
            for value in claimed:
                try:
                    sealed = self._rewrapper.rewrap(value.sealed, place_of(kind, value.names))
                except SealBroken as error:
                    broken.append(str(error))
                else:
                    count += tx.sealed.replace(kind, value, sealed)
        return count, claimed


def place_of(kind: SealedKind, names: tuple[str, ...]) -> SealPlace:
    """Where the sealed value that *names* name was sealed for."""
    match kind:
        case SealedKind.CREDENTIAL:
            return external_credential_place(*names)
        case SealedKind.WINDOWS_PASSWORD:
            return windows_password_place(*names)
        case SealedKind.CHANGE:
            return change_place(names[0], account_of(*names[1:]))
        case SealedKind.OLD_PASSWORD:
            return change_place(names[0], account_of(*names[1:]), "oldPassword")
        case SealedKind.DELIVERY:
            return delivery_place(names[0], account_of(*names[1:]))
        case _:
            assert_never(kind)
