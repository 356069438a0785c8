"""The socket of slapd's overlay: what is cut off, too long, or never ends."""

import errno
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from controller.capture import sock_listener
from controller.capture.openldap import CONTINUE, NOT_TAKEN
from controller.capture.sock_listener import THREADS, SockListener, is_answering
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
    bench, program, clock = made(tmp_path, opens=lambda _: None)
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


@contextmanager
def listening(listener: SockListener) -> Iterator[None]:
    with ThreadPoolExecutor(1) as threads:
        is_ready = threading.Event()
        serving = threads.submit(listener.serve, is_ready.set)
        assert is_ready.wait(10)
        try:
            yield
        finally:
            listener.stop()
            serving.result(20)


def test_it_goes_on_after_a_connection_could_not_be_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """For example because the process has as many files open as it may."""
    _, program, _ = made(tmp_path)
    listener = SockListener(program, tmp_path / "s")
    problems, real = [OSError(errno.EMFILE, "too many open files")] * 3, listener._socket

    class Failing:
        def accept(self) -> tuple[socket.socket, object]:
            if problems:
                raise problems.pop()
            return real.accept()

        def shutdown(self, how: int) -> None:
            real.shutdown(how)

        def close(self) -> None:
            real.close()

    monkeypatch.setattr(listener, "_socket", Failing())
    with listening(listener):
        assert is_answering(tmp_path / "s")
    assert caplog.text.count("cannot be taken yet: problem=[Errno 24]") == 3
    assert not is_answering(tmp_path / "s")


def test_no_more_connections_are_taken_than_are_worked_on_soon(tmp_path: Path) -> None:
    """Slapd opens one for each search too, and waits for none of their answers."""
    _, program, _ = made(tmp_path)
    held, answer = threading.Semaphore(0), program.answer

    def slow(content: bytes) -> bytes:
        assert held.acquire(timeout=30)
        return answer(content)

    program.answer = slow  # type: ignore[method-assign]  # waits for the test
    before = len(list(Path("/proc/self/fd").iterdir()))
    with listening(SockListener(program, tmp_path / "s")):
        clients: list[socket.socket] = []
        for _ in range(100):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(30)
            client.connect(str(tmp_path / "s"))
            client.sendall(SET)
            clients.append(client)
        assert len(list(Path("/proc/self/fd").iterdir())) - before <= 100 + 2 * THREADS + 2
        held.release(100)
        for client in clients:
            with client:
                assert client.recv(1000) in {CONTINUE, NOT_TAKEN}


def test_two_signals_one_after_the_other_end_it(tmp_path: Path) -> None:
    _, program, _ = made(tmp_path)
    listener = SockListener(program, tmp_path / "s")
    with listening(listener):
        listener.stop()
        listener.stop()


def test_a_file_or_the_socket_of_another_program_is_left_alone(tmp_path: Path) -> None:
    _, program, _ = made(tmp_path)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(SettingsError, match="is there already, and no socket"):
        SockListener(program, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"
    with (
        listening(SockListener(program, tmp_path / "s")),
        pytest.raises(SettingsError, match="another program answers on"),
    ):
        SockListener(program, tmp_path / "s")
    with listening(SockListener(program, tmp_path / "s")):  # it was left by the one before
        assert is_answering(tmp_path / "s")
