"""Time and memory that commands may take, as processes: processor time, since other programs run beside the tests."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sessions.shell import Shell

MAPPINGS = 10_000
MEBIBYTE = 1024 * 1024
ATTEMPTS = 3
Usage = tuple[float, int]


# Between this process and the command, since a command starts with the memory of what starts it (getrusage(2)).
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def usage_of(shell: Shell, *arguments: str) -> Usage:
    """Seconds of processor time, and the most bytes of memory, of one command."""
    command = [sys.executable, "-m", "controller", *arguments]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command],
        cwd=shell.folder,
        env=shell.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    code, seconds, kibibytes = done.stdout.split()
    assert code == "0", done.stderr
    return float(seconds), int(kibibytes) * 1024


def best(measure: Callable[[], Usage]) -> Usage:
    """The least of a few measurements: what other programs add is not ours."""
    measured = [measure() for _ in range(ATTEMPTS)]
    return min(seconds for seconds, _ in measured), min(size for _, size in measured)


def declare(folder: Path) -> None:
    """Ten thousand mappings in a CSV file."""
    (folder / "manifests").mkdir()
    documents = (
        "kind: System\nmetadata: {name: default}\n",
        "kind: Domain\nmetadata: {name: CORP}\nspec: {dnsName: corp.example.com}\n",
        "kind: Application\nmetadata: {name: PAYROLL}\n",
        "kind: MappingSet\nmetadata: {name: staff}\nspec: {application: PAYROLL, domain: CORP, csvFile: staff.csv}\n",
    )
    text = "".join(f"---\napiVersion: pwsync/v1\n{document}" for document in documents)
    (folder / "manifests/all.yaml").write_text(text, encoding="utf-8")
    rows = "".join(f"user{n:05},U{n:05}\n" for n in range(MAPPINGS))
    (folder / "manifests/staff.csv").write_text(f"windows,external\n{rows}", encoding="utf-8")


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer takes most of the time")
def test_help_comes_at_once(shell: Shell) -> None:
    shell.expect(0, "--help")
    seconds, _ = best(lambda: usage_of(shell, "--help"))
    assert seconds < 0.3


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer takes most of the time")
def test_a_plan_of_ten_thousand_mappings_takes_less_than_two_seconds_and_200_mib(shell: Shell) -> None:
    declare(shell.folder)
    assert "10,003 created" in shell.expect(0, "apply", "--yes").out
    assert shell.expect(0, "plan").out == "Nothing to do: the actual state is as declared.\n"
    seconds, size = best(lambda: usage_of(shell, "plan"))
    assert seconds < 2.0
    assert size < 200 * MEBIBYTE


def test_help_imports_neither_store_nor_manifests_nor_connectors(shell: Shell) -> None:
    code = "import sys, controller.cli.main; print(*(m for m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=shell.folder,
        env=shell.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    heavy = {"sqlalchemy", "ldap3", "yaml", "pydantic", "rich", "starlette", "structlog", "cryptography", "bcrypt"}
    assert loaded & heavy == set()
