"""The connector contract over a program, and what becomes of programs that do not behave."""

import json
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.connectors.exec.connector import CONNECTOR_TYPE
from controller.connectors.exec.options import ExecOptions
from controller.model.errors import (
    AccountRefused,
    Busy,
    ChannelRefused,
    ConnectorError,
    Indeterminate,
    PasswordRejected,
    Rejected,
    Unavailable,
)
from controller.model.secret import Secret
from controller.model.words import WITHHELD
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import ConnectorContract, words_of
from tests.contracts.connectors.harness import Bench
from tests.doubles.secrets import no_secrets
from tests.servers import exec_program

NEW = Secret('New-"pässword"-1')
Program = Callable[..., Connector]


def connect_to(command: list[str], **options: Any) -> Connector:
    return CONNECTOR_TYPE.connect(ExecOptions.model_validate({"command": command, **options}), no_secrets)


class ExecBench(Bench):
    account, password, missing, refused = "alice", "Initial-1-password", "nobody", "tiny-1"

    def __init__(self, file: Path, options: dict[str, Any]) -> None:
        self._file, self._options = file, options
        file.write_text(json.dumps({"alice": ("salt", exec_program.hashed(self.password, "salt"))}))

    def fresh(self) -> Connector:
        command = [sys.executable, "-I", "-S", exec_program.__file__, str(self._file)]
        return connect_to(command, **self._options)

    def login(self, account: str, password: str) -> bool:
        accounts = json.loads(self._file.read_text())
        return account in accounts and exec_program.hashed(password, accounts[account][0]) == accounts[account][1]

    def unreachable(self) -> AbstractContextManager[None]:
        return away(self._file)


@contextmanager
def away(file: Path) -> Iterator[None]:
    elsewhere = file.rename(file.with_name("elsewhere"))
    try:
        yield
    finally:
        elsewhere.rename(file)


class TestExec(ConnectorContract):
    @pytest.fixture(params=[{}, {"verify": True}], ids=["writing", "verifying"])
    def bench(self, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
        return ExecBench(tmp_path / "accounts", request.param)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes connectors to a shell script."""

    def make(script: str, **options: Any) -> Connector:
        file = tmp_path / "program"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o700)
        return connect_to([str(file)], **options)

    return make


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1, Indeterminate),
        (64, ChannelRefused),
        (65, PasswordRejected),
        (69, Unavailable),
        (73, AccountRefused),
        (75, Busy),
        (78, ChannelRefused),
        (127, Indeterminate),
    ],
)
def test_what_an_exit_code_means(program: Program, code: int, error: type[ConnectorError]) -> None:
    with pytest.raises(ConnectorError) as caught:
        program(f"cat >/dev/null; echo 'in its own words' >&2; exit {code}").set_password("alice", NEW)
    assert type(caught.value) is error
    assert (caught.value.directory_code, caught.value.words) == (str(code), "in its own words")


@pytest.mark.parametrize("careless", ["cat >&2; exit 65", "read -r given; printf '%s' \"$given\" >&2; exit 65"])
def test_words_that_hold_the_password_are_withheld(program: Program, careless: str) -> None:
    with pytest.raises(PasswordRejected) as caught:
        program(careless).set_password("alice", NEW)
    assert caught.value.words == WITHHELD
    assert "pässword" not in words_of(caught.value)
    assert "p\\u00e4ssword" not in words_of(caught.value)


def test_a_program_gets_a_clean_environment_and_no_secret_as_an_argument(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORP_BIND_PASSWORD", "not for programs")
    seen = tmp_path / "seen"
    program(f"cat >/dev/null; env >{seen}; cat /proc/$$/cmdline >>{seen}").set_password("alice", NEW)
    told = seen.read_text()
    assert "CORP_BIND_PASSWORD" not in told
    assert {line.partition("=")[0] for line in told.splitlines()[:-1]} <= {
        "PATH",
        "LANG",
        "PWD",
        "SHLVL",
        "OLDPWD",
        "_",
    }
    assert "alice" not in told


def test_its_limits_hold_before_it_gets_the_password(program: Program, tmp_path: Path) -> None:
    seen = tmp_path / "limits"
    program(f"cat >/dev/null; (ulimit -c; ulimit -t; ulimit -v) >{seen}", memoryLimit=64).set_password("alice", NEW)
    assert seen.read_text().split() == ["0", "31", str(64 * 1024)]


def test_what_does_not_end_is_killed_with_all_that_it_started(program: Program, tmp_path: Path) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    connector = program(f"sleep 600 >&- 2>&- & echo $! >{started}; wait", timeout="1s")
    reader = os.open(started, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(Indeterminate, match="killed"):
            connector.set_password("alice", NEW)
        child = int(os.read(reader, 100))
    finally:
        os.close(reader)
    assert ends(child)


def test_what_it_leaves_behind_is_killed_when_it_has_ended(program: Program, tmp_path: Path) -> None:
    left = tmp_path / "left"
    program(f"cat >/dev/null; sleep 600 >&- 2>&- & echo $! >{left}").set_password("alice", NEW)
    assert ends(int(left.read_text()))


def ends(pid: int) -> bool:
    """Whether a process that was killed has ended, or does so soon."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)


def test_a_question_that_is_not_answered_in_time_leaves_nothing_open(program: Program) -> None:
    with pytest.raises(Unavailable, match="killed"):
        program("sleep 600", timeout="1s", verify=True).verify_password("alice", NEW)
    with pytest.raises(Unavailable, match="signal 9"):
        program("kill -9 $$", verify=True).verify_password("alice", NEW)


def test_output_is_bounded_and_a_program_that_reads_nothing_gets_its_due(program: Program) -> None:
    connector = program("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 65")
    with pytest.raises(PasswordRejected) as caught:
        connector.set_password("alice" * 50_000, NEW)
    assert caught.value.words == "x" * 500


def test_a_check_that_fails_is_a_refused_channel(program: Program) -> None:
    with pytest.raises(ChannelRefused, match="exit code 1"):
        program("exit 1").check()


def test_who_does_not_verify_is_not_asked(program: Program) -> None:
    with pytest.raises(Rejected, match="verifies no passwords"):
        program("exit 0").verify_password("alice", NEW)


def test_a_password_that_is_no_unicode_is_not_given(program: Program) -> None:
    with pytest.raises(PasswordRejected):
        program("exit 0").set_password("alice", Secret("\ud800"))


def test_a_program_that_others_may_write_to_is_not_run(program: Program, tmp_path: Path) -> None:
    connector = program("exit 0")
    connector.check()
    (tmp_path / "program").chmod(0o722)
    with pytest.raises(ChannelRefused, match="may be written to by others"):
        connector.check()
    (tmp_path / "program").chmod(0o700)
    tmp_path.chmod(0o777)
    with pytest.raises(ChannelRefused, match="may be written to by others"):
        connector.check()
    tmp_path.chmod(0o1777)
    connector.check()


def test_what_is_no_program_is_not_run(tmp_path: Path) -> None:
    plain, broken = tmp_path / "plain", tmp_path / "broken"
    plain.write_text("text")
    plain.chmod(0o600)
    broken.write_text("#!/nowhere/interpreter\n")
    broken.chmod(0o700)
    for path, words in (
        (tmp_path / "missing", "cannot be found"),
        (plain, "not a program"),
        (tmp_path, "not a program"),
        (broken, "could not be run"),
    ):
        with pytest.raises(ChannelRefused, match=words):
            connect_to([str(path)]).set_password("alice", NEW)
