"""A private OpenLDAP server on loopback, with TLS, a password policy, people and service accounts."""

import base64
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.servers.certificates import LOOPBACK_NAMES, Authority, ServerCertificate
from tests.servers.ldap_clients import LdapClients
from tests.servers.processes import ServerProcess, free_port

BASE_DN = "dc=example,dc=com"
PEOPLE_DN = f"ou=people,{BASE_DN}"
ADMIN_DN = f"cn=admin,{BASE_DN}"
SERVICE_DN = f"cn=pwsync,ou=services,{BASE_DN}"
READER_DN = f"cn=reader,ou=services,{BASE_DN}"
DEFAULT_POLICY_DN = f"cn=default,ou=policies,{BASE_DN}"
SERVICE_PASSWORD = "Service-account-1"
MINIMUM_LENGTH = 8

_CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/slapd.pid
TLSCACertificateFile {ca_file}
TLSCertificateFile {certificate.certificate_file}
TLSCertificateKeyFile {certificate.key_file}
idletimeout {idle_timeout}
sizelimit unlimited
database config
access to * by dn.exact="{reader_dn}" read by * none
database mdb
suffix "{base_dn}"
rootdn "{admin_dn}"
rootpw {admin_password}
directory {folder}/db
maxsize 67108864
dbnosync
overlay ppolicy
ppolicy_default "{policy_dn}"
ppolicy_use_lockout
access to attrs=userPassword by dn.exact="{service_dn}" write by anonymous auth by * none
access to * by users read by * none
"""

_TREE = f"""\
dn: {BASE_DN}
objectClass: domain
dc: example

dn: {PEOPLE_DN}
objectClass: organizationalUnit
ou: people

dn: ou=services,{BASE_DN}
objectClass: organizationalUnit
ou: services

dn: ou=policies,{BASE_DN}
objectClass: organizationalUnit
ou: policies

dn: {DEFAULT_POLICY_DN}
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdCheckQuality: 1
pwdMinLength: {MINIMUM_LENGTH}
pwdLockout: TRUE
pwdMaxFailure: 5

dn: {SERVICE_DN}
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: pwsync
userPassword: {SERVICE_PASSWORD}

