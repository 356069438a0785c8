"""The reader: what it takes, what it reports, and that its position never runs ahead of the spool."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.capture.change_log.reader import PATIENCE, READER, READER_LOCK
from controller.capture.change_log.state import ReaderState, acknowledge, load_reader_state
from controller.capture.locks import lock_alone
from controller.capture.racf.changelog import Kind
from controller.capture.racf.envelope import EnvelopeOpener
from controller.capture.racf.reader import LogReader
from controller.capture.racf.settings import RacfSpec
from controller.capture.status import look
from controller.model.errors import SettingsError, Unavailable
from tests.doubles.change_log import SUFFIX, MemoryLog, dn_of
from tests.doubles.envelopes import PWSYNC, RACF, STRANGER, envelope_of, party
from tests.unit.capture.bench import NOW, CaptureBench


class ReaderBench:
    """A log, a reader and a spool."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.bench = CaptureBench(folder, exclude=("IBMUSER",))
        self.log = MemoryLog()
        self.seconds = 0.0
        self.spec = RacfSpec.model_validate(
            {
                "url": "ldaps://racf.example.com",
                "bind": {"user": dn_of("READER"), "passwordFrom": {"env": "X"}},
                "suffix": SUFFIX,
                "privateKeyFrom": {"file": "key"},
                "certificateFile": "certificate",
                "signerFile": "signer",
                **settings,
            }
        )
        self.bench.capture._spec = self.bench.spec = self.bench.spec.model_copy(
            update={"domain": None, "adapter": "racf", "racf": self.spec}
        )
        self.reader = self.restarted()

    def restarted(self) -> LogReader:
        """A reader that knows only what is on the disk."""
        own = party(PWSYNC)
        opener = EnvelopeOpener(own.key, own.certificate, [party(RACF).certificate])
        self.reader = LogReader(
            *(self.bench.capture, self.spec, self.log, opener),
            now=lambda: NOW,
            steady_time=lambda: self.seconds,
            jitter=lambda: 0.5,
        )
        return self.reader

    def keep(self, user: str, envelope: bytes, kind: Kind = Kind.PASSWORD) -> None:
        """RACF keeps an envelope."""
        self.log.envelopes[dn_of(user), kind] = envelope

    @property
    def state(self) -> ReaderState:
        """What is on the disk."""
        return load_reader_state(self.bench.spool.path)

    def alarms(self) -> str:
        """All of them."""
        return "\n".join(look(self.bench.spec, NOW).alarms())


@pytest.fixture
def racf(tmp_path: Path) -> ReaderBench:
    bench = ReaderBench(tmp_path)
    bench.keep("ALICE1", envelope_of("ALICEPW1"))
    bench.keep("BOB", envelope_of("a phrase of Bob's"), Kind.PHRASE)
    return bench


def test_passwords_and_phrases_are_taken_with_the_time_of_the_log(racf: ReaderBench) -> None:
    racf.log.add(5)
    racf.log.add(6, "BOB", kind=Kind.PHRASE)
    racf.log.add(7, "IBMUSER")

    assert racf.reader.read_new() == racf.spec.every.total_seconds()

    assert racf.bench.waiting() == [("ALICE1", "ALICEPW1"), ("BOB", "a phrase of Bob's")]
    first = racf.bench.spool.read(racf.bench.spool.waiting()[0])
    assert first.occurred_at == datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert (racf.state.number, racf.state.taken, racf.state.missed) == (7, 2, ())


def test_a_restarted_reader_goes_on_where_it_was(racf: ReaderBench) -> None:
    racf.log.add(5)
    racf.reader.read_new()
    racf.log.add(6, "BOB", kind=Kind.PHRASE)

    racf.restarted().read_new()

    assert [name for name, _ in racf.bench.waiting()] == ["ALICE1", "BOB"]


