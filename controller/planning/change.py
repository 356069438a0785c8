"""A change of state is data (decision 2): what shall happen to one object or mapping."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from controller.model.topology import Key, Mapping, Resource

Subject = Resource | Mapping
"""What a change is about."""
Action = Literal["create", "update", "replace", "prune"]
ACTIONS: tuple[Action, ...] = ("create", "update", "replace", "prune")


class _Declared:
    __slots__ = ()

    after: Subject

    @property
    def subject(self) -> Subject:
        """What the change is about, as it is declared."""
        return self.after

    @property
    def key(self) -> Key:
        """What identifies the subject."""
        return self.after.key


@dataclass(frozen=True, slots=True)
class Create(_Declared):
    """It is declared and does not exist."""

    action: ClassVar[Action] = "create"
    after: Subject


@dataclass(frozen=True, slots=True)
class Update(_Declared):
    """It exists and differs in a way that can be changed in place."""

    action: ClassVar[Action] = "update"
    before: Subject
    after: Subject


@dataclass(frozen=True, slots=True)
class Replace(_Declared):
    """It exists and differs in what never changes after creation (behaviour A5): its stored credentials are lost.

    Of mappings: one Windows account is mapped to another external account; the key is that of the new mapping.
    """

    action: ClassVar[Action] = "replace"
    before: Subject
    after: Subject


@dataclass(frozen=True, slots=True)
class Prune:
    """It exists and is no longer declared."""

    action: ClassVar[Action] = "prune"
    before: Subject

    @property
    def subject(self) -> Subject:
        """What the change is about, as it was declared."""
        return self.before

    @property
    def key(self) -> Key:
        """What identifies the subject."""
        return self.before.key


Change = Create | Update | Replace | Prune


def resource_order(key: Key) -> tuple[int, str]:
    """Position of an object in every plan: by rank of its kind, then by name. Mappings follow, by their sort key."""
    return key.kind.rank, key.name