dn: {READER_DN}
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: reader
userPassword: {SERVICE_PASSWORD}
"""


@dataclass(slots=True)
class SlapdServer(LdapClients):
    """A running slapd and how to reach it.

    Attributes:
        ldap_url: Plain port; TLS after startTLS.
        ldaps_url: TLS from the start.
        login_socket: Where it listens for ldapi.
        ca_file: The authority that signed its certificate.
        process: To pause, resume, stop and restart it.
    """

    folder: Path
    authority: Authority
    ldap_url: str
    ldaps_url: str
    login_socket: Path
    ca_file: Path
    process: ServerProcess
    base_dn: str = BASE_DN
    people_dn: str = PEOPLE_DN
    admin_dn: str = ADMIN_DN
    admin_password: str = "Admin-of-slapd-1"
    service_dn: str = SERVICE_DN
    service_password: str = SERVICE_PASSWORD
    reader_dn: str = READER_DN

    def person_dn(self, uid: str) -> str:
        """DN of a person whose uid has no special characters."""
        return f"uid={uid},{PEOPLE_DN}"

    def add_person(self, uid: str, password: str = "Initial-password-1") -> str:
        """Add a person; returns the DN."""
        dn = self.person_dn(uid)
        self.add(_entry(dn, objectClass="inetOrgPerson", uid=uid, cn=uid, sn=uid, userPassword=password))
        return dn

    def add(self, ldif: str) -> None:
        """Add entries as the administrator."""
        self._as_admin("ldapadd", ldif)

    def modify(self, ldif: str) -> None:
        """Modify entries as the administrator."""
        self._as_admin("ldapmodify", ldif)

    def values(self, dn: str, attribute: str) -> list[str]:
        """Values of one attribute of an entry, operational ones too, as the administrator sees them."""
        search = ["ldapsearch", "-LLL", "-o", "ldif_wrap=no", "-s", "base", "-b", dn, "(objectClass=*)", attribute]
        done = self.run_client(search, self.admin_dn, self.admin_password)
        if done.returncode != 0:
            raise RuntimeError(f"ldapsearch: {done.stderr}")
        lines = (line.partition(": ") for line in done.stdout.splitlines())
        return [value for name, _, value in lines if name == attribute]

    def set_password(self, uid: str, password: str, *, dn: str = "") -> None:
        """Set a person's password as the administrator, with OpenLDAP's own client; the server hashes it (RFC 3062).

        The person may be spelled by another *dn*.
        """
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(password.encode())
            file.flush()
            self._as_admin("ldappasswd", "", "-T", file.name, dn or self.person_dn(uid))

    def _as_admin(self, tool: str, ldif: str, *arguments: str) -> None:
        done = self.run_client([tool, *arguments], self.admin_dn, self.admin_password, ldif)
        if done.returncode != 0:
            raise RuntimeError(f"{tool}: {done.stderr}")


@contextmanager
def running_slapd(
    folder: Path, *, certificate: ServerCertificate | None = None, idle_timeout: int = 0, ldaps_port: int | None = None
) -> Iterator[SlapdServer]:
    """Run a private slapd until the end of the block.

    Args:
        folder: Of its own; everything it writes stands there.
        certificate: Instead of one for localhost and 127.0.0.1.
        idle_timeout: Seconds after which it closes idle connections; 0 is never.
        ldaps_port: Instead of any free one.
    """
    with tempfile.TemporaryDirectory(prefix="pwsync-ldapi-") as short:  # the path of a socket is short (unix(7))
        server = _made(folder, Path(short) / "ldapi", certificate, idle_timeout, ldaps_port)
        try:
            server.process.start()
            yield server
        finally:
            server.process.stop()


def _made(
    folder: Path, login_socket: Path, certificate: ServerCertificate | None, idle_timeout: int, ldaps_port: int | None
) -> SlapdServer:
    authority = Authority(folder / "authority")
    plain, encrypted = free_port(), ldaps_port or free_port()
    configuration = folder / "slapd.conf"
    (folder / "db").mkdir()
    process = ServerProcess(
        [
            *("slapd", "-f", str(configuration), "-d", "0"),
            *(
                "-h",
                f"ldap://127.0.0.1:{plain} ldaps://127.0.0.1:{encrypted} ldapi://{quote(str(login_socket), safe='')}",
            ),
        ],
        folder / "slapd.log",
        [plain, encrypted],
    )
    server = SlapdServer(
        folder=folder,
        authority=authority,
        ldap_url=f"ldap://127.0.0.1:{plain}",
        ldaps_url=f"ldaps://127.0.0.1:{encrypted}",
        login_socket=login_socket,
        ca_file=authority.ca_file,
        process=process,
    )
    _configure(server, configuration, certificate or authority.issue(*LOOPBACK_NAMES), idle_timeout)
    return server


def _configure(server: SlapdServer, file: Path, certificate: ServerCertificate, idle_timeout: int) -> None:
    file.write_text(
        _CONFIGURATION.format(
            folder=server.folder,
            ca_file=server.ca_file,
            certificate=certificate,
            idle_timeout=idle_timeout,
            base_dn=BASE_DN,
            admin_dn=server.admin_dn,
            admin_password=server.admin_password,
            service_dn=SERVICE_DN,
            reader_dn=READER_DN,
            policy_dn=DEFAULT_POLICY_DN,
        )
    )
    subprocess.run(
        ["slapadd", "-q", "-f", str(file)],
        input=_TREE,
        text=True,
        capture_output=True,
        check=True,
        timeout=30,
    )


def _entry(dn: str, **attributes: str) -> str:
    """An LDIF record with every value in base64 (RFC 2849), so that no value needs care."""
    lines = [f"dn:: {_base64(dn)}", *(f"{name}:: {_base64(value)}" for name, value in attributes.items())]
    return "\n".join(lines) + "\n"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
