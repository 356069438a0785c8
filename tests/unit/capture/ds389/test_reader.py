"""Reading a Retro Changelog: what is in the spool is no longer in the log, whenever the reader ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from controller.capture.ds389.log_entry import TAKEN, LogEntry
from controller.capture.ds389.reader import Ds389Reader
from controller.capture.ds389.settings import Ds389Spec
from controller.capture.spool import Spool
from controller.capture.status import look
from controller.connectors.ldap.times import generalized_time
from controller.model.errors import ChannelRefused, ConnectorError
from tests.unit.capture.bench import NOW, CaptureBench

TIME = "20260506070809Z"
PEOPLE = "ou=people,dc=example,dc=com"


@dataclass
class MemoryLog:
    """A log.

    Attributes:
        entries_of: The values of the attribute of the account, by DN.
        failure: What clearing an entry raises; None when it is done.
    """

    log: list[LogEntry] = field(default_factory=list)
    entries_of: dict[str, list[str]] = field(default_factory=dict)
    failure: ConnectorError | None = None

    def add(self, number: int, password: str, target: str = f"uid=alice,{PEOPLE}", **changes: str) -> None:
        """Somebody got a new password."""
        text = "replace: userPassword\nuserPassword: {SSHA}\n-\n"
        text += f"replace: unhashed#user#password\nunhashed#user#password: {password}\n-\n"
        entry = LogEntry(number, TIME, generalized_time(TIME), target, "modify", changes.get("changes", text).encode())
        self.log.append(entry)

    def entries(self, first: int, last: int) -> Sequence[LogEntry]:
        return [entry for entry in self.log if first <= entry.number <= last]

    def has(self, first: int, last: int | None = None) -> bool:
        return any(first <= entry.number and (last is None or entry.number <= last) for entry in self.log)

    def values(self, dn: str, attribute: str) -> Sequence[str]:
        assert attribute == "uid"
        return self.entries_of.get(dn, [])

    def replace_changes(self, number: int, changes: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self.log = [replace(e, changes=changes) if e.number == number else e for e in self.log]

    def close(self) -> None:
        """Nothing is open."""


class Ds389Bench:
    """A log, a reader and a spool."""

    def __init__(self, folder: Path) -> None:
        self.bench = CaptureBench(folder, exclude=("svc",))
        self.log = MemoryLog()
        self.spec = Ds389Spec.model_validate(
            {
                "url": "ldaps://ds.example.com",
                "bind": {"user": "cn=capture", "passwordFrom": {"env": "X"}},
                "baseDN": PEOPLE,
            }
        )
        self.bench.capture._spec = self.bench.spec = self.bench.spec.model_copy(
            update={"domain": None, "adapter": "ds389", "ds389": self.spec}
        )
        self.reader = self.restarted()

    def restarted(self) -> Ds389Reader:
        """A reader that knows only what is on the disk."""
        self.reader = Ds389Reader(
            *(self.bench.capture, self.spec, self.log),
            now=lambda: NOW,
            steady_time=lambda: 0.0,
            jitter=lambda: 0.5,
        )
        return self.reader

    def alarms(self) -> str:
        return "\n".join(look(self.bench.spec, NOW).alarms())

    @property
    def in_clear(self) -> list[int]:
        """Entries of the log that have a password."""
        return [entry.number for entry in self.log.log if b"unhashed" in entry.changes]


@pytest.fixture
def ds389(tmp_path: Path) -> Ds389Bench:
    return Ds389Bench(tmp_path)


def test_a_password_moves_from_the_log_into_the_spool(ds389: Ds389Bench) -> None:
    ds389.log.add(1, "First-1")
    ds389.log.add(2, "Second-2", f"uid=bob,{PEOPLE}")
    ds389.reader.read_new()

    assert ds389.bench.waiting() == [("alice", "First-1"), ("bob", "Second-2")]
    change = ds389.bench.spool.read(ds389.bench.spool.waiting()[0])
    assert change.occurred_at == generalized_time(TIME)
    assert (ds389.in_clear, ds389.reader.state.number, ds389.reader.state.taken) == ([], 2, 2)


def test_an_account_is_spelled_as_its_entry_is_where_that_can_be_read(ds389: Ds389Bench) -> None:
    ds389.log.add(1, "First-1", f"uid=ALICE,{PEOPLE}")
    ds389.log.add(2, "Second-2", f"uid=BOB,{PEOPLE}")
    ds389.log.entries_of = {f"uid=ALICE,{PEOPLE}": ["alias", "Alice"]}
    ds389.bench.capture._spec = ds389.bench.capture._spec.model_copy(update={"domain": None, "adapter": "ds389"})
    ds389.reader.read_new()
    assert ds389.bench.waiting() == [("Alice", "First-1"), ("BOB", "Second-2")]


def test_an_entry_further_below_is_captured_only_where_that_is_said(ds389: Ds389Bench) -> None:
    ds389.log.add(1, "First-1", f"uid=alice,ou=own,{PEOPLE}")
    ds389.reader.read_new()
    assert (ds389.bench.waiting(), ds389.in_clear) == ([], [])
    ds389.spec = ds389.spec.model_copy(update={"scope": "subtree"})
    ds389.log.add(2, "Second-2", f"uid=alice,ou=own,{PEOPLE}")
    ds389.restarted().read_new()
    assert ds389.bench.waiting() == [("alice", "Second-2")]


def test_passwords_of_others_are_taken_out_as_well_and_kept_nowhere(
    ds389: Ds389Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ds389.log.add(1, "Elsewhere-1", "uid=carol,ou=other")
    ds389.log.add(2, "Excluded-2", f"uid=SVC,{PEOPLE}")
    ds389.log.add(3, "", f"uid=dora,{PEOPLE}")
    ds389.reader.read_new()

    assert (ds389.bench.waiting(), ds389.in_clear, ds389.reader.state.number) == ([], [], 3)
    assert "1 changes not captured, lately of dora" in ds389.alarms()
    assert "passed over: dn='uid=carol,ou=other' problem=it is no uid=... directly below" in caplog.text


def test_a_hashed_password_is_an_alarm(ds389: Ds389Bench) -> None:
    hashed = "replace: userPassword\nuserPassword: {SSHA}x\n-\nreplace: modifiersname\nmodifiersname: cn=x\n-\n"
    ds389.log.add(1, "", changes=hashed)
    ds389.reader.read_new()

    assert ds389.reader.state.counts.refused == 1
    assert "not captured, lately of alice" in ds389.alarms()


def test_a_password_that_stays_in_the_log_holds_the_reader_and_is_captured_once(ds389: Ds389Bench) -> None:
    ds389.log.failure = ChannelRefused("the password cannot be taken out", hint="give it the right")
    ds389.log.add(1, "First-1")
    ds389.log.add(2, "Second-2")
    for _ in range(3):
        ds389.reader.read_new()
    assert "cannot be taken out" in ds389.alarms()
    assert (ds389.bench.waiting(), ds389.reader.state.number) == ([("alice", "First-1")], None)

    ds389.log.failure = None
    ds389.reader.read_new()
    assert ds389.bench.waiting() == [("alice", "First-1"), ("alice", "Second-2")]
    assert (ds389.in_clear, ds389.reader.state.number) == ([], 2)


def test_an_entry_of_a_new_log_is_not_taken_for_the_one_of_the_same_number(ds389: Ds389Bench) -> None:
    ds389.log.add(1, "Old-log-1")
    ds389.reader.read_new()
    ds389.log.log.clear()
    ds389.log.add(1, "New-log-1")
    ds389.log.log[0] = replace(ds389.log.log[0], time="20260506080000Z")
    ds389.reader.read_new()

    assert ds389.bench.waiting() == [("alice", "Old-log-1"), ("alice", "New-log-1")]
    assert (ds389.in_clear, ds389.reader.state.counts.resets) == ([], 1)


def test_a_reader_killed_before_the_log_was_cleared_takes_the_change_again(ds389: Ds389Bench) -> None:
    ds389.log.failure = ChannelRefused("killed here")
    ds389.log.add(1, "First-1")
    ds389.reader.read_new()
    ds389.log.failure = None
    ds389.restarted().read_new()

    assert (
        ds389.bench.waiting() == [("alice", "First-1")] * 2
    )  # of one time: the controller takes the second for a repeat
    assert ds389.in_clear == []


def test_a_reader_killed_before_the_position_was_written_passes_over_what_was_taken(ds389: Ds389Bench) -> None:
    ds389.log.add(1, "First-1")
    ds389.reader.read_new()
    (ds389.bench.spool.path / "reader.json").unlink()
    ds389.restarted().read_new()

    assert ds389.log.log[0].changes.startswith(TAKEN)
    assert (ds389.bench.waiting(), ds389.reader.state.number) == ([("alice", "First-1")], 1)
    assert ds389.reader.state.counts.refused == 0


def test_a_full_spool_leaves_the_password_in_the_log(ds389: Ds389Bench) -> None:
    ds389.bench.capture.spool = Spool(ds389.bench.spool.path, 0)
    ds389.log.add(1, "First-1")
    ds389.reader.read_new()

    assert (ds389.in_clear, ds389.reader.state.number) == ([1], None)
    assert "is full" in ds389.alarms()
