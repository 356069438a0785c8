"""``pwsync`` as tests type it: hands itself to the warm process, and waits; or starts cold where that would differ.

Run by ``python -I -S`` with the socket of the warm process, then the command line. Needs the standard library alone.
"""

import json
import os
import resource
import signal
import socket
import sys
from typing import NoReturn

LIMITS = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_AS)
STREAMS = (0, 1, 2)


def starts_cold() -> bool:
    """Whether a forked process would not be the same: it uses a terminal, or lacks a stream."""
    try:
        return any(os.isatty(stream) or os.fstat(stream) is None for stream in STREAMS)
    except OSError:
        return True


def request(arguments: list[str]) -> bytes:
    """What the warm process must know besides the streams."""
    umask = os.umask(0o077)
    os.umask(umask)
    return json.dumps(
        {
            "arguments": arguments,
            "folder": os.getcwd(),  # noqa: PTH109  # pathlib is slow to load
            "environment": dict(os.environ),
            "umask": umask,
            "limits": [[limit, *resource.getrlimit(limit)] for limit in LIMITS],
        }
    ).encode("utf-8")


def hand_over(connection: socket.socket, arguments: list[str]) -> int:
    """Have the command carried out; returns its exit code, negative when a signal ended it."""
    sent = request(arguments)
    socket.send_fds(connection, [len(sent).to_bytes(8)], list(STREAMS))
    connection.sendall(sent)
    with connection.makefile("r") as answers:
        process = int(answers.readline())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: os.kill(process, number))
        return int(answers.readline())


def end(code: int) -> NoReturn:
    """End as the command did."""
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def main() -> None:
    """Carry out the command line after the socket's path."""
    path, *arguments = sys.argv[1:]
    if not starts_cold():
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            end(hand_over(connection, arguments))
    os.execv(sys.executable, [sys.executable, "-m", "controller", *arguments])  # noqa: S606  # there must be none


if __name__ == "__main__":
    main()
