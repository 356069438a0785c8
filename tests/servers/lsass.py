"""The password filter, called as LSASS calls it: by a process of Wine that takes orders (windows_programs)."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.servers.windows import Windows

_PROGRAMS = Path(__file__).with_name("windows_programs")
PERSON = 1104
"""The RID of an ordinary account."""


class Misses(NamedTuple):
    """What was counted as missed: how many, and of the last the error of Windows and the reason."""

    total: int
    error: int
    reason: str


class Measures(NamedTuple):
    """What the process has: handles, bytes in use on its heaps, and bytes of memory."""

    handles: int
    heap: int
    memory: int


def utf16(text: str) -> str:
    """A text as orders have it."""
    return text.encode("utf-16-le", "surrogatepass").hex() or "-"


def build_lsass(windows: Windows) -> Path:
    """Build the program."""
    return windows.compile("lsass.exe", *sorted(_PROGRAMS.glob("*.c")), options=("-lbcrypt", "-lpsapi"))


@dataclass
class Lsass:
    """The process.

    Attributes:
        agreement: Who agrees on secrets: ``bcrypt``, or the ``double`` for a Wine that lacks it.
    """

    process: subprocess.Popen[bytes]
    agreement: str = ""

    def order(self, *words: object) -> str:
        """Give an order; returns the answer.

        Raises:
            AssertionError: The process ended.
        """
        self.tell(*words)
        return self.answer()

    def tell(self, *words: object) -> None:
        """Give an order, and do not wait."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """The next line that it says.

        Raises:
            AssertionError: The process ended.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"LSASS has ended with {self.process.wait(60)}"
        return line.decode().strip()

    def change(self, name: str, password: str, rid: int = PERSON) -> None:
        """Change a password: the filter must neither object nor fail."""
        assert self.order("change", rid, utf16(name), utf16(password)) == "1 0"

    def repeat(self, count: int, name: str, password: str) -> int:
        """Change one so often; returns nanoseconds for each."""
        failures, nanoseconds = self.order("repeat", count, utf16(name), utf16(password)).split()
        assert failures == "0"
        return int(nanoseconds)

    def measure(self) -> Measures:
        """Measure the process."""
        return Measures(*map(int, self.order("measure").split()))

    def misses(self) -> Misses:
        """What was counted as missed."""
        total, error, *reason = self.order("misses").split()
        return Misses(int(total), int(error), "".join(reason))

    def set(self, **values: str | int) -> None:
        """Set values of the settings."""
        for name, value in values.items():
            order = ("number", name, value) if isinstance(value, int) else ("text", name, utf16(value))
            assert self.order(*order) == "0"

    def set_anew(self, **values: str | int) -> None:
        """Set the settings; no other values stay, and nothing counts as missed."""
        self.order("clear")
        self.set(**values)


@contextmanager
def running_lsass(windows: Windows, prefix: Sequence[str] = ()) -> Iterator[Lsass]:
    """Start the process with the filter; *prefix* are words before its command."""
    program, filter_path = windows.built / "lsass.exe", windows.path(windows.built / "pwsync-filter.dll")
    command = [*prefix, *windows.command(program, filter_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=windows.environment(), stdin=pipe, stdout=pipe) as process:
        try:
            lsass = Lsass(process)
            lsass.agreement = lsass.answer().removeprefix("loaded ")
            yield lsass
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(60)
            finally:
                process.kill()
