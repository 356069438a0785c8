"""Time and memory of plans and applies by the number of mappings: as absolute figures, and as ratios of this run.

Each command is a process of its own, and its processor time and largest memory are taken: other programs that run
beside it disturb these less than the clock. A chart of the growth is left in ``build/scale.svg``.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from controller.model.actor import RECONCILER
from controller.reconcile.reconciler import Outcome
from controller.runtime.desired import LastingReading, Paths
from controller.runtime.reading import make_reconciler
from controller.runtime.settings import settings_of
from controller.store.opening import open_store
from tests.benchmarks.chart import Line, draw
from tests.servers.postgresql import new_database, running_postgresql

ROOT = Path(__file__).parents[2]
CHART = ROOT / "build" / "scale.svg"
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
MEDIUM = 100_000
MEBIBYTE = 1024 * 1024
LIMITS = {
    ("plan of CSV", 100_000): (5.0, 300),
    ("plan of CSV", 1_000_000): (45.0, 500),
    ("first apply, SQLite", 100_000): (30.0, None),
    ("first apply, PostgreSQL", 100_000): (60.0, None),
    ("round without changes", 1_000_000): (1.0, None),
}
"""Seconds and MiB that are wanted."""
OBJECTS = """\
apiVersion: pwsync/v1
kind: System
metadata: {name: default}
spec: {fromWindowsToAdapters: true}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec: {dnsName: corp.example.com, sources: [{principal: dc1}]}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: racf}
spec: {syncToAdapter: true, connector: {type: remote}}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: PAYROLL}
spec: {adapter: racf}
"""
SET = """\
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {name: staff}
spec: {application: PAYROLL, domain: CORP, csvFile: staff.csv}
"""
DOCUMENT = """\
---
apiVersion: pwsync/v1
kind: Mapping
metadata: {{name: m{0:07}}}
spec: {{application: PAYROLL, windowsAccount: 'CORP\\user{0:07}', externalAccount: U{0:07}}}
"""
# Between this process and the command, since a command starts with the memory of what starts it (getrusage(2)).
MEASURE = """
import resource, subprocess, sys, time
begun = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_utime + used.ru_stime, time.monotonic() - begun, used.ru_maxrss)
"""
BARE = """
import sys, yaml
with open(sys.argv[1], encoding="utf-8") as file:
    for event in yaml.parse(file, Loader=yaml.CSafeLoader):
        pass
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One command.

    Attributes:
        seconds: Of the processor.
        clock: Seconds on the clock.
        mebibytes: The largest memory.
    """

    what: str
    size: int
    seconds: float
    clock: float
    mebibytes: float

    def __str__(self) -> str:
        wanted = ""
        if (limit := LIMITS.get((self.what, self.size))) is not None:
            memory = f", {limit[1]} MiB" if limit[1] is not None else ""
            wanted = f"   wanted: {limit[0]:.0f} s{memory}"
        figures = f"{self.seconds:8.2f} s {self.clock:8.2f} s {self.mebibytes:7.0f} MiB"
        return f"{self.what:28} {self.size:>9,} {figures}{wanted}"


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measure(what: str, size: int, *command: str, **environment: str) -> Measured:
    """Run a command and print what it took."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    code, seconds, clock, kibibytes = done.stdout.split()
    if code != "0":
        raise RuntimeError(f"{' '.join(command)}: exit code {code}\n{done.stderr}")
    measured = Measured(what, size, float(seconds), float(clock), int(kibibytes) * 1024 / MEBIBYTE)
    say(str(measured))
    return measured


def pwsync(what: str, size: int, state: Path, *arguments: str, url: str | None = None) -> Measured:
    """Run ``pwsync`` on a store of its own."""
    command = (sys.executable, "-m", "controller", "--state-dir", str(state), *arguments)
    return measure(what, size, *command, **({"PWSYNC_DATABASE": url} if url is not None else {}))


def declare_csv(folder: Path, size: int) -> None:
    """So many mappings as a MappingSet with a CSV file, not in order."""
    folder.mkdir()
    (folder / "all.yaml").write_text(OBJECTS + SET, encoding="utf-8")
    with (folder / "staff.csv").open("w", encoding="utf-8") as file:
        file.write("windows,external\n")
        file.writelines(f"user{n * 7919 % size:07},U{n * 7919 % size:07}\n" for n in range(size))


