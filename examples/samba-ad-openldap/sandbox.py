"""Starts the directories of this example on loopback: a real Samba domain controller and a real OpenLDAP server.

    sudo .venv/bin/python examples/samba-ad-openldap/sandbox.py

Writes the two CA files beside the manifests, and ``sandbox.sh`` with all that another terminal needs. Ctrl-C ends
both servers and removes everything. Needs root (a domain controller has fixed ports) and the packages that
``tests/servers/install`` installs.
"""

import os
import secrets
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Never

try:
    from tests.servers.samba import ADMIN_PASSWORD, REALM, SambaServer, running_samba
    from tests.servers.slapd import BASE_DN, SERVICE_PASSWORD, SlapdServer, running_slapd
except ImportError as error:
    sys.exit(f"Run this with the Python of .venv, which ./examples/quickstart.sh makes ({error}).")

HERE = Path(__file__).resolve().parent
LDAPS_PORT = 1636
PORTS = {389: "the domain controller", 636: "the domain controller", LDAPS_PORT: "OpenLDAP"}
USERS = ("alice", "bob", "carol")
INITIAL_PASSWORD = "Initial-password-1"  # noqa: S105  # of users that live as long as this program
PARTNERS_DN = f"ou=partners,{BASE_DN}"
_TREE = f"""\
dn: {PARTNERS_DN}
objectClass: organizationalUnit
ou: partners

dn: uid=carol.partner,{PARTNERS_DN}
objectClass: inetOrgPerson
uid: carol.partner
cn: Carol
sn: Partner
userPassword: {INITIAL_PASSWORD}
"""
_SHELL = r"""# Read this into a bash: . {here}/sandbox.sh
export CORP_BIND_PASSWORD={corp}
export OPENLDAP_BIND_PASSWORD={openldap}
export PWSYNC_STATE_DIR={folder}/state
SANDBOX={folder}

# ad_set_password USER PASSWORD: as an administrator of the domain would
ad_set_password() {{
    printf 'dn: CN=%s,CN=Users,DC=corp,DC=example,DC=com\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: %s\n' \
        "$1" "$(printf '"%s"' "$2" | iconv -t UTF-16LE | base64 -w 0)" |
        LDAPTLS_CACERT={here}/samba-ca.pem ldapmodify -x -H ldaps://127.0.0.1 -D Administrator@{realm} \
            -y "$SANDBOX/ad-admin" >/dev/null
}}

# ad_login USER PASSWORD: does it open the account?
ad_login() {{
    LDAPTLS_CACERT={here}/samba-ca.pem ldapsearch -x -LLL -H ldaps://127.0.0.1 -D "$1@{realm}" -y <(printf %s "$2") \
        -b CN=Users,DC=corp,DC=example,DC=com "(sAMAccountName=$1)" sAMAccountName
}}

# openldap_set_password uid=NAME,ou=people|partners PASSWORD: as an administrator of OpenLDAP would
openldap_set_password() {{
    LDAPTLS_CACERT={here}/openldap-ca.pem ldappasswd -x -H ldaps://127.0.0.1:{port} -D cn=admin,{base_dn} \
        -y "$SANDBOX/openldap-admin" -T <(printf %s "$2") "$1,{base_dn}"
}}

# openldap_login uid=NAME,ou=people|partners PASSWORD: does it open the account?
openldap_login() {{
    LDAPTLS_CACERT={here}/openldap-ca.pem ldapwhoami -x -H ldaps://127.0.0.1:{port} -D "$1,{base_dn}" \
        -y <(printf %s "$2")
}}
"""
_WELCOME = """\
Samba AD on ldaps://127.0.0.1, domain CORP; OpenLDAP on ldaps://127.0.0.1:{port}.
Users alice, bob and carol in both, partner carol.partner in OpenLDAP; all have the password {initial}

In another terminal:

    cd {here}
    . {activate}
    . ./sandbox.sh
    pwsync plan manifests
    pwsync apply manifests

README.md goes on from there. Ctrl-C here ends both servers and removes everything."""


def check_requirements() -> None:
    """End the program, with a sentence that helps, where it cannot run."""
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    missing = [name for name in ("samba", "samba-tool", "slapd", "ldapmodify") if shutil.which(name) is None]
    if missing:
        sys.exit(f"Not installed: {', '.join(missing)}. tests/servers/install installs them.")
    if os.geteuid() != 0:
        sys.exit("A domain controller has fixed ports and file attributes: run this as root.")
    for port, whose in PORTS.items():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                sys.exit(f"Port {port}, which {whose} needs, is in use. Is there another sandbox or directory?")


def populate(samba: SambaServer, slapd: SlapdServer, service_password: str) -> None:
    """Make the users of the example."""
    samba.add_user("svc-pwsync", service_password)
    for user in USERS:
        samba.add_user(user, INITIAL_PASSWORD)
        slapd.add_person(user, INITIAL_PASSWORD)
    slapd.add(_TREE)


@contextmanager
def handed_out(folder: Path, samba: SambaServer, slapd: SlapdServer, service_password: str) -> Iterator[None]:
    """Write what other terminals need, and remove it at the end of the block."""
    _write_secret(folder / "ad-admin", ADMIN_PASSWORD)
    _write_secret(folder / "openldap-admin", slapd.admin_password)
    made = [HERE / "samba-ca.pem", HERE / "openldap-ca.pem", HERE / "sandbox.sh"]
    try:
        shutil.copyfile(samba.ca_file, made[0])
        shutil.copyfile(slapd.ca_file, made[1])
        script = _SHELL.format(
            here=shlex.quote(str(HERE)),
            corp=shlex.quote(service_password),
            openldap=shlex.quote(SERVICE_PASSWORD),
            folder=shlex.quote(str(folder)),
            realm=REALM,
            port=LDAPS_PORT,
            base_dn=BASE_DN,
        )
        _write_secret(made[2], script)
        yield
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def run() -> None:
    """Run both servers until the program is interrupted."""
    service_password = f"Svc-{secrets.token_hex(8)}-A1"
    _say("Starting a domain controller and OpenLDAP (about 15 seconds) ...")
    with tempfile.TemporaryDirectory(prefix="pwsync-sandbox-") as name:
        folder = Path(name)
        for part in ("samba", "slapd"):
            (folder / part).mkdir()
        with (
            running_samba(folder / "samba") as samba,
            running_slapd(folder / "slapd", ldaps_port=LDAPS_PORT) as slapd,
        ):
            populate(samba, slapd, service_password)
            with handed_out(folder, samba, slapd, service_password):
                activate = Path(sys.prefix) / "bin" / "activate"
                _say(_WELCOME.format(port=LDAPS_PORT, initial=INITIAL_PASSWORD, here=HERE, activate=activate))
                signal.pause()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # it is a program for a terminal


def _interrupt(signum: int, frame: FrameType | None) -> Never:  # noqa: ARG001  # a signal handler's arguments
    raise KeyboardInterrupt


def main() -> None:
    """Run the sandbox until Ctrl-C or SIGTERM, and clean up."""
    check_requirements()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell makes its background jobs ignore the first
        signal.signal(number, _interrupt)
    with suppress(KeyboardInterrupt):
        run()
    _say("Both servers have ended, and everything is removed.")


if __name__ == "__main__":
    main()
