"""The end-to-end demonstration, examples/company: what changes in one place is in force everywhere, on real servers."""

import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documentation.pages import fits, steps
from tests.documentation.shell import Shell, environment_for
from tests.leaks import Leaks, assert_none
from tests.servers.capture import keeping_passwords, repeating
from tests.servers.fixtures import require_server
from tests.servers.logins import PLACES
from tests.servers.samba import SambaServer
from tests.system.company import EXAMPLE, INITIAL, SERVICE_USER, Company, running_company

pytestmark = [pytest.mark.samba, pytest.mark.timeout(420)]
EVERYWHERE = list(PLACES)
PEOPLE = ("anna", "ben", "carol", "dave", "alice", "bob")
"""The last two are those of the README."""
FIRST = 2 * len(PEOPLE)
"""Reports of everybody's first password, and their echoes."""
OTHERS = {"postgresql", "racf", "intranet"}
ECHO = ("discarded", "damped")


@pytest.fixture(scope="module")
def leaks() -> Leaks:
    """The passwords of this module."""
    return Leaks()


@pytest.fixture(scope="module")
def company(
    samba: SambaServer, tmp_path_factory: pytest.TempPathFactory, leaks: Leaks, warm_pwsync: Path
) -> Iterator[Company]:
    """The example, once everybody's first password is in force everywhere and OpenLDAP has told so."""
    require_server("gpg", "gpgconf", "slapd", "ldappasswd")
    folder = tmp_path_factory.mktemp("company")
    with keeping_passwords(samba), samba.lenient():
        with running_company(folder, samba, PEOPLE, leaks=leaks, warm=warm_pwsync) as company:
            first = company.changes(until=lambda found: len(found) == FIRST)
            assert {change["state"] for change in first if change["account"].startswith("CORP")} == {"completed"}
            yield company
            assert company.controller.stop() == 0
        assert_none(leaks.in_files(folder) + [f for a in company.controller.answers for f in leaks.in_text(a)])
    samba.remove_users(SERVICE_USER, *PEOPLE)


def test_a_change_in_windows_opens_every_other_place(company: Company, leaks: Leaks) -> None:
    new = leaks.password()
    company.change_in_windows("anna", INITIAL, new)
    company.capture.hand_over()

    told, echo = reports(company, "anna", 2)
    assert company.logins.opened("anna", new) == EVERYWHERE
    assert company.logins.opened("anna", INITIAL) == []
    assert (told["account"], told["state"]) == ("CORP\\anna", "completed")
    assert adapters_of(company, told) == OTHERS | {"openldap"}
    assert_nothing_comes_back(company, echo)


def test_a_change_in_openldap_opens_windows_and_the_others_and_nothing_comes_back(
    company: Company, leaks: Leaks
) -> None:
    new = leaks.password()
    company.change_in_openldap("ben", INITIAL, new)

    (told,) = reports(company, "ben", 1)
    assert company.logins.opened("ben", new) == EVERYWHERE
    assert company.logins.opened("ben", INITIAL) == []
    assert (told["adapter"], told["account"], told["state"]) == ("openldap", "ben", "completed")
    company.capture.hand_over()
    assert_nothing_comes_back(company, reports(company, "ben", 2)[1])


@pytest.mark.parametrize(("user", "is_openldap_heard_last"), [("carol", False), ("dave", True)])
def test_of_changes_on_both_sides_at_the_same_moment_the_one_that_is_told_later_ends_everywhere(
    company: Company, leaks: Leaks, user: str, is_openldap_heard_last: bool
) -> None:
    of_windows, of_openldap = leaks.password("Win"), leaks.password("Ldap")
    if is_openldap_heard_last:
        company.openldap_forwarder.pause()
    at_the_same_moment(
        lambda: company.reset_in_windows(user, of_windows),
        lambda: company.change_in_openldap(user, INITIAL, of_openldap),
    )
    if not is_openldap_heard_last:
        reports(company, user, 1)
    company.capture.hand_over()
    if is_openldap_heard_last:
        reports(company, user, 1)
        company.openldap_forwarder.resume()

    last, before = (of_openldap, of_windows) if is_openldap_heard_last else (of_windows, of_openldap)
    wait_until_open(company, user, last)
    company.settle()
    assert company.logins.opened(user, last) == EVERYWHERE
    assert company.logins.opened(user, before) == []
    assert company.logins.opened(user, INITIAL) == []


def test_the_readme_does_what_it_shows(company: Company, warm_pwsync: Path) -> None:
    require_server("bash", "iconv", "ldapmodify")
    file: Path = runpy.run_path(str(EXAMPLE / "sandbox.py"))["write_shell"](company)
    with (
        repeating(company.capture),
        Shell(company.folder, environment_for(warm_pwsync, Path(sys.executable))) as shell,
    ):
        shell.run(f". {file}")
        file.unlink()  # it holds passwords of service accounts on purpose
        for step in steps(EXAMPLE / "README.md"):
            printed, code = shell.run(step.command)
            assert code == step.code, f"{step.place}: {step.command}: exit code {code}\n{printed}"
            assert fits(step.expected, printed), f"{step.place}: {step.command}\n{printed}"


def test_the_sandbox_says_why_it_cannot_start(company: Company) -> None:
    command = [sys.executable, str(EXAMPLE / "sandbox.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "in use" in done.stderr) == (1, True), done.stderr
    assert company.controller.process is not None


def reports(company: Company, user: str, count: int) -> list[dict[str, Any]]:
    """The reports of a user since the first ones, oldest first, once there are *count*."""

    def of_user(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [change for change in found[FIRST:] if change["account"].lower().endswith(user)]

    return of_user(company.changes(until=lambda found: len(of_user(found)) >= count))


def adapters_of(company: Company, change: dict[str, Any]) -> set[str]:
    """Where a change was delivered."""
    return {d["adapter"] for d in company.listed("deliveries") if d["trackingId"] == change["trackingId"]}


def assert_nothing_comes_back(company: Company, echo: dict[str, Any]) -> None:
    """What capture made of our own write is discarded, and sent nowhere."""
    assert (echo["state"], echo["reason"]) == ECHO
    assert adapters_of(company, echo) == set()


def wait_until_open(company: Company, user: str, password: str) -> None:
    """Wait until *password* opens every place."""
    company.controller.wait_for(
        lambda: company.logins.opened(user, password) == EVERYWHERE, f"every place of {user} to be open"
    )


def at_the_same_moment(*changes: Any) -> None:
    """Make changes in threads that start together."""
    gate = threading.Barrier(len(changes))

    def run(change: Any) -> None:
        gate.wait(60)
        change()

    threads = [threading.Thread(target=run, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
