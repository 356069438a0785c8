"""Changes in the log of a real LDAP server are captured from RACF's envelopes, and reach a Windows account."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.capture.change_log.reader import PATIENCE
from controller.capture.change_log.state import ReaderState, load_reader_state
from controller.capture.forwarder import Forwarder
from controller.capture.racf.changelog import Kind
from controller.capture.racf.directory import LdapDirectory
from controller.capture.racf.reader import LogReader
from controller.capture.racf.setting_up import make_directory, make_opener
from controller.capture.racf.settings import RacfSpec
from controller.capture.sending import Sender
from controller.capture.settings import read_settings
from controller.capture.spool import Spool
from controller.capture.taking import Capture
from controller.model.errors import ChannelRefused
from controller.model.topology import Access
from controller.runtime.references import resolve_secret
from controller.sdk.transport import Answer, Request
from controller.sealing.capture import CaptureKey
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer
from tests.doubles.api import ApiBench
from tests.doubles.envelopes import PWSYNC, RACF, STRANGER, envelope_of, party
from tests.doubles.pipeline import FULL_ADAPTER
from tests.leaks import Leaks
from tests.servers.racf_log import READER, READER_PASSWORD, SUFFIX, RacfLogServer, dn_of, running_racf_log

pytestmark = pytest.mark.system
ROOT = Path(__file__).parents[2]
DEADLINE = 60


class Mainframe:
    """A server, and the machine that reads its log."""

    def __init__(self, server: RacfLogServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.keyring = Keyring.generate(datetime.now(UTC))
        self.seconds = 0.0
        own, racf = party(PWSYNC), party(RACF)
        for name, content in (
            ("key", str(CaptureKey.of(self.keyring.newest)).encode()),
            ("token", b"some-token"),
            ("bind", READER_PASSWORD.encode()),
            ("own.key", own.key_pem),
            ("own.pem", own.certificate_pem),
            ("racf.pem", racf.certificate_pem),
        ):
            (folder / name).touch(0o600)
            (folder / name).write_bytes(content)
        self.settings = folder / "capture.yaml"
        self.settings.write_text(
            "apiVersion: pwsync/v1\nkind: Capture\nmetadata: {name: racf}\nspec:\n"
            "  servers: ['http://127.0.0.1:1']\n  tokenFile: token\n  keyFile: key\n  spool: spool\n  adapter: racf\n"
            f"  racf:\n    url: {server.url}\n    caFile: {server.ca_file}\n    suffix: {SUFFIX}\n"
            f"    bind: {{user: '{dn_of(READER)}', passwordFrom: {{file: bind}}}}\n    every: 1s\n"
            "    privateKeyFrom: {file: own.key}\n    certificateFile: own.pem\n    signerFile: racf.pem\n"
            "    skipChangesBy: [PWSYNC]\n"
        )
        self.spec = read_settings(self.settings).spec
        self.directory: LdapDirectory | None = None
        self.reader = self.restarted()

    def close(self) -> None:
        """Close the connection that there is."""
        if self.directory is not None:
            self.directory.close()

    def restarted(self) -> LogReader:
        """A reader that knows only what is on the disk."""
        racf = self.spec.racf
        assert isinstance(racf, RacfSpec)
        self.close()
        self.directory = make_directory(racf, resolve_secret)
        self.reader = LogReader(
            *(Capture.open(self.spec), racf, self.directory, make_opener(racf, resolve_secret)),
            now=lambda: datetime.now(UTC),
            steady_time=lambda: self.seconds,
            jitter=random.random,
        )
        return self.reader

    def read(self) -> ReaderState:
        """Look once, and once more after whatever is waited for; returns what is on the disk."""
        self.reader.read_new()
        self.seconds += PATIENCE.total_seconds()
        self.reader.read_new()
        return load_reader_state(self.spool.path)

    @property
    def spool(self) -> Spool:
        """The spool."""
        return Spool.open(Path(self.spec.spool), self.spec.max_changes)

    def waiting(self) -> list[tuple[str, str]]:
        """Names and passwords of what waits."""
        sealer, spool = KeyringSealer(self.keyring), self.spool
        changes = [spool.read(name) for name in spool.waiting()]
        return [(c.account.name, sealer.open_captured(c.sealed, c.account, c.occurred_at).reveal()) for c in changes]


@pytest.fixture
def mainframe(tmp_path: Path) -> Iterator[Mainframe]:
    (tmp_path / "server").mkdir()
    (tmp_path / "machine").mkdir()
    with running_racf_log(tmp_path / "server") as server:
        made = Mainframe(server, tmp_path / "machine")
        yield made
        made.close()


def test_passwords_and_phrases_are_read_and_everything_else_is_reported(mainframe: Mainframe) -> None:
    server, phrase = mainframe.server, Leaks().password("a phrase, ß ")  # at the end no file of the run has it in clear
    server.change("ALICE1", envelope_of("ALICEPW1"))
    server.note(dn_of("ALICE1"), "replace: racfProgrammerName\nracfProgrammerName: A\n-\n")
    server.change("BOB", envelope_of(phrase), Kind.PHRASE)
    server.change("CAROL", None)
    server.change("DAVE", envelope_of("DAVEPW01", recipients=(STRANGER, PWSYNC)))
    altered = bytearray(envelope_of("ERINPW01"))
    altered[-5] ^= 0x40
    server.change("ERIN", bytes(altered))
    server.change("ALICE1", envelope_of("ALICEPW2"), by="PWSYNC")

    state = mainframe.read()

    # Of two quick changes both entries give the newest password, and the controller's own is skipped.
    assert mainframe.waiting() == [("ALICE1", "ALICEPW2"), ("BOB", phrase), ("DAVE", "DAVEPW01")]
    assert [one.user for one in state.missed] == ["CAROL", "ERIN"]
    assert (state.number, state.taken, state.own) == (7, 3, 1)
    assert (state.counts.no_envelope, state.counts.refused, state.counts.missing) == (1, 1, 0)

    server.change("CAROL", envelope_of("CAROLPW1", signer=STRANGER))
    server.change("BOB", envelope_of("Another phrase of Bob's"), Kind.PHRASE)
    assert "not signed with a certificate" in mainframe.read().problem
    server.change("CAROL", envelope_of("CAROLPW1"))
    server.process.restart()
    mainframe.restarted()
    assert mainframe.read().problem == ""
    assert [name for name, _ in mainframe.waiting()][3:] == ["CAROL", "BOB", "CAROL"]


def test_gaps_a_trimmed_log_and_a_new_log_are_noticed(mainframe: Mainframe) -> None:
    server, envelope = mainframe.server, envelope_of("ALICEPW1")
    for _ in range(3):
        server.change("ALICE1", envelope)
    mainframe.read()
    server.last += 2
    server.change("BOB", envelope)
    assert mainframe.read().counts.missing == 2

    server.trim(1, 3)
    server.last = 50_000
    server.change("ALICE1", envelope)
    state = mainframe.read()
    assert (state.number, state.counts.missing) == (50_001, 2 + 50_000 - 6)

    server.trim(6, 6)
    server.trim(50_001, 50_001)
    server.last = 0
    server.change("CAROL", envelope)
    mainframe.restarted()
    state = mainframe.read()
    assert (state.number, state.counts.resets) == (1, 1)
    assert [name for name, _ in mainframe.waiting()] == ["ALICE1"] * 3 + ["BOB", "ALICE1", "CAROL"]


def test_a_long_log_is_read_in_parts_and_an_answer_that_was_cut_short_is_none(mainframe: Mainframe) -> None:
    mainframe.server.note_many(150)
    mainframe.server.change("ALICE1", envelope_of("ALICEPW1"))

    assert mainframe.read().number == 151
    assert mainframe.waiting() == [("ALICE1", "ALICEPW1")]
    assert mainframe.directory is not None
    with pytest.raises(ChannelRefused, match="cut the search short"):
        mainframe.directory.entries(1, 151)


def test_a_reader_that_is_killed_again_and_again_loses_nothing(mainframe: Mainframe) -> None:
    names = [f"U{number}" for number in range(12)]
    for name in names:
        mainframe.server.change(name, envelope_of(f"PW{name}"))
    program = Path(__file__).with_name("capture_racf_processes.py")
    command = [sys.executable, str(program), str(mainframe.settings), "8", str(random.randrange(1 << 30))]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=240
    )
    assert (done.returncode, json.loads(done.stdout or "0")) == (0, 8), done.stderr

    mainframe.restarted()
    state = mainframe.read()

    assert state.number == len(names)
    assert list(dict.fromkeys(mainframe.waiting())) == [(name, f"PW{name}") for name in names]
    assert state.counts.missing == 0


def test_the_command_reads_until_it_is_told_to_stop_and_no_password_is_in_its_log(mainframe: Mainframe) -> None:
    mainframe.server.change("ALICE1", envelope_of("ALICEPW1"))
    log = mainframe.folder / "log"
    command = [sys.executable, "-m", "controller", "capture", "racf", "--config", str(mainframe.settings)]
    with log.open("wb") as written, subprocess.Popen(command, cwd=ROOT, stdout=written, stderr=written) as reading:
        try:
            deadline = time.monotonic() + DEADLINE
            while not mainframe.waiting():
                assert reading.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        finally:
            reading.send_signal(signal.SIGTERM)
        assert reading.wait(DEADLINE) == 0
    assert mainframe.waiting() == [("ALICE1", "ALICEPW1")]
    for secret in ("ALICEPW1", READER_PASSWORD, "Traceback"):
        assert secret not in log.read_text()
    assert load_reader_state(mainframe.spool.path).number == 1


class ToController:
    """Carries calls to a controller in this process."""

    def __init__(self, api: ApiBench) -> None:
        self.api = api

    def send(self, request: Request) -> Answer:
        """Make a call."""
        headers = {"Content-Type": "application/json"}
        answer = self.api.call(request.method, request.path, by="agent", content=request.body, headers=headers)
        return Answer(answer.status_code, answer.content)

    def interrupt(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


def test_a_change_in_racf_reaches_the_windows_account(mainframe: Mainframe, tmp_path: Path) -> None:
    (tmp_path / "controller").mkdir()
    api = ApiBench(tmp_path / "controller")
    try:
        api.bench.sealer = KeyringSealer(mainframe.keyring)
        api.bench.restart()
        api.installation = api.installed()
        api.app = api.made_with(api.installation)
        api.bench.adapter("racf", replace(FULL_ADAPTER, access=Access(users=("agent",))), "ALICE1")
        api.bench.set_stored_windows("alice", "old")
        now = api.bench.now
        mainframe.server.change("ALICE1", envelope_of("ALICEPW1"), at=now - timedelta(minutes=1))
        mainframe.read()

        sender = Sender([ToController(api)], None)
        forwarder = Forwarder(mainframe.spool, sender, timedelta(hours=24), now=lambda: now, jitter=random.random)
        forwarder.send_waiting()
        api.bench.settle()

        assert (forwarder.state.sent, forwarder.state.problem) == (1, "")
        assert api.bench.password("domain/CORP", "alice") == "ALICEPW1"
    finally:
        api.close()
