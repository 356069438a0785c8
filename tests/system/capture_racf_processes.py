"""A reader of a change log, killed at any moment and started again. Prints how often.

``python capture_racf_processes.py SETTINGS KILLS SEED``. One process loads the program and forks for each life.
"""

import json
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from controller.capture.racf.reader import LogReader
from controller.capture.racf.setting_up import make_directory, make_opener, racf_of
from controller.capture.settings import CaptureSpec, read_settings
from controller.capture.taking import Capture
from controller.runtime.references import resolve_secret

LONGEST_LIFE = 0.15
"""Seconds."""


def read(spec: CaptureSpec) -> None:
    """Read for ever."""
    racf = racf_of(spec)
    LogReader(
        *(Capture.open(spec), racf, make_directory(racf, resolve_secret), make_opener(racf, resolve_secret)),
        now=lambda: datetime.now(UTC),
        steady_time=time.monotonic,
        jitter=random.random,
    ).run()


def main() -> None:
    """Kill readers at random moments of their work."""
    spec, kills, chance = read_settings(Path(sys.argv[1])).spec, int(sys.argv[2]), random.Random(sys.argv[3])
    for _ in range(kills):
        pid = os.fork()
        if pid == 0:
            try:
                read(spec)
            finally:
                os._exit(1)
        time.sleep(chance.uniform(0, LONGEST_LIFE))  # the moment of the kill is the subject
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    json.dump(kills, sys.stdout)


if __name__ == "__main__":
    main()
