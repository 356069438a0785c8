"""How the forwarder for Windows asks Active Directory for groups: its own source under Wine, with Samba's directory."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.samba import ADMIN_PASSWORD, SambaServer
from tests.servers.windows import Windows

pytestmark = [pytest.mark.samba, pytest.mark.windows]
ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests/servers/windows_programs/forwarder/ask_groups.c"
SOURCES = ROOT / "controller/capture/windows/forwarder"
STRONG = "ldap server require strong auth = yes"


@pytest.fixture
def clear_text(samba: SambaServer) -> Iterator[SambaServer]:
    """The directory takes passwords without TLS, of which Wine can do nothing here."""
    before = samba.configuration.read_text()
    assert STRONG in before
    samba.configuration.write_text(before.replace(STRONG, STRONG.replace("yes", "no")))
    samba.process.restart()
    yield samba
    samba.configuration.write_text(before)
    samba.process.restart()


def test_groups_within_groups_and_the_primary_group_are_found_and_nothing_is_guessed(
    clear_text: SambaServer, windows: Windows, fresh_name: Callable[[str], str]
) -> None:
    samba = clear_text
    options = (f"-I{SOURCES}", "-D__USE_MINGW_ANSI_STDIO=1", "-lwldap32")
    program = windows.compile("ask_groups.exe", PROGRAM, options=options)
    environment = windows.environment() | {
        "BIND_DN": samba.user_dn("Administrator"),
        "BIND_PASSWORD": ADMIN_PASSWORD,
    }

    def ask(account: str, *groups: str) -> str:
        command = windows.command(program, account, *groups)
        return (
            subprocess.run(command, env=environment, capture_output=True, check=True, timeout=120)
            .stdout.decode()
            .strip()
        )

    user, umlaut, disabled = fresh_name("mia"), fresh_name("jörg"), fresh_name("off")
    outer, inner, alone = fresh_name("outer"), fresh_name("inner"), fresh_name("Größe (1)")
    for name in (user, umlaut):
        samba.add_user(name)
    samba.add_user(disabled, enabled=False)
    for group, members in ((inner, (user, disabled)), (outer, (inner,)), (alone, (umlaut,))):
        samba.tool("group", "add", group)
        samba.tool("group", "addmembers", group, ",".join(members))
    mail = fresh_name("mail")
    samba.tool("group", "add", mail, "--group-type=Distribution")
    samba.tool("group", "addmembers", mail, user)

    with windows.awake():
        assert ask(user.upper(), outer, inner, alone, "Domain Users", "Domain Admins") == "yes yes no yes no"
        assert ask(umlaut, alone.lower(), outer) == "yes no"
        assert ask(disabled, outer, alone) == "yes no"
        assert ask("Administrator", "Domain Admins", "Administrators") == "yes yes"
        assert ask(user, outer, "missing", alone).startswith(
            "yes unknown no the directory tells nothing of the security group missing"
        )
        for no_group in (mail, umlaut):  # a group that no token names, and a user: what they hold cannot be told
            assert ask(user, no_group).startswith(
                f"unknown the directory tells nothing of the security group {no_group}"
            )
        for unknown in ("nobody", f"{user[:-1]}*", "*", ")(objectClass=*", "a\\2a"):
            told = ask(unknown, outer)
            assert told.startswith(f"unknown the directory tells nothing of the account {unknown}:"), told
        environment["BIND_PASSWORD"] = "wrong"
        assert ask(user, outer) == "away: the directory does not tell who is in which group: error 49 of LDAP"
