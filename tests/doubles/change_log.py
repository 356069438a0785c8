"""A change log and envelopes in memory, for the reader."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from controller.capture.racf.changelog import Kind, LogEntry
from controller.connectors.ldap.times import generalized_time
from controller.model.errors import ConnectorError

SUFFIX = "o=racf"
TIME = "20260506070809.000000Z"


def dn_of(user: str) -> str:
    """DN of a user's profile."""
    return f"racfid={user},profiletype=USER,{SUFFIX}"


@dataclass
class MemoryLog:
    """The log.

    Attributes:
        log: Its entries.
        envelopes: What RACF keeps, by DN and kind.
        failure: What each question raises; None when it is answered.
        before_envelope: Called before an envelope is given.
    """

    log: list[LogEntry] = field(default_factory=list)
    envelopes: dict[tuple[str, Kind], bytes] = field(default_factory=dict)
    failure: ConnectorError | None = None
    before_envelope: Callable[[], None] = lambda: None
    is_closed: bool = False

    def add(
        self,
        number: int,
        user: str = "ALICE1",
        value: str = "*ComeAndGetIt*",
        *,
        kind: Kind = Kind.PASSWORD,
        by: str = "",
        time: str = TIME,
    ) -> None:
        """An entry: a new password of a user."""
        changes = f"replace: {kind.attribute}\n{kind.attribute}: {value}\n-\n"
        at = generalized_time(time)
        self.log.append(LogEntry(number, time, at, dn_of(user), "modify", dn_of(by or user), changes))

    def entries(self, first: int, last: int) -> Sequence[LogEntry]:
        """As Directory."""
        self._fail()
        return sorted((e for e in self.log if first <= e.number <= last), key=lambda entry: entry.number)

    def has(self, first: int, last: int | None = None) -> bool:
        """As Directory."""
        self._fail()
        return any(first <= e.number and (last is None or e.number <= last) for e in self.log)

    def envelope(self, dn: str, kind: Kind) -> bytes | None:
        """As Directory."""
        self._fail()
        self.before_envelope()
        return self.envelopes.get((dn, kind))

    def close(self) -> None:
        """As Directory."""
        self.is_closed = True

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure
