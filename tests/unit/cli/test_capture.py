"""The commands of capture, as a source and an operator type them."""

import json
import os
import threading
from collections.abc import Callable
from typing import cast

import pytest

from controller.capture.change_log.state import Counts, ReaderState, save_reader_state
from controller.capture.ds389.reader import Ds389Reader
from controller.capture.forwarder import Forwarder
from controller.capture.locks import lock_alone
from controller.capture.openldap import CONTINUE, PROGRAM, PROGRAM_LOCK, SockProgram
from controller.capture.racf.reader import LogReader
from controller.capture.sending import Sender
from controller.capture.sock_listener import SockListener
from controller.capture.spool import Aside, Spool
from controller.sdk.errors import CallRefused
from controller.sealing import file_access
from controller.sealing.capture import CaptureKey
from tests.doubles.envelopes import PWSYNC, party
from tests.doubles.envelopes import RACF as ISSUER
from tests.unit.cli.console import Console

SETTINGS = """\
apiVersion: pwsync/v1
kind: Capture
metadata: {name: dc1}
spec:
  servers: ["https://pwsync.example.com"]
  tokenFile: token
  keyFile: key
  spool: spool
  domain: CORP
"""
RECORD = "sAMAccountName: alice\nvirtualClearTextUTF8: n3w-password\n"
CONFIG = ("--config", "capture.yaml")
SETUP = (*CONFIG, "--no-trial")


@pytest.fixture
def source(console: Console) -> Console:
    """A console whose folder has settings and the key of a keyring of its own."""
    console.expect(0, "secret", "generate")
    console.write("key", console.expect(0, "secret", "capture-key").out)
    console.write("token", "t")
    console.write("capture.yaml", SETTINGS)
    return console


def spool_of(console: Console) -> Spool:
    return Spool.open(console.folder / "spool", 10)


def test_the_capture_key_stays_the_same_until_a_rotation(source: Console) -> None:
    first = source.expect(0, "secret", "capture-key").out

    assert CaptureKey.parse(first) == CaptureKey.parse((source.folder / "key").read_text())
    source.expect(0, "secret", "rotate")
    assert source.expect(0, "secret", "capture-key").out != first


