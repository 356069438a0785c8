"""Windows for tests: the programs of controller/capture/windows, built by mingw-w64 and run by Wine."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMPILER = "x86_64-w64-mingw32-gcc"
_ROOT = Path(__file__).parents[2]
_BUILD = _ROOT / "controller/capture/windows/build"
_MEMBERSHIP = _ROOT / "tests/servers/windows_programs/forwarder/membership_file.c"
_WINE_FOLDERS = os.pathsep.join(("/usr/lib/wine", os.environ.get("PATH", os.defpath)))
# no browser, no .NET, no menus; and no debugger, which looks for a minute at what has crashed
_OVERRIDES = "mscoree,mshtml,winemenubuilder.exe,winedbg.exe="
_DEADLINE = 300.0
_OPTIONS = (
    *("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"),
    *("-DUNICODE", "-D_UNICODE", "-DWIN32_LEAN_AND_MEAN", "-D_WIN32_WINNT=0x0A00"),
)


Value = str | int | Sequence[str]
"""REG_SZ, REG_DWORD or REG_MULTI_SZ."""


def wine() -> str | None:
    """The program that runs others: Debian's wine64 puts it into no folder of PATH."""
    return shutil.which("wine64", path=_WINE_FOLDERS) or shutil.which("wine", path=_WINE_FOLDERS)


@dataclass(frozen=True, slots=True)
class Windows:
    """An installation of its own: a drive C and a registry.

    Attributes:
        built: Folder of what ``controller/capture/windows/build`` makes, and of the programs of the tests.
    """

    prefix: Path
    built: Path

    @property
    def drive_c(self) -> Path:
        """Where its drive C is."""
        return self.prefix / "drive_c"

    def path(self, file: Path) -> str:
        r"""How a file is called there: drive Z is the root of this machine."""
        return "Z:" + str(file.absolute()).replace("/", "\\")

    def environment(self) -> dict[str, str]:
        """What programs there are started with."""
        settings = {"WINEPREFIX": str(self.prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": _OVERRIDES}
        kept = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
        return kept | settings

    def command(self, program: Path | str, *arguments: str) -> list[str]:
        """The command that runs a program there."""
        return [wine() or "wine64", str(program), *arguments]

    def run(self, program: Path | str, *arguments: str, stdin: str = "") -> str:
        """Run a program to its end; returns what it prints.

        Raises:
            AssertionError: It fails.
        """
        ended = subprocess.run(
            self.command(program, *arguments),
            env=self.environment(),
            input=stdin.encode(),
            capture_output=True,
            timeout=_DEADLINE,
            check=False,
        )
        told = ended.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
        assert ended.returncode == 0, f"{program} ended with {ended.returncode}: {told}{ended.stderr.decode()}"
        return told

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Within the block a program runs there that does nothing: else each other one starts everything anew."""
        idle = subprocess.Popen(
            self.command("cmd"),
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert idle.stdin is not None
        assert idle.stdout is not None
        idle.stdin.write(b"echo awake\n")
        idle.stdin.flush()
        # What a program starts keeps its pipes: the first one must be this, whose pipes nobody reads to their end.
        while b"awake" not in idle.stdout.readline():
            assert idle.poll() is None
        try:
            yield
        finally:
            idle.stdin.close()
            idle.wait(_DEADLINE)
            idle.stdout.close()

    def stop(self) -> None:
        """End all that runs there. The next program starts it again."""
        server = shutil.which("wineserver", path=_WINE_FOLDERS) or "wineserver"
        for order in ("-k", "-w"):
            subprocess.run([server, order], env=self.environment(), check=False, timeout=_DEADLINE)

    def set_values(self, key: str, values: Mapping[str, Value]) -> None:
        r"""Make the values of a key of HKEY_LOCAL_MACHINE anew: no others stay."""
        lines = ["Windows Registry Editor Version 5.00", "", f"[-HKEY_LOCAL_MACHINE\\{key}]", ""]
        lines += [f"[HKEY_LOCAL_MACHINE\\{key}]", *(_value(name, value) for name, value in values.items()), ""]
        file = self.prefix / "values.reg"
        file.write_text("\r\n".join(lines), encoding="utf-16")
        self.run("regedit", "/S", self.path(file))

    def compile(self, name: str, *sources: Path, options: tuple[str, ...] = ()) -> Path:
        """Build a program of the tests, as one piece: the headers of Windows are what takes time."""
        program = self.built / name
        whole = "".join(f'#include "{source}"\n' for source in sources)
        command = [COMPILER, *_OPTIONS, "-municode", "-o", str(program), "-x", "c", "-", *options]
        subprocess.run(command, input=whole.encode(), check=True, timeout=_DEADLINE)
        return program


def _value(name: str, value: Value) -> str:
    if isinstance(value, int):
        return f'"{name}"=dword:{value:08x}'
    if not isinstance(value, str):
        content = "".join(f"{entry}\0" for entry in (*value, "")).encode("utf-16-le")
        return f'"{name}"=hex(7):{content.hex(",")}'
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}"="{escaped}"'


def build(into: Path, *warnings: str) -> None:
    """Build all that runs on domain controllers, and a forwarder that reads groups from a file."""
    environment = {**os.environ, "MEMBERSHIP": str(_MEMBERSHIP)}
    subprocess.run([str(_BUILD), str(into), *warnings], check=True, timeout=_DEADLINE, env=environment)


@contextmanager
def running_windows(folder: Path) -> Iterator[Windows]:
    """Build everything, and make an installation in *folder*; it is gone afterwards, since it takes much room."""
    built = folder / "built"
    build(built)
    windows = Windows(folder / "prefix", built)
    try:
        windows.run("wineboot", "--init")
        yield windows
    finally:
        windows.stop()
        shutil.rmtree(windows.prefix)
