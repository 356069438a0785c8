"""The socket of slapd's overlay: what is cut off, too long, or never ends."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from controller.capture import sock_listener
from controller.capture.openldap import NOT_TAKEN
from controller.capture.sock_listener import SockListener
from controller.capture.spool import Aside
from controller.model.errors import SettingsError
from tests.unit.capture.test_sock_program import SET, made


@pytest.mark.parametrize("told", [SET[:-1], b"", b"ADD\n" + b"x" * (33 << 20)])
def test_what_is_cut_off_or_too_long_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture, told: bytes) -> None:
    bench, program, _ = made(tmp_path)
    listener = SockListener(program, tmp_path / "s")
    answers: list[bytes] = []

    def tell() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(tmp_path / "s"))
            with suppress(BrokenPipeError):  # it need not be read to its end
                client.sendall(told)
                client.shutdown(socket.SHUT_WR)
            answers.append(client.recv(1000))
        listener.stop()

    listener.serve(threading.Thread(target=tell).start)
    assert answers == [NOT_TAKEN]
    assert bench.spool.count() == 0
    assert "cut off or too long" in caplog.text


def test_lost_changes_are_looked_for_while_slapd_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, program, clock = made(tmp_path)
    program.answer(SET)
    looked, look_back = threading.Event(), program.look_back

    def look() -> None:
        look_back()
        looked.set()

    monkeypatch.setattr(program, "look_back", look)
    monkeypatch.setattr(sock_listener, "_LOOK_EVERY", 0.01)
    clock.seconds = 61
    listener = SockListener(program, tmp_path / "s")

    def stop_then() -> None:
        looked.wait(10)
        listener.stop()

    listener.serve(threading.Thread(target=stop_then).start)

    assert len(bench.spool.names(Aside.DOUBTFUL)) == 1


def test_a_socket_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    _, program, _ = made(tmp_path)

    with pytest.raises(SettingsError, match="cannot be made"):
        SockListener(program, tmp_path / "missing" / "s")
