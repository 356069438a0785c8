"""Starts everything of this example on loopback: five places with passwords, a controller, and capture on both sides.

    sudo .venv/bin/python examples/company/sandbox.py

Prints what to type in another terminal. Ctrl-C ends all servers and removes everything. Needs root (a domain controller
has fixed ports) and the packages that ``tests/servers/install`` installs.
"""

import os
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Never

try:
    from tests.servers.capture import looping, new_key
    from tests.servers.samba import running_samba
    from tests.system.company import INITIAL, Company, running_company
except ImportError as error:
    sys.exit(f"Run this with the Python of .venv, which ./examples/quickstart.sh makes ({error}).")

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = ("alice", "bob")
PORTS = (389, 636)
PROGRAMS = ("samba", "samba-tool", "gpg", "slapd", "ldappasswd", "pg_ctlcluster")
_SHELL = r"""# Read this into a bash: . {folder}/sandbox.sh
cd {folder}
export PWSYNC_STATE_DIR={folder}/state {environment}

_unicode() {{ printf '"%s"' "$1" | iconv -t UTF-16LE | base64 -w 0; }}

# ad_change_password USER OLD NEW: as the user would
ad_change_password() {{
    local change='changetype: modify\ndelete: unicodePwd\nunicodePwd:: %s\n-\nadd: unicodePwd\nunicodePwd:: %s\n'
    printf "dn: CN=%s,{users_dn}\n$change" "$1" "$(_unicode "$2")" "$(_unicode "$3")" |
        LDAPTLS_CACERT={folder}/samba-ca.pem ldapmodify -x -H ldaps://127.0.0.1 -D "$1@{realm}" \
            -y <(printf %s "$2") >/dev/null
}}

# openldap_change_password USER OLD NEW: as the user would
openldap_change_password() {{
    LDAPTLS_CACERT={folder}/openldap-ca.pem ldappasswd -x -H {openldap_url} -D "uid=$1,{people_dn}" \
        -y <(printf %s "$2") -T <(printf %s "$3")
}}

# logins USER PASSWORD: which places does it open?
logins() {{
    (cd {root} && printf '%s\n' "$2" | {python} -m tests.servers.logins {folder}/logins.json "$1")
}}
"""
_WELCOME = """\
Five places run, and a controller. The users alice and bob have the password {initial} everywhere.

In another terminal, as root, in bash:

    . {activate}
    . {folder}/sandbox.sh

README.md goes on from there. Ctrl-C here ends all servers and removes everything."""


def write_shell(company: Company) -> Path:
    """Write what another terminal needs to play the users; returns the file."""
    samba, slapd = company.directories.samba, company.directories.slapd
    company.logins.save(company.folder / "logins.json")
    file = company.folder / "sandbox.sh"
    file.touch(mode=0o600)
    file.write_text(
        _SHELL.format(
            folder=shlex.quote(str(company.folder)),
            environment=" ".join(f"{name}={shlex.quote(value)}" for name, value in company.environment.items()),
            users_dn=samba.users_dn,
            realm=samba.realm,
            openldap_url=slapd.ldaps_url,
            people_dn=slapd.people_dn,
            root=shlex.quote(str(ROOT)),
            python=shlex.quote(sys.executable),
        ),
        encoding="utf-8",
    )
    return file


def check_requirements() -> None:
    """End the program, with a sentence that helps, where it cannot run."""
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        sys.exit(f"Not installed: {', '.join(missing)}. tests/servers/install installs them.")
    if os.geteuid() != 0:
        sys.exit("A domain controller has fixed ports and file attributes: run this as root.")
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                sys.exit(f"Port {port}, which the domain controller needs, is in use. Is there another sandbox?")


def run() -> None:
    """Run everything until the program is interrupted."""
    _say("Starting everything (about 30 seconds) ...")
    with tempfile.TemporaryDirectory(prefix="pwsync-company-") as name, new_key() as (home, fingerprint):
        folder = Path(name)
        for part in ("samba", "company"):
            (folder / part).mkdir()
        options = [f"password hash gpg key ids = {fingerprint}"]
        with (
            running_samba(folder / "samba", options=options, environment={"GNUPGHOME": str(home)}) as samba,
            samba.lenient(),
            running_company(folder / "company", samba, PEOPLE) as company,
            looping(company.capture, folder),
        ):
            write_shell(company)
            activate = Path(sys.prefix) / "bin" / "activate"
            _say(_WELCOME.format(initial=INITIAL, folder=company.folder, activate=activate))
            signal.pause()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # it is a program for a terminal


def _interrupt(signum: int, frame: FrameType | None) -> Never:  # noqa: ARG001  # a signal handler's arguments
    raise KeyboardInterrupt


def main() -> None:
    """Run the sandbox until Ctrl-C or SIGTERM, and clean up."""
    check_requirements()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    with suppress(KeyboardInterrupt):
        run()
    _say("All servers have ended, and everything is removed.")


if __name__ == "__main__":
    main()
