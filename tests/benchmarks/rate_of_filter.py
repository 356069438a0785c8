"""The password filter under Wine: mean time of a call, beside the bare write that it cannot do without, and growth.

Both are measured by turns on the same disk: calls of ``PasswordChangeNotify``, and files of the same size that are
written, synced and renamed by Python. Ends with 1 when handles, heaps or the process grow.
"""

import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median

from controller.capture.spool import Spool
from controller.sealing.capture import CaptureKey
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer
from tests.servers.lsass import Lsass, Measures, build_lsass, running_lsass
from tests.servers.windows import running_windows

CALLS = 10_000
ROUNDS = 20
PASSWORD = "Correct-horse-8421"
MOST_HEAP = 4 << 10
"""Bytes that heaps may grow by: less than one for each call."""
MOST_MEMORY = 4 << 20
"""Bytes that the process may grow by: its allocators round up, and 10,000 forgotten seals would be 11 MB."""


def main() -> int:
    """Measure, and tell."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    keyring = Keyring.generate(datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="pwsync-filter-") as name:
        folder = Path(name)
        spool, beside = folder / "spool", folder / "beside"
        spool.mkdir()
        beside.mkdir()
        with running_windows(folder) as windows:
            build_lsass(windows)
            with running_lsass(windows) as lsass:
                key = str(CaptureKey.of(keyring.newest))
                most = calls + ROUNDS
                lsass.set_anew(Domain="CORP", Key=key, Spool=windows.path(spool), MinFreeMiB=0, MaxChanges=most)
                grown = measure(lsass, beside, calls)
        check(Spool(spool, most), KeyringSealer(keyring), calls)
    return 1 if grown else 0


def measure(lsass: Lsass, beside: Path, calls: int) -> bool:
    """Call, and tell; returns whether anything has grown."""
    lsass.repeat(ROUNDS, "alice", PASSWORD)
    before = lsass.measure()
    filtered, bare = [], []
    for _ in range(ROUNDS):
        filtered.append(lsass.repeat(calls // ROUNDS, "alice", PASSWORD) / 1e6)
        bare.append(write_bare(beside, calls // ROUNDS))
    after = lsass.measure()
    ratio = median(one / other for one, other in zip(filtered, bare, strict=True))
    say(f"agreement: {lsass.agreement}; {lsass.misses().total} missed")
    say(f"{calls:,} calls, mean {mean(filtered):.2f} ms; rounds from {min(filtered):.2f} to {max(filtered):.2f} ms")
    say(f"a bare write of the same size: mean {mean(bare):.2f} ms; median ratio {ratio:.1f}")
    for name in Measures._fields:
        say(f"{name}: {getattr(before, name):,} before, {getattr(after, name):,} after")
    is_larger = after.heap > before.heap + MOST_HEAP or after.memory > before.memory + MOST_MEMORY
    return is_larger or after.handles > before.handles or lsass.misses().total > 0


def say(line: str) -> None:
    """Tell it now: the whole takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def write_bare(folder: Path, count: int) -> float:
    """Milliseconds for each of so many files."""
    start = time.perf_counter()
    for number in range(count):
        path = folder / str(number)
        with path.open("wb") as file:
            file.write(bytes(1650))
            file.flush()
            os.fsync(file.fileno())
        path.rename(folder / f"{number}.change")
    return (time.perf_counter() - start) * 1000 / count


def check(spool: Spool, sealer: KeyringSealer, calls: int) -> None:
    """Open all that was captured.

    Raises:
        RuntimeError: Something is missing, or is something else.
    """
    waiting = spool.waiting()
    changes = [spool.read(name) for name in waiting]
    opened = {sealer.open_captured(one.sealed, one.account, one.occurred_at).reveal() for one in changes}
    if len(changes) != calls // ROUNDS * ROUNDS + ROUNDS or opened != {PASSWORD}:
        raise RuntimeError(f"{len(changes):,} changes, which open to {len(opened)} passwords")
    say(f"all {len(changes):,} open")


if __name__ == "__main__":
    sys.exit(main())
