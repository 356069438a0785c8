"""A private Samba Active Directory domain controller on loopback: LDAP 389 and LDAPS 636 of 127.0.0.1.

The ports of a domain controller are fixed, so there is one at a time on a machine: a file lock sees to that, and
tests that use it carry the mark ``samba``. Facts: Samba wiki, MS-ADTS.
"""

import base64
import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import LOOPBACK_NAMES, Authority, ServerCertificate
from tests.servers.processes import ServerProcess

REALM = "corp.example.com"
DOMAIN = "CORP"
BASE_DN = "DC=corp,DC=example,DC=com"
USERS_DN = f"CN=Users,{BASE_DN}"
ADMIN_PASSWORD = "Admin-of-samba-1"
NORMAL_ACCOUNT = 512
DISABLED_ACCOUNT = 514

_FORMER_PASSWORD_MINUTES = 0  # Windows and Samba say 60: a former password opens the account for another hour
LOCK_IS_HELD = "PWSYNC_TESTS_SAMBA_LOCK_IS_HELD"
"""Environment variable of a process whose parent holds the lock, and has stopped its own domain controller."""
_LOCK_FILE = Path(tempfile.gettempdir()) / "pwsync-tests-samba.lock"
_OPTIONS = """\
\tserver services = ldap, winbindd, rpc, cldap, kdc
\tldap server require strong auth = yes
\tpid directory = {folder}/run
\tncalrpc dir = {folder}/run/ncalrpc
\twinbindd socket directory = {folder}/run/winbindd
\tntp signd socket directory = {folder}/run/ntp_signd
\tinterfaces = lo
\tbind interfaces only = yes
\tdisable netbios = yes
\told password allowed period = {former_minutes}
\ttls certfile = {certificate.certificate_file}
\ttls keyfile = {certificate.key_file}
\ttls cafile = {ca_file}
"""
# Samba's modules belong to the system's Python, not to that of the tests.
_LOAD = """
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
lp = LoadParm(sys.argv[1])
samdb = SamDB(url=sys.argv[2], lp=lp, session_info=system_session(lp))
samdb.transaction_start()
samdb.add_ldif(sys.stdin.read())
samdb.transaction_commit()
"""


