"""A mapping conflict in words: which change would reach a second account of one system, and on which way."""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.model.accounts import Account, WindowsAccount
from controller.planning.safety import Hold

MOST_SHOWN = 10
"""Conflicts that are shown one by one, before the rest is counted."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One change would reach several accounts of one system.

    Attributes:
        adapter: The adapter that would have to allow it.
        paths: One way, from its start to a second account of the system; or two ways from the same start to two.
    """

    adapter: str
    paths: tuple[tuple[Account, ...], ...]

    @property
    def start(self) -> Account:
        """Whose change it is."""
        return self.paths[0][0]

    def __str__(self) -> str:
        is_windows = isinstance(self.paths[0][-1], WindowsAccount)
        ways = " and ".join(" -> ".join(str(account) for account in path) for path in self.paths)
        if len(self.paths) == 1:
            what = "a second Windows account" if is_windows else f"a second account of {self.adapter}"
        else:
            what = "two Windows accounts" if is_windows else f"two accounts of {self.adapter}"
        return f"a change of {self.start} would reach {what}: {ways}"


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Mapping conflicts of a whole state.

    Attributes:
        shown: Some of them, in a fixed order.
        more: How many there are beside.
    """

    shown: tuple[Conflict, ...] = ()
    more: int = 0


def conflict_holds(conflicts: Conflicts) -> Iterator[Hold]:
    """Yield a hold for each conflict that is shown, and one that counts the rest.

    They cannot be forced: whoever wants them says so on the adapter.
    """
    for conflict in conflicts.shown:
        yield _hold(str(conflict), f"adapter {conflict.adapter}")
    if conflicts.more:
        yield _hold(f"{conflicts.more:,} more changes would reach several accounts of one system", "their adapters")


def _hold(message: str, adapter: str) -> Hold:
    hint = f"remove one of the mappings, or set allowMappingConflicts: true on {adapter} if that is meant"
    return Hold("propagationConflict", message, hint, can_force=False)
