"""The digest of a state: equal states have equal digests, on every machine and with every version of Python."""

from collections import Counter, deque
from collections.abc import Iterator
from hashlib import sha256

from controller.model.errors import InvalidInput
from controller.model.topology import Mapping
from controller.planning.change import resource_order
from controller.planning.encoding import canonical, encode_subject
from controller.planning.state import State

_TOGETHER = 1000
"""Rows that are encoded at once."""


def digest(state: State) -> str:
    """SHA-256 over a whole state, as ``sha256:<hex>``; mappings are streamed.

    Raises:
        InvalidInput: The mappings are not in order.
    """
    tally = Tally(state)
    deque(tally.mappings(), maxlen=0)
    return tally.digest()


class Tally:
    """Passes the mappings of a state on, once, while it digests, counts and checks them.

    Attributes:
        by_application: How many mappings passed so far, by application.
    """

    __slots__ = ("_hash", "_rows", "_state", "by_application")

    def __init__(self, state: State) -> None:
        self._state = state
        self._hash = sha256()
        self._rows: list[str] = []
        self.by_application: Counter[str] = Counter()
        for key in sorted(state.resources, key=resource_order):
            self._hash.update(canonical(encode_subject(state.resources[key])) + b"\n")

    def mappings(self) -> Iterator[Mapping]:
        """The mappings of the state.

        Raises:
            InvalidInput: They are not in order (a database that sorts by language, not by code point, would make
                a plan that prunes what it creates).
        """
        rows, counts, previous = self._rows, self.by_application, ("", "", "")
        for mapping in self._state.mappings:
            application, account = mapping.application, mapping.windows
            external, origin = mapping.external, mapping.origin
            windows = f"{account.domain}\\{account.name}"
            position = application, windows, external  # ``Mapping.sort_key``, in half the time
            if position <= previous:
                raise InvalidInput(
                    f"mapping {application}/{windows}/{external} is out of order",
                    hint="this is a defect of whatever lists the mappings: please report it",
                )
            previous = position
            counts[application] += 1
            # Each length stands before its text, so that no two mappings give the same bytes.
            rows.append(
                f"{len(application)}:{application}{len(windows)}:{windows}{len(external)}:{external}"
                f"{mapping.enabled:d}{len(origin)}:{origin}\n"
            )
            if len(rows) == _TOGETHER:
                self._digest_rows()
            yield mapping

    def count(self) -> int:
        """How many mappings passed so far."""
        return self.by_application.total()

    def digest(self) -> str:
        """The digest of the objects and of the mappings that passed so far."""
        self._digest_rows()
        return f"sha256:{self._hash.hexdigest()}"

    def _digest_rows(self) -> None:
        self._hash.update("".join(self._rows).encode("utf-8", "surrogatepass"))
        self._rows.clear()