@dataclass(slots=True)
class SambaServer:
    """A running domain controller and how to reach it.

    Attributes:
        ca_file: The authority that signed its certificate (for localhost, 127.0.0.1 and its own name).
        process: To pause, resume, stop and restart it.
    """

    folder: Path
    authority: Authority
    ca_file: Path
    process: ServerProcess
    ldap_url: str = "ldap://127.0.0.1"
    ldaps_url: str = "ldaps://127.0.0.1"
    ldaps_port: int = 636
    domain: str = DOMAIN
    realm: str = REALM
    base_dn: str = BASE_DN
    users_dn: str = USERS_DN
    admin_user: str = f"Administrator@{REALM}"
    admin_password: str = ADMIN_PASSWORD

    @property
    def configuration(self) -> Path:
        """Its smb.conf."""
        return self.folder / "etc" / "smb.conf"

    def user_dn(self, name: str) -> str:
        """DN of a user whose name has no special characters."""
        return f"CN={name},{USERS_DN}"

    def add_user(self, name: str, password: str = "Initial-password-1", *, enabled: bool = True) -> str:
        """Add a user with a password; returns the DN."""
        dn = self.user_dn(name)
        self.add(
            f"dn: {dn}\n"
            "objectClass: user\n"
            f"sAMAccountName: {name}\n"
            f"userPrincipalName: {name}@{REALM}\n"
            f"userAccountControl: {NORMAL_ACCOUNT if enabled else DISABLED_ACCOUNT}\n"
            f"unicodePwd:: {_unicode_password(password)}\n"
        )
        return dn

    def remove_users(self, *names: str) -> None:
        """Remove users, so that another test may have some of the same names."""
        self._as_admin("ldapdelete", "".join(f"{self.user_dn(name)}\n" for name in names))

    def add(self, ldif: str) -> None:
        """Add entries as the administrator."""
        self._as_admin("ldapadd", ldif)

    def load(self, ldif: str) -> None:
        """Add many entries at once, in one transaction of the controller's own database: over LDAP each is one."""
        done = subprocess.run(
            ["/usr/bin/python3", "-c", _LOAD, str(self.configuration), str(self.folder / "private" / "sam.ldb")],
            input=ldif,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        if done.returncode != 0:
            raise RuntimeError(f"loading entries: {done.stderr}")

    def modify(self, ldif: str) -> None:
        """Modify entries as the administrator."""
        self._as_admin("ldapmodify", ldif)

    def set_attribute(self, dn: str, name: str, value: str) -> None:
        """Replace one attribute of an entry."""
        self.modify(f"dn: {dn}\nchangetype: modify\nreplace: {name}\n{name}: {value}\n")

    def set_policy(self, **options: str | int) -> None:
        """Set the domain's password policy, for example ``min_pwd_age=0, complexity="on"``."""
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.tool("domain", "passwordsettings", "set", *arguments)

    @contextmanager
    def lenient(self) -> Iterator[None]:
        """Within the block any password of seven characters is taken, also a former one."""
        self.set_policy(history_length=0, complexity="off")
        try:
            yield
        finally:
            self.set_policy(history_length="default", complexity="on")

    @contextmanager
    def locking_out(self, *, after: int) -> Iterator[None]:
        """Within the block so many wrong passwords lock an account out. Without a limit Samba does not count them."""
        self.set_policy(account_lockout_threshold=after)
        try:
            yield
        finally:
            self.set_policy(account_lockout_threshold="default")

    @contextmanager
    def accepting_former_passwords(self, minutes: int = 60) -> Iterator[None]:
        """Within the block a bind with the former password succeeds for so long, as by default (restarts it twice)."""
        before = self.configuration.read_text()
        line = "old password allowed period = "
        self.configuration.write_text(before.replace(f"{line}{_FORMER_PASSWORD_MINUTES}", f"{line}{minutes}"))
        self.process.restart()
        try:
            yield
        finally:
            self.configuration.write_text(before)
            self.process.restart()

    def tool(self, *arguments: str) -> str:
        """Run samba-tool on this controller's own database; returns what it prints."""
        done = subprocess.run(
            ["samba-tool", *arguments, "--configfile", str(self.configuration)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, **self.process.environment},
        )
        if done.returncode != 0:
            raise RuntimeError(f"samba-tool {arguments[0]} {arguments[1]}: {done.stderr}")
        return done.stdout

    def try_login(self, user: str, password: str) -> bool:
        """Tell, with OpenLDAP's own client, whether *password* opens an account (name, user@realm or DN)."""
        name = user if "@" in user or "=" in user else f"{user}@{REALM}"
        done = self._client(["ldapsearch", "-LLL", "-b", "", "-s", "base", "1.1"], name, password, "")
        if done.returncode not in {0, 49}:
            raise RuntimeError(f"ldapsearch: {done.stderr}")
        return done.returncode == 0

    def answers(self) -> bool:
        """Tell whether the administrator can log in: its ports are open a moment earlier."""
        try:
            return self.try_login(self.admin_user, self.admin_password)
        except RuntimeError:
            return False

    def read(self, dn: str, attribute: str) -> str:
        """Read one attribute of an entry as the administrator; empty when it has none."""
        command = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", dn, "-s", "base", "(objectClass=*)", attribute]
        done = self._client(command, self.admin_user, self.admin_password, "")
        prefix = f"{attribute}: "
        return next((line.removeprefix(prefix) for line in done.stdout.splitlines() if line.startswith(prefix)), "")

    def _as_admin(self, tool: str, ldif: str) -> None:
        done = self._client([tool], self.admin_user, self.admin_password, ldif)
        if done.returncode != 0:
            raise RuntimeError(f"{tool}: {done.stderr}")

    def _client(
        self, command: list[str], user: str, password: str, standard_input: str
    ) -> subprocess.CompletedProcess[str]:
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(password.encode())
            file.flush()
            return subprocess.run(
                [command[0], "-x", "-H", self.ldaps_url, "-D", user, "-y", file.name, *command[1:]],
                input=standard_input,
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
                env={**os.environ, "LDAPTLS_CACERT": str(self.ca_file)},
            )


@contextmanager
def running_samba(
    folder: Path, *, options: Sequence[str] = (), environment: dict[str, str] | None = None
) -> Iterator[SambaServer]:
    """Provision a domain controller (about 7 s) and run it until the end of the block.

    Args:
        folder: Of its own; everything it writes stands there.
        options: More lines of smb.conf, such as ``password hash gpg key ids = ...``.
        environment: More environment variables of the server, such as GNUPGHOME.
    """
    with _only_one_on_this_machine():
        authority = Authority(folder / "authority")
        certificate = authority.issue(*LOOPBACK_NAMES, f"dc1.{REALM}")
        _provision(folder)
        _configure(folder, authority, certificate, options)
        command = ["samba", "-F", "--no-process-group", "-s", str(folder / "etc" / "smb.conf")]
        process = ServerProcess(command, folder / "samba.log", [389, 636], environment)
        server = SambaServer(folder, authority, authority.ca_file, process)
        process.is_ready = server.answers
        try:
            process.start()
            server.set_policy(min_pwd_age=0, complexity="on", min_pwd_length=7, account_lockout_threshold=0)
            yield server
        finally:
            process.stop()


def _provision(folder: Path) -> None:
    subprocess.run(
        [
            *("samba-tool", "domain", "provision", "--configfile=/dev/null", f"--realm={REALM}"),
            *(f"--domain={DOMAIN}", "--server-role=dc", "--dns-backend=NONE", f"--adminpass={ADMIN_PASSWORD}"),
            *(f"--targetdir={folder}", "--host-name=dc1", "--host-ip=127.0.0.1"),
            *("--option=interfaces=lo", "--option=bind interfaces only=yes"),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )


def _configure(folder: Path, authority: Authority, certificate: ServerCertificate, more: Sequence[str]) -> None:
    for name in ("run", "run/ncalrpc", "run/winbindd", "run/ntp_signd"):
        (folder / name).mkdir(mode=0o755)
    (folder / "run" / "ntp_signd").chmod(0o750)
    file = folder / "etc" / "smb.conf"
    options = _OPTIONS.format(
        folder=folder, certificate=certificate, ca_file=authority.ca_file, former_minutes=_FORMER_PASSWORD_MINUTES
    )
    options += "".join(f"\t{line}\n" for line in more)
    # After the lines that provision wrote: of two lines for one option Samba takes the last.
    file.write_text(file.read_text().replace("[sysvol]\n", f"{options}\n[sysvol]\n", 1))


@contextmanager
def _only_one_on_this_machine() -> Iterator[None]:
    if os.environ.get(LOCK_IS_HELD):
        yield
        return
    with _LOCK_FILE.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unicode_password(password: str) -> str:
    """The value of unicodePwd in base64 (MS-ADTS 3.1.1.3.1.5: UTF-16LE, in double quotes)."""
    return base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
