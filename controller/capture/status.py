"""How capture is, seen from outside: what waits, and what a person must look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from controller.capture.change_log.status import ReaderStatus, look_at_reader
from controller.capture.forwarder import FORWARDER_LOCK
from controller.capture.locks import is_locked
from controller.capture.openldap import PROGRAM, PROGRAM_LOCK
from controller.capture.record import Damaged
from controller.capture.settings import CaptureSpec
from controller.capture.sock_listener import is_answering as answers
from controller.capture.spool import MISSED, Aside, Spool
from controller.capture.state import State, load_state
from controller.model.accounts import Account

ALMOST_FULL = 0.8
"""The share of maxChanges from which on it is an alarm."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Status:
    """One look at a spool.

    Attributes:
        waiting: Changes to be sent.
        oldest: How many seconds ago the oldest of them occurred; 0 when there is none.
        aside: How many were set aside, by the reason.
        doubtful: Accounts of the newest of those that are in doubt.
        missed: Changes that the source told without their passwords.
        forgotten: Changes of which nobody will say any more how they ended.
        used: Changes of any kind but those in doubt, of at most *most*.
        reader: That of a change log, where there is one.
        is_answering: Whether the program behind slapd's overlay runs; None where there is no OpenLDAP.
    """

    waiting: int
    oldest: float
    aside: dict[str, int]
    doubtful: list[str]
    missed: int
    forgotten: int
    used: int
    most: int
    is_forwarding: bool
    state: State
    reader: ReaderStatus | None = None
    is_answering: bool | None = None

    def alarms(self) -> Iterator[str]:
        """What a person must look at."""
        if not self.is_forwarding:
            yield "no forwarder runs: start 'pwsync capture forward'"
        if self.is_answering is False:
            yield f"slapd refuses password changes, since nothing answers it: start {PROGRAM}"
        if self.state.problem:
            yield f"nothing can be sent: {self.state.problem}"
        for why, count in self.aside.items():
            if count:
                lately = f", lately of {', '.join(self.doubtful)}" if why == Aside.DOUBTFUL and self.doubtful else ""
                yield f"{count} set aside as {why}{lately}: {_REMEDIES[Aside(why)]}"
        if self.missed:
            yield f"{self.missed} came without a password: {_MISSED}"
        if self.forgotten:
            yield f"{self.forgotten} never ended: {_FORGOTTEN}"
        if self.used >= ALMOST_FULL * self.most:
            yield f"the spool holds {self.used:,} of at most {self.most:,} changes: when it is full, none is taken"
        if self.reader is not None:
            yield from self.reader.alarms()

    def view(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "waiting": self.waiting,
            "oldestSeconds": round(self.oldest, 3),
            "setAside": self.aside,
            "doubtful": self.doubtful,
            "missed": self.missed,
            "forgotten": self.forgotten,
            "used": self.used,
            "maxChanges": self.most,
            "forwarding": self.is_forwarding,
            "sent": self.state.sent,
            "refused": self.state.refused,
            "expired": self.state.expired,
            "lastSentAt": self.state.last_sent_at or None,
            "alarms": list(self.alarms()),
            **({} if self.is_answering is None else {"openldap": {"answering": self.is_answering}}),
            **({} if self.reader is None else {self.reader.source: self.reader.view()}),
        }

    def metrics(self) -> str:
        """In the text format of Prometheus, for the textfile collector of its node exporter."""
        values = {
            ("waiting", "gauge", "Captured changes to be sent."): self.waiting,
            ("oldest_seconds", "gauge", "Age of the oldest change to be sent."): round(self.oldest, 3),
            ("set_aside", "gauge", "Changes that a person must look at."): sum(self.aside.values()),
            ("missed", "gauge", "Changes that the source told without their passwords."): self.missed,
            ("forgotten", "gauge", "Changes of which nobody will say how they ended."): self.forgotten,
            ("spool_used", "gauge", "Changes in the spool, but for those in doubt."): self.used,
            ("spool_max", "gauge", "How many changes the spool holds at most."): self.most,
            ("forwarding", "gauge", "Whether a forwarder runs."): int(self.is_forwarding),
            ("alarms", "gauge", "How many things a person must look at."): len(list(self.alarms())),
            ("sent_total", "counter", "Changes handed over."): self.state.sent,
            ("refused_total", "counter", "Changes that were set aside."): self.state.refused,
            ("expired_total", "counter", "Changes given up because of their age."): self.state.expired,
        }
        if self.is_answering is not None:
            values["openldap_answering", "gauge", "Whether the program behind slapd's overlay runs."] = int(
                self.is_answering
            )
        if self.reader is not None:
            values |= {(name, kind, meaning): value for name, kind, meaning, value in self.reader.metrics()}
        return "".join(
            _metric(f"pwsync_capture_{name}", kind, meaning, value) for (name, kind, meaning), value in values.items()
        )


def _metric(name: str, kind: str, meaning: str, value: float) -> str:
    return f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n{name} {value}\n"


_REMEDIES = {
    Aside.REFUSED: "see the forwarder's log; mend the cause, then 'pwsync capture retry'",
    Aside.DAMAGED: "look at the disk; let these users change their passwords again",
    Aside.DOUBTFUL: (
        "nobody said how these changes ended; let the users change their passwords again, then remove the spool's "
        "files '*.doubtful', which name them"
    ),
}
_FORGOTTEN = "see that the program of the source runs, and can write to the spool; it sets them aside as doubtful"
_MISSED = (
    f"mend that at the source; let the users that the spool's file '{MISSED}' names change their passwords again; "
    "then remove it"
)


def look(spec: CaptureSpec, now: datetime) -> Status:
    """Look at the spool.

    Raises:
        SettingsError: It cannot be used.
    """
    spool = Spool.look_at(Path(spec.spool), spec.max_changes)
    waiting = spool.waiting()
    aside = {why.value: len(spool.names(why)) for why in Aside}
    doubtful = [str(account) for name in spool.names(Aside.DOUBTFUL)[-_NAMED:] if (account := _account(spool, name))]
    oldest = _age(spool, waiting[0], now) if waiting else 0.0
    state = load_state(spool.path)
    reader = None if spec.log_source is None else look_at_reader(spool.path, spec.log_source)
    is_forwarding = is_locked(spool.path / FORWARDER_LOCK)
    used, missed, forgotten = spool.count(), spool.missed(), spool.forgotten()
    is_run = spec.openldap is not None and is_locked(spool.path / PROGRAM_LOCK)
    is_answering = None if spec.openldap is None else is_run and answers(Path(spec.openldap.socket))
    return Status(
        *(len(waiting), oldest, aside, doubtful, missed, forgotten, used, spec.max_changes, is_forwarding, state),
        *(reader, is_answering),
    )


def _account(spool: Spool, name: str) -> Account | None:
    try:
        return spool.read(name).account
    except (Damaged, OSError):
        return None  # it was removed meanwhile, or tells nothing: it is counted nonetheless


def _age(spool: Spool, name: str, now: datetime) -> float:
    try:
        return max((now - spool.read(name).occurred_at).total_seconds(), 0.0)
    except (Damaged, OSError):
        return 0.0  # sent meanwhile, or about to be set aside