def test_a_record_of_samba_and_a_change_of_pam_go_into_the_spool(
    source: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source.expect(0, "capture", "samba", *CONFIG, stdin=RECORD).out == "DONE-EXIT: taken\n"
    monkeypatch.setenv("PAM_USER", "bob")
    monkeypatch.setenv("PAM_TYPE", "password")
    source.expect(0, "capture", "pam", *CONFIG, stdin="n3w-password")

    spool = spool_of(source)
    assert [spool.read(name).account.name for name in spool.waiting()] == ["alice", "bob"]
    assert "n3w" not in source.transcript


def test_the_status_is_text_json_or_metrics_and_its_code_is_the_alarm(source: Console) -> None:
    source.expect(0, "capture", "samba", *CONFIG, stdin=RECORD)

    assert "ALARM: no forwarder runs" in source.expect(1, "capture", "status", *CONFIG).out
    assert json.loads(source.expect(1, "capture", "status", *CONFIG, "-o", "json").out)["waiting"] == 1
    assert "pwsync_capture_waiting 1\n" in source.expect(1, "capture", "status", *CONFIG, "-o", "metrics").out


def test_what_was_refused_is_put_back(source: Console) -> None:
    source.expect(0, "capture", "samba", *CONFIG, stdin=RECORD)
    spool = spool_of(source)
    spool.set_aside(spool.waiting()[0], Aside.REFUSED)

    assert source.expect(0, "capture", "retry", *CONFIG).out == "1 put back\n"
    assert len(spool.waiting()) == 1


def test_the_forwarder_runs_until_it_is_stopped(source: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Forwarder, "send_waiting", lambda self: self.stop() or 0.0)

    source.expect(0, "capture", "forward", *CONFIG)
    source.write("capture.yaml", SETTINGS.replace("https://pwsync.example.com", "http://pwsync.example.com"))
    for command in (("forward",), ("setup", "pam", "--no-trial")):
        assert "another machine" in source.expect(1, "capture", *command, *CONFIG).err
    source.write("capture.yaml", SETTINGS)
    (source.folder / "token").unlink()
    assert "token cannot be read: No such file" in source.expect(1, "capture", "forward", *CONFIG).err


@pytest.mark.parametrize(
    ("name", "words"), [("samba", "syncpasswords --daemon"), ("pam", "pam_exec.so seteuid expose_authtok")]
)
def test_setup_writes_the_program_and_prints_the_rest(source: Console, name: str, words: str) -> None:
    told = source.expect(0, "capture", "setup", name, *SETUP, "--program", "program").out

    program = source.folder / "program"
    assert words in told
    assert str(program) in told
    assert program.stat().st_mode & 0o777 == 0o700
    assert f"controller capture {name} --config {source.folder / 'capture.yaml'}" in program.read_text()
    assert "--program" in source.expect(1, "capture", "setup", name, *SETUP, "--program", "missing/program").err


def test_setup_tries_the_settings_and_does_nothing_when_they_would_not_do(
    source: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sender, "send", _refuse("emptyPassword"))
    told = source.expect(0, "capture", "setup", "samba", *CONFIG, "--program", "program")
    assert "would take" in told.err

    monkeypatch.setattr(Sender, "send", _refuse("sealBroken"))
    (source.folder / "program").unlink()
    assert "would not take" in source.expect(1, "capture", "setup", "samba", *CONFIG, "--program", "program").err
    assert not (source.folder / "program").exists()


def _refuse(reason: str) -> Callable[..., str]:
    def send(*_: object) -> str:
        raise CallRefused("refused", status=422, code="refused", reason=reason)

    return send


def test_openldap_needs_its_section(source: Console) -> None:
    for command in (("openldap",), ("setup", "openldap", "--no-trial")):
        assert "spec.openldap" in source.expect(1, "capture", *command, *CONFIG).err
    source.write("capture.yaml", f"{SETTINGS}  openldap: {{socket: s, loginSocket: l, baseDN: dc=x}}\n")
    told = source.expect(0, "capture", "setup", "openldap", *SETUP).out
    assert f"socketpath {source.folder / 's'}\n" in told


def test_one_program_of_openldap_works_on_a_spool(source: Console) -> None:
    source.write("capture.yaml", f"{SETTINGS}  openldap: {{socket: s, loginSocket: l, baseDN: dc=x}}\n")
    spool = source.folder / "spool"
    other = lock_alone(Spool.open(spool, 1).path / PROGRAM_LOCK, PROGRAM)
    assert "slapd refuses password changes" in source.expect(1, "capture", "status", *CONFIG).out
    listener = SockListener(cast("SockProgram", AnswersAll()), source.folder / "s")
    serving = threading.Thread(target=listener.serve, args=(lambda: None,))
    serving.start()
    assert json.loads(source.expect(1, "capture", "status", *CONFIG, "-o", "json").out)["openldap"] == {
        "answering": True
    }
    assert (
        "\npwsync_capture_openldap_answering 1\n" in source.expect(1, "capture", "status", *CONFIG, "-o", "metrics").out
    )
    refused = source.expect(1, "capture", "openldap", *CONFIG).err
    listener.stop()
    serving.join(20)
    os.close(other)
    assert "another 'pwsync capture openldap' works on the spool" in refused
    assert "slapd refuses password changes" in source.expect(1, "capture", "status", *CONFIG).out


class AnswersAll:
    """The program behind slapd's overlay, as far as the socket sees it."""

    def answer(self, _: bytes) -> bytes:
        return CONTINUE

    def look_back(self) -> None:
        """Nothing is under way."""


def test_status_makes_no_spool_and_setup_no_folder_of_a_program(source: Console) -> None:
    told = source.expect(1, "capture", "status", *CONFIG).err
    assert "there is no spool" in told
    assert "pwsync capture setup" in told
    assert not (source.folder / "spool").exists()
    refused = source.expect(1, "capture", "setup", "pam", *CONFIG, "--no-trial", "--program", ".").err
    assert "name a file with --program" in refused


def test_a_key_of_another_form_is_named(source: Console) -> None:
    source.write("key", "nothing of ours\n")
    assert f"{source.folder / 'key'}: this is no capture key" in source.expect(1, "capture", "pam", *CONFIG).err


def test_a_token_that_every_user_can_read_is_refused(source: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_access, "_lets_others_in", lambda _: True)
    (source.folder / "token").chmod(0o644)
    refused = source.expect(1, "capture", "forward", *CONFIG).err
    assert "the token file" in refused
    assert "can be read or written by every user" in refused
    source.write("capture.yaml", SETTINGS.replace("tokenFile: token", "certificate: {file: own.pem, keyFile: own.key}"))
    source.write("own.key", "k").chmod(0o644)
    assert "the key" in source.expect(1, "capture", "forward", *CONFIG).err


def test_a_token_or_a_key_that_cannot_be_looked_at_is_told(source: Console) -> None:
    source.write("capture.yaml", SETTINGS.replace("tokenFile: token", "tokenFile: token/below"))
    assert "token/below" in source.expect(1, "capture", "forward", *CONFIG).err
    source.write("capture.yaml", SETTINGS.replace("tokenFile: token", "certificate: {file: token/own.pem}"))
    assert "token/own.pem" in source.expect(1, "capture", "forward", *CONFIG).err


RACF = """\
  racf:
    url: ldaps://127.0.0.1:1
    bind: {user: "racfid=READER,profiletype=USER,o=racf", passwordFrom: {file: token}}
    suffix: o=racf
    privateKeyFrom: {file: own.key}
    certificateFile: own.pem
    signerFile: racf.pem
"""


DS389 = """\
  ds389:
    url: ldaps://127.0.0.1:1
    bind: {user: "cn=capture,o=x", passwordFrom: {file: token}}
    baseDN: ou=people,o=x
"""


def test_389_directory_server_needs_its_section_and_is_read_until_it_is_stopped(
    source: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (("ds389",), ("setup", "ds389", "--no-trial"), ("acknowledge",)):
        assert "spec.ds389" in source.expect(1, "capture", *command, *CONFIG).err
    source.write("capture.yaml", SETTINGS + DS389.replace("file: token", "file: missing"))
    assert "missing" in source.expect(1, "capture", "setup", "ds389", *SETUP).err
    source.write("capture.yaml", SETTINGS + DS389)
    steps = source.expect(0, "capture", "setup", "ds389", *SETUP).out
    assert "nsslapd-include-suffix: ou=people,o=x" in steps
    assert 'userdn="ldap:///cn=capture,o=x"' in steps
    (source.folder / "token").chmod(0o600)
    begun: list[int | None] = []

    def run(reader: Ds389Reader) -> None:
        begun.append(reader.state.number)
        reader.stop()

    monkeypatch.setattr(Ds389Reader, "run", run)
    source.expect(0, "capture", "ds389", *CONFIG, "--from", "7")
    source.expect(0, "capture", "ds389", *CONFIG)
    assert begun == [6, None]
    assert (
        source.expect(0, "capture", "acknowledge", *CONFIG).out
        == "0 not captured, 0 missing, 0 new logs acknowledged\n"
    )
    metrics = source.expect(1, "capture", "status", *CONFIG, "-o", "metrics").out
    assert "pwsync_capture_ds389_reading 0" in metrics
    assert "envelope" not in metrics
    source.write("capture.yaml", SETTINGS + DS389 + RACF)
    assert "one of racf and ds389" in source.expect(1, "capture", "status", *CONFIG).err


def test_racf_needs_its_section_and_keys_that_fit(source: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (("racf",), ("setup", "racf", "--no-trial"), ("acknowledge",)):
        assert "spec.racf" in source.expect(1, "capture", *command, *CONFIG).err
    source.write("capture.yaml", SETTINGS + RACF)
    for name, content in (
        ("own.key", party(PWSYNC).key_pem),
        ("own.pem", party(PWSYNC).certificate_pem),
        ("racf.pem", party(ISSUER).certificate_pem),
    ):
        source.write(name, content.decode())

    assert "IRR.PWENV.KEYRING" in source.expect(0, "capture", "setup", "racf", *SETUP).out
    begun: list[int] = []
    monkeypatch.setattr(LogReader, "begin_with", lambda _, number: begun.append(number))
    monkeypatch.setattr(LogReader, "read_new", lambda self: self.stop() or 0.0)
    source.expect(0, "capture", "racf", *CONFIG, "--from", "7")
    assert begun == [7]
    source.write("token", "old/new")
    assert "has a slash" in source.expect(1, "capture", "racf", *CONFIG).err
    source.write("token", "t").chmod(0o600)
    (source.folder / "racf.pem").unlink()
    assert "racf.pem cannot be read" in source.expect(1, "capture", "racf", *CONFIG).err


def test_what_was_seen_is_acknowledged_once(source: Console) -> None:
    source.write("capture.yaml", SETTINGS + RACF)
    save_reader_state(spool_of(source).path, ReaderState(number=9, counts=Counts(no_envelope=2, missing=3)))

    assert "3 entries of the change log are missing" in source.expect(1, "capture", "status", *CONFIG).out
    assert source.expect(0, "capture", "acknowledge", *CONFIG).out == (
        "2 without an envelope, 0 not captured, 3 missing, 0 new logs acknowledged\n"
    )
    assert "missing" not in source.expect(1, "capture", "status", *CONFIG).out
    assert source.expect(0, "capture", "acknowledge", *CONFIG).out.startswith("0 without an envelope, 0 not")


def test_a_key_that_is_none_is_told(source: Console) -> None:
    source.write("key", "x")
    assert "capture-key" in source.expect(1, "capture", "samba", *CONFIG, stdin=RECORD).err


def test_the_schema_is_json(console: Console) -> None:
    assert json.loads(console.expect(0, "capture", "schema").out)["title"] == "pwsync Capture"
