"""Programs that capture and a forwarder, as processes that are killed at any moment. Prints what the spool has kept.

``python capture_processes.py FOLDER KILLS SEED``: FOLDER holds capture.yaml. One process loads the program and forks
for each life, so that many kills take seconds.
"""

import json
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from controller.capture.forwarder import Forwarder
from controller.capture.sending import make_sender
from controller.capture.settings import CaptureSpec, read_settings
from controller.capture.spool import Spool
from controller.capture.taking import Capture
from controller.model.secret import Secret

ACCOUNTS = 3
LONGEST_LIFE = 0.2
"""Seconds."""


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def write(folder: Path, spec: CaptureSpec, life: int) -> None:
    """Capture changes for ever; whatever was taken is noted after that, as a source would be told OK."""
    capture = Capture.open(spec)
    with (folder / "taken").open("a", encoding="utf-8") as taken:
        for number in range(1_000_000):
            name, password = f"u{number % ACCOUNTS}", f"{life:06d}-{number:06d}"
            capture.take(name, Secret(password), now())
            taken.write(f"{name} {password}\n")
            taken.flush()


def forward(spec: CaptureSpec) -> None:
    """Forward for ever."""
    spool = Spool.open(Path(spec.spool), spec.max_changes)
    Forwarder(spool, make_sender(spec), spec.max_age, now=now, jitter=random.random).run()


def forked(work: object, *arguments: object) -> int:
    """Start a life; returns its process."""
    pid = os.fork()
    if pid == 0:
        try:
            work(*arguments)  # type: ignore[operator]  # one of the two above
        finally:
            os._exit(1)
    return pid


def kill(pid: int) -> None:
    """End a life."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def main() -> None:
    """Kill the forwarder at random moments of its work, and every other time the program that captures as well."""
    folder, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(sys.argv[3])
    spec = read_settings(folder / "capture.yaml").spec
    writer, forwarder = forked(write, folder, spec, 0), forked(forward, spec)
    for life in range(1, kills + 1):
        time.sleep(chance.uniform(0, LONGEST_LIFE))  # the moment of the kill is the subject
        kill(forwarder)
        if chance.random() < 0.5:  # every other time
            kill(writer)
            writer = forked(write, folder, spec, life)
        forwarder = forked(forward, spec)
    kill(writer)
    kill(forwarder)
    json.dump({"kills": kills}, sys.stdout)


if __name__ == "__main__":
    main()