def declare_documents(folder: Path, size: int) -> None:
    """So many Mapping documents."""
    folder.mkdir()
    (folder / "all.yaml").write_text(OBJECTS, encoding="utf-8")
    with (folder / "mappings.yaml").open("w", encoding="utf-8") as file:
        file.writelines(DOCUMENT.format(n) for n in range(size))


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pwsync-scale-") as name:
        yield Path(name)


def measure_csv(size: int) -> list[Measured]:
    """First apply, plan with nothing to change, and rounds of a controller."""
    with scratch() as folder:
        manifests, state = folder / "manifests", folder / "state"
        declare_csv(manifests, size)
        return [
            pwsync("first apply, SQLite", size, state, "apply", "--yes", str(manifests)),
            pwsync("plan of CSV", size, state, "plan", "--detailed-exitcode", str(manifests)),
            _round_without_changes(size, state, manifests),
        ]


def _round_without_changes(size: int, state: Path, manifests: Path) -> Measured:
    """The second round of one process: the first one has compared everything."""
    with closing(open_store(f"sqlite:///{state}/pwsync.db")) as store:
        reading = LastingReading(Paths((str(manifests),)), settings_of(state))
        reconciler = make_reconciler(store, reading, by=RECONCILER)
        reconciler.reconcile()
        begun, used = time.monotonic(), time.process_time()
        outcome = reconciler.reconcile().outcome
        measured = Measured(
            "round without changes", size, time.process_time() - used, time.monotonic() - begun, _memory_of_this()
        )
    if outcome is not Outcome.IN_SYNC:
        raise RuntimeError(f"the round ended {outcome}")
    say(str(measured))
    return measured


def _memory_of_this() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / MEBIBYTE


def measure_postgresql(size: int) -> Measured:
    """First apply to a server that syncs, as one in production does."""
    with scratch() as folder, running_postgresql(durable=True) as server, new_database(server) as url:
        declare_csv(folder / "manifests", size)
        arguments = ("apply", "--yes", str(folder / "manifests"))
        return pwsync("first apply, PostgreSQL", size, folder / "state", *arguments, url=url)


def measure_documents(size: int) -> None:
    """Plan with nothing to change of Mapping documents, as a ratio to reading the same files with PyYAML alone."""
    with scratch() as folder:
        manifests, state = folder / "manifests", folder / "state"
        declare_documents(manifests, size)
        pwsync("first apply of documents", size, state, "apply", "--yes", str(manifests))
        ratios = []
        for _ in range(3):
            planned = pwsync("plan of documents", size, state, "plan", "--detailed-exitcode", str(manifests))
            bare = measure("events of PyYAML alone", size, sys.executable, "-c", BARE, str(manifests / "mappings.yaml"))
            ratios.append(planned.seconds / bare.seconds)
        say(f"plan of documents / events of PyYAML alone: {min(ratios):.2f}   wanted: 1.6")


def main() -> None:
    """Measure everything, up to the largest size that was asked for."""
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1]
    say(f"{'':28} {'mappings':>9} {'processor':>10} {'clock':>10} {'memory':>11}")
    say(f"YAML with libyaml: {yaml.__with_libyaml__}")
    if largest >= MEDIUM:
        measure_documents(MEDIUM)
        measure_postgresql(MEDIUM)
    found = [measured for size in SIZES if size <= largest for measured in measure_csv(size)]
    lines = [
        Line(what, [(m.size, m.seconds) for m in found if m.what == what])
        for what in ("first apply, SQLite", "plan of CSV", "round without changes")
    ]
    for line in lines:
        (least, first), (most, last) = line.points[0], line.points[-1]
        if most > least:
            each = (last - first) / (most - least)
            say(f"{line.name}: {each * 1e6:.1f} microseconds for each mapping more")
    CHART.parent.mkdir(exist_ok=True)
    CHART.write_text(draw(lines, "mappings", "seconds of the processor"), encoding="utf-8")
    say(f"{CHART.relative_to(ROOT)} shows the growth")


if __name__ == "__main__":
    main()
