"""The password filter for domain controllers under Wine: what it captures opens, and what it cannot it counts."""

import os
import random
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.capture.record import CapturedChange, decode, encode
from controller.capture.spool import Spool
from controller.model.accounts import WindowsAccount
from controller.sealing.capture import CaptureKey
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer
from tests.servers.lsass import Lsass, Misses, build_lsass, running_lsass, utf16
from tests.servers.windows import Windows, build

pytestmark = pytest.mark.windows

KEYRING = Keyring.generate(datetime.now(UTC))
KEY = CaptureKey.of(KEYRING.newest)
SEALER = KeyringSealer(KEYRING)
PASSWORD = "Ünbreakable-\U0001f511-8421"
NEAR = timedelta(minutes=10)

# errors of Windows
FILE_NOT_FOUND, PATH_NOT_FOUND, INVALID_DATA, DISK_FULL, BAD_PATH, MORE_DATA = 2, 3, 13, 112, 161, 234
INVALID_DOMAIN, INVALID_NAME, INVALID_PASSWORD, INVALID_TYPE, OUT_OF_QUOTA = 1212, 1315, 1216, 1804, 1816


@pytest.fixture(scope="module")
def process(windows: Windows) -> Iterator[Lsass]:
    build_lsass(windows)
    with running_lsass(windows) as lsass:
        yield lsass


@dataclass
class Controller:
    """A domain controller whose password filter has settings, and a spool of its own."""

    lsass: Lsass
    folder: Path
    path: str

    def changes(self) -> list[CapturedChange]:
        """What is in the spool, in its order."""
        spool = Spool(self.folder, 1)
        return [spool.read(name) for name in spool.waiting()]

    def passwords(self) -> list[tuple[str, str]]:
        """Names and passwords of that."""
        return [
            (change.account.name, SEALER.open_captured(change.sealed, change.account, change.occurred_at).reveal())
            for change in self.changes()
        ]


@pytest.fixture
def dc(process: Lsass, windows: Windows, tmp_path: Path) -> Controller:
    folder = tmp_path / "spool"
    folder.mkdir()
    process.set_anew(Domain="corp", Key=str(KEY), Spool=windows.path(folder) + "\\", MinFreeMiB=0)
    return Controller(process, folder, windows.path(folder))


