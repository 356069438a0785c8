"""The actual state, as a transaction sees it."""

from collections.abc import Iterator

from controller.model.topology import Mapping
from controller.planning.state import State
from controller.ports.mappings import Mappings
from controller.ports.store import Transaction


class StoredMappings:
    """The mappings of a transaction, streamed anew with each iteration. Valid until the transaction ends."""

    __slots__ = ("_mappings",)

    def __init__(self, mappings: Mappings) -> None:
        self._mappings = mappings

    def __iter__(self) -> Iterator[Mapping]:
        return self._mappings.scan()


def observe(tx: Transaction) -> State:
    """The actual state. It may be used until *tx* ends.

    Raises:
        StoreUnusable: A row cannot be read.
    """
    revision = tx.mappings.revision()
    return State(tx.resources.read(), StoredMappings(tx.mappings), "" if revision is None else str(revision))
