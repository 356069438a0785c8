"""How long it takes until a change opens another place, beside what that place's own change takes, in one run."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import bcrypt
import psycopg
from psycopg import sql

from tests.leaks import Leaks
from tests.servers.capture import new_key
from tests.servers.logins import PLACES
from tests.servers.postgresql import plain_url
from tests.servers.samba import running_samba
from tests.servers.sdbm import SERVICE, SERVICE_PASSWORD
from tests.system.company import INITIAL, RACF_NAME, Company, running_company

USER, NOT_MAPPED = "alice", "zoe"
PATIENCE = 120.0
BCRYPT_COST = 12
"""Of the htpasswd connector."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin"
    with tempfile.TemporaryDirectory(prefix="pwsync-paths-") as name, new_key() as (home, fingerprint):
        for part in ("samba", "company"):
            (Path(name) / part).mkdir()
        options = [f"password hash gpg key ids = {fingerprint}"]
        with (
            running_samba(Path(name) / "samba", options=options, environment={"GNUPGHOME": str(home)}) as samba,
            samba.lenient(),
            running_company(Path(name) / "company", samba, [USER]) as company,
        ):
            company.directories.add([NOT_MAPPED])
            company.settle()
            report(company, rounds)
    return 0


def report(company: Company, rounds: int) -> None:
    """Print a line for each path."""
    sys.stdout.write(f"{'path':<26}{'own':>10}{'taken in':>10}{'verified':>10}{'ratio':>8}\n")
    sys.stdout.flush()
    leaks, former = Leaks(), INITIAL
    for source in ("windows", "openldap"):
        for target in (place for place in PLACES if place != source):
            own, taken, verified = [], [], []
            for _ in range(rounds):  # in turns, so that both have the same of whatever else goes on
                own.append(timed_own(company, target, leaks.password()))
                new = leaks.password()
                heard, opened = timed_path(company, source, target, former, new)
                taken.append(heard)
                verified.append(opened)
                former = new
                company.settle()
            base, path = statistics.median(own), statistics.median(verified)
            row = "".join(f"{1000 * value:>7.0f} ms" for value in (base, statistics.median(taken), path))
            sys.stdout.write(f"{source} -> {target:<{22 - len(source)}}{row}{path / base:>8.1f}\n")
            sys.stdout.flush()


def timed_own(company: Company, place: str, new: str) -> float:
    """Seconds of a change with the place's own means, and of a login with the new password."""
    start = time.perf_counter()
    own_change(company, place)(new)
    if not company.logins.opens(place, NOT_MAPPED, new):
        raise RuntimeError(f"{place} does not take its own change")
    return time.perf_counter() - start


def timed_path(company: Company, source: str, target: str, old: str, new: str) -> tuple[float, float]:
    """Seconds from the end of the change at *source* until the controller has it durably, and until *target* opens."""
    if source == "windows":
        company.change_in_windows(USER, old, new)
    else:
        company.change_in_openldap(USER, old, new)
    start, at = time.perf_counter(), datetime.now(UTC)
    if source == "windows":
        company.capture.hand_over()
    while not company.logins.opens(target, USER, new):
        if time.perf_counter() - start > PATIENCE:
            raise RuntimeError(f"a change in {source} does not come to {target}")
    opened = time.perf_counter() - start
    account = f"CORP\\{USER}" if source == "windows" else USER
    told = next(change for change in company.listed("changes") if change["account"] == account)
    heard = (datetime.fromisoformat(told["receivedAt"]) - at).total_seconds()
    return max(heard, 0.0), opened


def own_change(company: Company, place: str) -> Callable[[str], None]:
    """What sets the password of somebody whom pwsync does not synchronise."""
    match place:
        case "windows":
            return lambda new: company.reset_in_windows(NOT_MAPPED, new)
        case "openldap":
            return lambda new: company.directories.slapd.set_password(NOT_MAPPED, new)
        case "postgresql":
            return lambda new: alter_role(company, new)
        case "racf":
            return lambda new: set_phrase(company, new)
        case _:
            return lambda new: write_file(company, new)


def alter_role(company: Company, new: str) -> None:
    """ALTER ROLE, over a connection of its own."""
    with psycopg.connect(plain_url(company.directories.postgresql)) as connection:
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(NOT_MAPPED), sql.Literal(new)))


def set_phrase(company: Company, new: str) -> None:
    """Ldapmodify, as an administrator of RACF."""
    dn = RACF_NAME.format(NOT_MAPPED.upper())
    ldif = f"dn: {dn}\nchangetype: modify\nreplace: racfPassPhrase\nracfPassPhrase: {new}\n"
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(SERVICE_PASSWORD)
        file.flush()
        place = company.logins.racf
        subprocess.run(
            ["ldapmodify", "-x", "-H", place.url, "-D", RACF_NAME.format(SERVICE), "-y", file.name],
            input=f"{ldif}-\nreplace: racfAttributes\nracfAttributes: NOEXPIRED\n",
            text=True,
            check=True,
            capture_output=True,
            env={**os.environ, "LDAPTLS_CACERT": place.ca_file},
        )


def write_file(company: Company, new: str) -> None:
    """Hash it, and replace the line of the password file."""
    hashed = bcrypt.hashpw(new.encode(), bcrypt.gensalt(BCRYPT_COST)).decode()
    file = company.directories.htpasswd
    lines = [line for line in file.read_text().splitlines() if not line.startswith(f"{NOT_MAPPED}:")]
    beside = file.with_name("htpasswd.new")
    beside.write_text("\n".join([*lines, f"{NOT_MAPPED}:{hashed}", ""]))
    beside.replace(file)


if __name__ == "__main__":
    sys.exit(main())