def texts() -> Iterator[str]:
    """All kinds of Unicode, and what is at the edges of their encodings."""
    yield from ("a", "plain", 'with "quotes" \\ and /', " spaces ", "tab\tline\nzero\x00one\x01delete\x7f")
    yield from ("\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "\ufeffmark")
    yield from ("ÄÖÜß", "İıſK", "ΣΑΣ", "e\u0301", "שלום", "密码", "\U0001f469\u200d\U0001f467")
    yield from ("\ud800", "\udfff", "\udc00\ud800", "\ud800\ud800\udc00x")
    chance = random.Random(9180)
    for _ in range(20):
        yield "".join(chr(chance.randrange(1, 0x110000)) for _ in range(chance.randrange(1, 60)))


def as_windows(text: str) -> str:
    """Surrogates that stand together are one character there."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def test_every_change_is_spooled_in_order_as_python_writes_it_and_opens(dc: Controller) -> None:
    told = [(as_windows(f"{text}."), as_windows(text)) for text in texts()]
    told += [("x" * 256, "\U0001f511" * 256), ("\u20ac" * 256, "\u20ac" * 256), ("Alice", "p" * 256)]
    for name, password in told:
        dc.lsass.change(name, password)

    assert dc.passwords() == told
    assert dc.lsass.misses().total == 0
    for name, change in zip(Spool(dc.folder, 1).waiting(), dc.changes(), strict=True):
        assert isinstance(change.account, WindowsAccount)
        assert change.account.domain == "CORP"
        assert abs(change.occurred_at - datetime.now(UTC)) < NEAR
        written = (dc.folder / name).read_bytes()
        assert decode(written) == change
    assert written in {encode(change), encode(change).replace(b"+00:00", b".000000+00:00")}


def test_accounts_that_are_no_people_and_empty_passwords_are_left_out(dc: Controller) -> None:
    dc.lsass.change("DC1$", PASSWORD)
    dc.lsass.change("Gast", PASSWORD, rid=501)
    dc.lsass.change("krbtgt", PASSWORD, rid=502)
    dc.lsass.change("alice", "")
    dc.lsass.change("al$ice", PASSWORD)

    assert dc.passwords() == [("al$ice", PASSWORD)]
    assert dc.lsass.misses().total == 0


def test_strings_as_they_should_not_be_do_no_harm_and_are_counted(dc: Controller) -> None:
    assert dc.lsass.order("invalid") == "0"
    counted = dc.lsass.misses()
    assert (counted.reason, counted.total > 0) == ("unusable", True)

    dc.lsass.change("", PASSWORD)
    assert dc.lsass.misses() == (counted.total + 1, INVALID_NAME, "unusable")
    dc.lsass.change("x" * 257, PASSWORD)
    dc.lsass.change("x" * 32767, PASSWORD)
    dc.lsass.change("alice", "x" * 257)
    dc.lsass.change("alice", "\U0001f511" * 16383)
    assert dc.lsass.misses() == (counted.total + 5, INVALID_PASSWORD, "unusable")
    assert dc.passwords() == []


def test_settings_that_cannot_be_used_are_counted_and_mended_without_a_restart(dc: Controller) -> None:
    good: dict[str, str | int] = {"Domain": "corp", "Key": str(KEY), "Spool": dc.path, "MinFreeMiB": 0}
    no_point = str(CaptureKey(KEY.id, b"\x04" + bytes(64)))
    cases: tuple[tuple[dict[str, str | int], int | None, str], ...] = (
        ({"Domain": ""}, INVALID_DOMAIN, "settings"),
        ({"Domain": "corp.example.com-long"}, INVALID_DOMAIN, "settings"),
        ({"Domain": "CÖRP"}, INVALID_DOMAIN, "settings"),
        ({"Domain": 1}, INVALID_TYPE, "settings"),
        ({"Key": "pwsync-capture-2 QUJD"}, INVALID_DATA, "settings"),
        ({"Key": str(KEY)[:-4] + "!!!!"}, INVALID_DATA, "settings"),
        ({"Key": str(KEY)[:-4]}, INVALID_DATA, "settings"),
        ({"Key": no_point}, None, "sealing"),
        ({"Spool": "spool"}, BAD_PATH, "settings"),
        ({"Spool": r"\\server\share"}, BAD_PATH, "settings"),
        ({"Spool": dc.path + r"\missing"}, PATH_NOT_FOUND, "spool"),
        ({"MaxChanges": "many"}, MORE_DATA, "settings"),
    )
    for wrong, error, reason in cases:
        dc.lsass.set_anew(**(good | wrong))
        dc.lsass.change("alice", PASSWORD)
        counted = dc.lsass.misses()
        assert counted == (1, counted.error if error is None else error, reason), wrong
        assert counted.error, wrong
    dc.lsass.order("clear")
    dc.lsass.change("alice", PASSWORD)
    assert dc.lsass.misses() == Misses(1, FILE_NOT_FOUND, "settings")
    assert dc.passwords() == []

    dc.lsass.set_anew(**good)
    dc.lsass.change("alice", PASSWORD)
    assert dc.passwords() == [("alice", PASSWORD)]


def test_a_spool_has_its_limits_and_goes_on_once_there_is_room(dc: Controller) -> None:
    dc.lsass.set(MaxChanges=3)
    (dc.folder / "00000000000000000007.refused").touch()
    (dc.folder / "00000000000000000008.change.new").touch()
    (dc.folder / "state.json").touch()
    for name in ("one", "two", "three"):
        dc.lsass.change(name, PASSWORD)
    assert [name for name, _ in dc.passwords()] == ["one", "two"]
    assert dc.lsass.misses() == (1, OUT_OF_QUOTA, "spoolFull")
    assert not list(dc.folder.glob("*.new"))

    assert dc.lsass.order("empty", dc.path) == "2"
    dc.lsass.change("four", PASSWORD)
    assert [name for name, _ in dc.passwords()] == ["four"]

    dc.lsass.set(MinFreeMiB=0xFFFFFFFF)
    dc.lsass.change("five", PASSWORD)
    assert dc.lsass.misses() == (2, DISK_FULL, "diskFull")


def test_numbers_go_on_from_the_highest_in_the_folder_however_the_clock_is_set(dc: Controller) -> None:
    (dc.folder / "08000000000000000000.damaged").touch()
    dc.lsass.change("one", PASSWORD)
    dc.lsass.change("two", PASSWORD)

    assert Spool(dc.folder, 1).waiting() == ["08000000000000000001.change", "08000000000000000002.change"]


def test_a_burst_of_several_threads_is_captured_whole_and_leaves_nothing_behind(dc: Controller) -> None:
    dc.lsass.change("warm", PASSWORD)
    before = dc.lsass.measure()
    assert dc.lsass.order("burst", 4, 1000, utf16("alice"), utf16(PASSWORD)) == "0"
    after = dc.lsass.measure()

    assert dc.lsass.misses().total == 0
    assert dc.passwords() == [("warm", PASSWORD)] + 1000 * [("alice", PASSWORD)]
    assert len({change.sealed for change in dc.changes()}) == 1001
    assert after.handles == before.handles
    assert after.heap <= before.heap + 4096  # what Wine keeps of the threads, not what 1,000 changes would leave
    assert after.memory < before.memory + (8 << 20)


def test_lsass_is_killed_in_a_burst_and_every_file_is_whole(dc: Controller, windows: Windows) -> None:
    with running_lsass(windows) as killed:
        killed.tell("burst", 4, 1000, utf16("alice"), utf16(PASSWORD))
        deadline = time.monotonic() + 60
        while len(os.listdir(dc.folder)) < 20:  # noqa: PTH208  # names alone, and fast
            assert time.monotonic() < deadline
        killed.process.kill()
        killed.process.wait(60)
    dc.lsass.change("bob", PASSWORD)

    *before, last = dc.passwords()
    assert last == ("bob", PASSWORD)
    assert set(before) == {("alice", PASSWORD)}


def test_no_password_stays_in_memory(dc: Controller) -> None:
    for form in (PASSWORD.encode().hex(), utf16(PASSWORD)):
        dc.lsass.change("alice", PASSWORD)
        planted, left = map(int, dc.lsass.order("search", form).split())
        assert planted > 0
        assert left == 0


def test_the_file_is_the_same_wherever_it_is_built_and_needs_three_libraries(windows: Windows, tmp_path: Path) -> None:
    build(tmp_path, "-fanalyzer")
    made = tmp_path / "pwsync-filter.dll"
    assert made.read_bytes() == (windows.built / made.name).read_bytes()

    command = ["x86_64-w64-mingw32-objdump", "-x", str(made)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert set(re.findall(r"DLL Name: (\S+)", told)) == {"KERNEL32.dll", "ADVAPI32.dll", "bcrypt.dll"}
    exports = re.findall(r"^\t\[ *\d+\] ([A-Za-z]\w+)$", told, re.MULTILINE)
    assert exports == ["InitializeChangeNotify", "PasswordChangeNotify", "PasswordFilter"]
    assert {"HIGH_ENTROPY_VA", "DYNAMIC_BASE", "NX_COMPAT"} <= set(told.split())
    assert ".reloc" in told