def test_a_reader_killed_after_the_spool_took_a_change_reads_it_again(
    racf: ReaderBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    racf.log.add(5)
    with monkeypatch.context() as killed:
        killed.setattr("controller.capture.change_log.reader.save_reader_state", _fail)
        racf.reader.read_new()
        assert "position cannot be written" in racf.reader.state.problem
    assert racf.state.number is None

    racf.restarted().read_new()

    assert [name for name, _ in racf.bench.waiting()] == ["ALICE1", "ALICE1"]
    assert racf.state.number == 5


def _fail(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_spool_and_a_server_that_is_away_hold_the_position(racf: ReaderBench) -> None:
    racf.log.add(5)
    racf.log.failure = Unavailable("the server is away")
    assert racf.reader.read_new() >= 1
    assert "the server is away" in racf.alarms()
    racf.log.failure = None
    racf.bench.capture.spool._most = 0

    racf.reader.read_new()
    assert "is full" in racf.state.problem
    assert racf.state.number is None
    racf.bench.capture.spool._most = 10
    racf.reader.read_new()

    assert (racf.bench.waiting(), racf.state.problem) == ([("ALICE1", "ALICEPW1")], "")


def test_a_password_without_an_envelope_is_an_alarm_until_it_is_acknowledged(racf: ReaderBench) -> None:
    racf.log.add(5, "CAROL", "*NoEnvelope*")
    racf.log.add(6, "DAVE")
    racf.log.add(7)

    racf.reader.read_new()

    assert [(one.number, one.user, one.why) for one in racf.state.missed] == [
        (5, "CAROL", "the new password has no envelope"),
        (6, "DAVE", "the new password has no envelope any more"),
    ]
    assert "2 new passwords without an envelope, lately of DAVE, CAROL" in racf.alarms()
    assert racf.bench.waiting() == [("ALICE1", "ALICEPW1")]
    assert acknowledge(racf.bench.spool.path).no_envelope == 2
    assert "envelope" not in racf.alarms()
    racf.log.add(8, "CAROL", "*NoEnvelope*")
    racf.reader.read_new()
    assert "1 new passwords without" in racf.alarms()


def test_a_damaged_envelope_is_reported_and_the_next_is_read(racf: ReaderBench) -> None:
    envelope = bytearray(envelope_of("CAROLPW1"))
    envelope[-9] ^= 1
    racf.keep("CAROL", bytes(envelope))
    racf.log.add(5, "CAROL")
    racf.log.add(6)

    racf.reader.read_new()

    assert racf.bench.waiting() == [("ALICE1", "ALICEPW1")]
    assert "1 changes not captured, lately of CAROL" in racf.alarms()
    assert "damaged" in racf.state.missed[0].why


def test_what_concerns_all_envelopes_holds_the_reader_and_nothing_is_passed_over(racf: ReaderBench) -> None:
    racf.keep("CAROL", envelope_of("CAROLPW1", signer=STRANGER))
    racf.log.add(5, "CAROL")
    racf.log.add(6)

    racf.reader.read_new()
    assert "change 5" in racf.alarms()
    assert "not signed with a certificate" in racf.alarms()
    assert (racf.bench.waiting(), racf.state.number) == ([], None)
    racf.keep("CAROL", envelope_of("CAROLPW1"))
    racf.reader.read_new()

    assert [name for name, _ in racf.bench.waiting()] == ["CAROL", "ALICE1"]


def test_expired_passwords_are_left_out_unless_wanted(racf: ReaderBench, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    reporting = ReaderBench(tmp_path / "other", expired="report")
    for bench in (racf, reporting):
        bench.keep("CAROL", envelope_of("INITIAL1", expired=True))
        bench.log.add(5, "CAROL")
        bench.reader.read_new()

    assert (racf.bench.waiting(), racf.state.left_out) == ([], 1)
    assert reporting.bench.waiting() == [("CAROL", "INITIAL1")]


def test_what_the_controller_has_set_itself_is_skipped(tmp_path: Path) -> None:
    racf = ReaderBench(tmp_path, skipChangesBy=["pwsync"])
    racf.keep("ALICE1", envelope_of("ALICEPW1"))
    racf.log.add(5, by="PWSYNC")
    racf.log.add(6, by="READER")
    racf.log.add(7, by="HELPDESK")

    racf.reader.read_new()

    assert (len(racf.bench.waiting()), racf.state.own) == (1, 2)


def test_a_user_elsewhere_and_a_password_that_nobody_can_have_are_reported(racf: ReaderBench) -> None:
    racf.keep("CAROL", envelope_of(""))
    racf.log.add(5, "CAROL")
    racf.log.add(6, "NOTAUSERID")

    racf.reader.read_new()

    assert ["empty" in one.why or "suffix" in one.why for one in racf.state.missed] == [True, True]
    assert racf.state.counts.refused == 2


def test_numbers_that_are_missing_are_waited_for_and_then_reported(racf: ReaderBench) -> None:
    racf.log.add(5)
    racf.reader.read_new()
    racf.log.add(8)
    racf.reader.read_new()
    assert (racf.state.number, racf.state.counts.missing) == (5, 0)

    racf.log.add(6)
    racf.seconds = 1
    racf.reader.read_new()
    racf.seconds = PATIENCE.total_seconds()
    racf.reader.read_new()
    assert racf.state.number == 6
    racf.seconds += 1
    racf.reader.read_new()

    assert (racf.state.number, racf.state.counts.missing) == (8, 1)
    assert "1 entries of the change log are missing" in racf.alarms()


@pytest.mark.parametrize("first", [106, 107, 205, 206, 5_000, 987_654_321])
def test_a_log_that_was_trimmed_while_nobody_read_is_found_again(racf: ReaderBench, first: int) -> None:
    racf.log.add(5)
    racf.reader.read_new()
    racf.log.log.clear()
    racf.log.add(first)
    racf.log.add(first + 1, "BOB", kind=Kind.PHRASE)

    racf.reader.read_new()
    racf.seconds = PATIENCE.total_seconds()
    racf.reader.read_new()

    assert (racf.state.number, racf.state.counts.missing) == (first + 1, first - 6)
    assert len(racf.bench.waiting()) == 3


def test_a_first_start_begins_with_the_oldest_entry_wherever_that_is(racf: ReaderBench) -> None:
    racf.log.add(4_000_000)

    racf.reader.read_new()

    assert (racf.state.number, racf.state.counts.missing) == (4_000_000, 0)


@pytest.mark.parametrize("numbers", [(1, 2), (4, 5), (1, 5)])
def test_a_log_that_was_made_anew_is_read_from_its_beginning(racf: ReaderBench, numbers: tuple[int, ...]) -> None:
    racf.log.add(5)
    racf.reader.read_new()
    racf.log.log.clear()
    for number in numbers:
        racf.log.add(number, time="20260507000000Z")

    racf.reader.read_new()
    racf.seconds = PATIENCE.total_seconds()
    racf.reader.read_new()

    assert (racf.state.counts.resets, racf.state.number) == (1, numbers[-1])
    assert len(racf.bench.waiting()) == 1 + len(numbers)
    assert "made anew" in racf.alarms()


def test_an_empty_log_is_no_new_one(racf: ReaderBench) -> None:
    racf.log.add(5)
    racf.reader.read_new()
    racf.log.log.clear()

    racf.reader.read_new()

    assert (racf.state.counts.resets, racf.state.number) == (0, 5)


def test_the_log_can_be_read_again(racf: ReaderBench) -> None:
    racf.log.add(5)
    racf.log.add(6, "BOB", kind=Kind.PHRASE)
    racf.reader.read_new()

    reader = racf.restarted()
    reader.begin_with(6)
    reader.read_new()

    assert [name for name, _ in racf.bench.waiting()] == ["ALICE1", "BOB", "BOB"]


def test_it_ends_after_the_entry_under_way(racf: ReaderBench) -> None:
    for number in (5, 6, 7):
        racf.log.add(number)
    racf.log.before_envelope = racf.reader.stop

    racf.reader.run()

    assert racf.log.is_closed
    assert (racf.state.number, len(racf.bench.waiting())) == (5, 1)


def test_there_is_one_reader_of_a_spool(racf: ReaderBench) -> None:
    assert "start 'pwsync capture racf'" in racf.alarms()
    lock_alone(racf.bench.spool.path / READER_LOCK, READER)

    assert "start 'pwsync capture racf'" not in racf.alarms()
    with pytest.raises(SettingsError, match="another reader"):
        racf.reader.run()


@pytest.mark.parametrize("content", ["[]", "{", '{"number": 5, "counts": {"x": 1}}', '{"numbers": 5}'])
def test_a_position_that_cannot_be_read_is_never_guessed(racf: ReaderBench, content: str) -> None:
    (racf.bench.spool.path / "reader.json").write_text(content)

    with pytest.raises(SettingsError, match="from its oldest entry"):
        racf.restarted()


def test_no_file_shows_a_password_and_the_status_tells_who_was_missed(racf: ReaderBench) -> None:
    racf.log.add(5)
    racf.log.add(6, "CAROL", "*NoEnvelope*")
    racf.reader.read_new()

    for path in racf.bench.spool.path.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert b"ALICEPW1" not in path.read_bytes()
    status = look(racf.bench.spec, NOW)
    assert "pwsync_capture_racf_no_envelope_total 1\n" in status.metrics()
    assert json.loads(json.dumps(status.view()))["racf"]["missed"][0]["user"] == "CAROL"
