"""Runs a program to its end: input and output over pipes, limits of the kernel, and nothing left of it afterwards."""

import math
import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

LONGEST_OUTPUT = 8 * 1024
"""Bytes that are kept of each of the two outputs; the rest is read and thrown away."""
_CHUNK = 65536
_OPEN_FILES = 256
_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
"""All that the program gets: ours may hold secrets (passwordFrom: {env: ...})."""


class NotStarted(Exception):
    """The program could not be started, or not be limited; it was given nothing."""


class TimedOut(Exception):
    """The program did not end in time; it was ended, with all processes of its group."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended.

    Attributes:
        code: Its exit code; negative is the signal that ended it.
        output: The beginning of its standard output.
        complaints: The beginning of its standard error.
    """

    code: int
    output: bytes
    complaints: bytes


def run(command: Sequence[str], given: bytes, *, seconds: float, mebibytes: int) -> Ended:
    """Run *command* with *given* as standard input.

    Args:
        command: The program and its arguments; no shell reads them.
        given: Written to its standard input, once its limits hold.
        seconds: After which it and its process group are killed.
        mebibytes: Of address space that it may use.

    Raises:
        NotStarted: It was given nothing.
        TimedOut: It may have done anything.
    """
    deadline = time.monotonic() + seconds
    with _started(command) as process:
        _limit(process.pid, math.ceil(seconds) + 1, mebibytes)
        output, complaints = _exchange(process, given, deadline)
        code = _code_of(process.pid)
    return Ended(code, output, complaints)


@contextmanager
def _started(command: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a group of its own, which is killed before its leader's id can be anyone else's."""
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(  # noqa: S603  # the command is the manifest's; no shell, a clean environment
            command, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/", env=_ENVIRONMENT, start_new_session=True
        )
    except OSError as error:
        raise NotStarted(error.strerror or type(error).__name__) from error
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # the whole group is gone
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with suppress(BrokenPipeError):  # it ended without reading all
                _there(stream).close()


def _limit(pid: int, cpu_seconds: int, mebibytes: int) -> None:
    """Set limits that its children inherit (prlimit(2)). It waits for its input meanwhile."""
    space = mebibytes * 1024 * 1024
    try:
        for kind, most in (
            (resource.RLIMIT_CORE, 0),  # an image of its memory on disk would hold the password
            (resource.RLIMIT_CPU, cpu_seconds),
            (resource.RLIMIT_AS, space),
            (resource.RLIMIT_NOFILE, _OPEN_FILES),
        ):
            resource.prlimit(pid, kind, (most, most))
    except ProcessLookupError:
        return  # it has ended already, without having been given anything
    except OSError as error:
        raise NotStarted(f"its limits cannot be set ({error.strerror}): a program that changes its user?") from error


def _exchange(process: "subprocess.Popen[bytes]", given: bytes, deadline: float) -> tuple[bytes, bytes]:
    """Write the input and read both outputs until the program ends."""
    kept = {name: bytearray() for name in ("output", "complaints")}
    descriptor = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            for stream in (process.stdin, process.stdout, process.stderr):
                os.set_blocking(_there(stream).fileno(), False)
            selector.register(descriptor, selectors.EVENT_READ, "end")
            selector.register(_there(process.stdin), selectors.EVENT_WRITE, "input")
            selector.register(_there(process.stdout), selectors.EVENT_READ, "output")
            selector.register(_there(process.stderr), selectors.EVENT_READ, "complaints")
            _serve(selector, process, given, kept, deadline)
    finally:
        os.close(descriptor)
    for name, stream in (("output", process.stdout), ("complaints", process.stderr)):
        _keep(kept[name], _there(stream).fileno())  # what it wrote just before its end
    return bytes(kept["output"]), bytes(kept["complaints"])


def _serve(
    selector: selectors.BaseSelector,
    process: "subprocess.Popen[bytes]",
    given: bytes,
    kept: Mapping[str, bytearray],
    deadline: float,
) -> None:
    left = memoryview(given)
    while True:
        seconds = deadline - time.monotonic()
        ready = selector.select(seconds) if seconds > 0 else []
        if not ready:
            raise TimedOut
        for key, _ in ready:
            if key.data == "end":
                return
            if key.data == "input":
                left = _write(key.fd, left)
                if not left:
                    selector.unregister(key.fileobj)
                    _close_quietly(process.stdin)
            elif not _keep(kept[key.data], key.fd):
                selector.unregister(key.fileobj)


def _write(descriptor: int, left: memoryview) -> memoryview:
    try:
        return left[os.write(descriptor, left) :]
    except BlockingIOError:
        return left
    except BrokenPipeError:
        return left[:0]  # it reads no more; its exit code tells the rest


def _keep(kept: bytearray, descriptor: int) -> bool:
    """Read what is there and keep what still fits; tell whether more may come."""
    try:
        chunk = os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return True
    kept += chunk[: LONGEST_OUTPUT - len(kept)]
    return bool(chunk)


def _code_of(pid: int) -> int:
    """The exit code of a process that has ended, which stays to be waited for."""
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None  # noqa: S101  # only with WNOHANG there may be none
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _close_quietly(stream: IO[bytes] | None) -> None:
    with suppress(BrokenPipeError):
        _there(stream).close()


def _there(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101  # all three were asked for
    return stream
