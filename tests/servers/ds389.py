"""A private 389 Directory Server on loopback: TLS, a password policy, people, service accounts, a change log.

The server is started by hand from the packaged configuration: ``dscreate`` wants systemd and folders of the machine.
"""

import base64
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import LOOPBACK_NAMES, Authority, ServerCertificate, rsa_key
from tests.servers.ldap_clients import LdapClients
from tests.servers.processes import ServerProcess, free_port

BASE_DN = "dc=example,dc=com"
PEOPLE_DN = f"ou=people,{BASE_DN}"
SERVICE_DN = f"cn=pwsync,ou=services,{BASE_DN}"
CAPTURE_DN = f"cn=capture,ou=services,{BASE_DN}"
SERVICE_PASSWORD = "Service-account-1"
ADMIN_DN, ADMIN_PASSWORD = "cn=Directory Manager", "Admin-of-389-1"
MINIMUM_LENGTH, MAXIMUM_FAILURES = 8, 5
_PACKAGED = Path("/usr/share/dirsrv/data/template-dse.ldif")
_FOLDERS = ("config", "lock", "tmp", "ldif", "bak", "run", "log", "db")
_POLICY_ATTRIBUTES = (
    "objectClass || passwordCheckSyntax || passwordMinLength || passwordMinCategories || passwordMinTokenLength"
    " || passwordHistory || passwordInHistory || passwordMinAge || nsslapd-pwpolicy-local"
)

# A hash that is quick to compute: it is not the subject.
CONFIGURATION = f"""\
dn: cn=config
changetype: modify
add: aci
aci: (target="ldap:///cn=config")(targetattr="{_POLICY_ATTRIBUTES}")(version 3.0; acl "pwsync reads the policy"; \
allow (read, search) userdn="ldap:///{SERVICE_DN}";)
-
replace: passwordCheckSyntax
passwordCheckSyntax: on
-
replace: passwordMinLength
passwordMinLength: {MINIMUM_LENGTH}
-
replace: passwordLockout
passwordLockout: on
-
replace: passwordMaxFailure
passwordMaxFailure: {MAXIMUM_FAILURES}
-
replace: passwordTrackUpdateTime
passwordTrackUpdateTime: on
-
replace: passwordStorageScheme
passwordStorageScheme: SSHA512
-
replace: nsslapd-pwpolicy-local
nsslapd-pwpolicy-local: on

dn: cn=userroot,cn=ldbm database,cn=plugins,cn=config
changetype: add
objectClass: top
objectClass: extensibleObject
objectClass: nsBackendInstance
nsslapd-suffix: {BASE_DN}
cn: userroot

dn: cn="{BASE_DN}",cn=mapping tree,cn=config
changetype: add
objectClass: top
objectClass: extensibleObject
objectClass: nsMappingTree
cn: {BASE_DN}
nsslapd-state: backend
nsslapd-backend: userroot

dn: {BASE_DN}
changetype: add
objectClass: domain
dc: example
aci: (targetattr="*")(version 3.0; acl "services read"; allow (read, search, compare) \
userdn="ldap:///{SERVICE_DN}";)
aci: (targetattr="userPassword")(version 3.0; acl "pwsync sets passwords"; allow (write) \
userdn="ldap:///{SERVICE_DN}";)
aci: (targetattr="userPassword")(version 3.0; acl "people set their own"; allow (write) userdn="ldap:///self";)

dn: {PEOPLE_DN}
changetype: add
objectClass: organizationalUnit
ou: people

dn: ou=services,{BASE_DN}
changetype: add
objectClass: organizationalUnit
ou: services

dn: {SERVICE_DN}
changetype: add
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: pwsync
userPassword: {SERVICE_PASSWORD}

dn: {CAPTURE_DN}
changetype: add
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: capture
userPassword: {SERVICE_PASSWORD}
"""


@dataclass(slots=True)
class Ds389Server(LdapClients):
    """A running 389 Directory Server and how to reach it.

    Attributes:
        ldap_url: Plain port; TLS after startTLS.
        ldaps_url: TLS from the start.
        ca_file: The authority that signed its certificate.
        process: To pause, resume, stop and restart it.
    """

    folder: Path
    ldap_url: str
    ldaps_url: str
    ca_file: Path
    process: ServerProcess
    people_dn: str = PEOPLE_DN
    service_dn: str = SERVICE_DN
    service_password: str = SERVICE_PASSWORD

    def person_dn(self, uid: str) -> str:
        """DN of a person whose uid has no special characters."""
        return f"uid={uid},{PEOPLE_DN}"

    def add_person(self, uid: str, password: str = "Initial-password-1") -> str:
        """Add a person; returns the DN."""
        dn = self.person_dn(uid)
        values = {"objectClass": "inetOrgPerson", "uid": uid, "cn": uid, "sn": uid, "userPassword": password}
        lines = (f"{name}:: {base64.b64encode(value.encode()).decode()}\n" for name, value in values.items())
        self.modify(f"dn: {dn}\nchangetype: add\n{''.join(lines)}")
        return dn

    def modify(self, ldif: str, dn: str = ADMIN_DN, password: str = ADMIN_PASSWORD) -> None:
        """Add, modify or delete entries, as the administrator unless told otherwise."""
        done = self.run_client(["ldapmodify"], dn, password, ldif)
        if done.returncode != 0:
            raise RuntimeError(f"ldapmodify: {done.stderr}")

    def read(self, dn: str, *attributes: str) -> str:
        """An entry as LDIF, as the administrator sees it."""
        command = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn, "(objectClass=*)", *attributes]
        done = self.run_client(command, ADMIN_DN, ADMIN_PASSWORD)
        if done.returncode != 0:
            raise RuntimeError(f"ldapsearch: {done.stderr}")
        return done.stdout

    def replace_password(self, uid: str, password: str) -> None:
        """Set a person's password as the service account, which the policy holds for."""
        encoded = base64.b64encode(password.encode()).decode()
        ldif = f"dn: {self.person_dn(uid)}\nchangetype: modify\nreplace: userPassword\nuserPassword:: {encoded}\n"
        self.modify(ldif, SERVICE_DN, SERVICE_PASSWORD)


@contextmanager
def running_ds389(folder: Path) -> Iterator[Ds389Server]:
    """Run a private server until the end of the block. *folder* is of its own; everything it writes stands there."""
    authority = Authority(folder / "authority")
    for name in _FOLDERS:
        (folder / name).mkdir()
    plain, encrypted = free_port(), free_port()
    # -d keeps it in the foreground; the pid file's folder is the instance's own.
    command = ["ns-slapd", "-D", str(folder / "config"), "-i", str(folder / "run" / "pid"), "-d", "0"]
    process = ServerProcess(command, folder / "ns-slapd.log", [plain, encrypted])
    server = Ds389Server(
        folder=folder,
        ldap_url=f"ldap://127.0.0.1:{plain}",
        ldaps_url=f"ldaps://127.0.0.1:{encrypted}",
        ca_file=authority.ca_file,
        process=process,
    )
    _configure(folder, plain, encrypted)
    # RSA: with a key of another kind the server cannot encrypt attributes in its database.
    _keep_certificate(folder, authority, authority.issue(*LOOPBACK_NAMES, key=rsa_key()))
    try:
        process.start()
        server.modify(CONFIGURATION)
        yield server
    finally:
        process.stop()


def _configure(folder: Path, plain: int, encrypted: int) -> None:
    """Write the configuration as ``dscreate`` does, with the ports and folders of this instance."""
    config = folder / "config"
    values = {
        "schema_dir": config / "schema",  # the server looks for it there, whatever the configuration says
        "cert_dir": config,
        "config_dir": config,
        "inst_dir": folder,
        "db_home_dir": folder / "db",
        "db_lib": "bdb",
        "fqdn": "localhost",
        "ds_port": plain,
        "ds_user": pwd.getpwuid(os.geteuid()).pw_name,
        "rootdn": ADMIN_DN,
        "ds_passwd": _hashed(ADMIN_PASSWORD),
        "ds_suffix": BASE_DN,
        "ldapi_enabled": "off",
        "ldapi": folder / "run" / "ldapi",
        "ldapi_autobind": "off",
        **{f"{name}_dir": folder / name for name in _FOLDERS if name != "config"},
    }
    text = re.sub(r"%(\w+)%", lambda found: str(values[found[1]]), _PACKAGED.read_text())
    listens = (
        "nsslapd-listenhost: 127.0.0.1\nnsslapd-securelistenhost: 127.0.0.1\n"
        f"nsslapd-security: on\nnsslapd-securePort: {encrypted}\n"
    )
    (config / "dse.ldif").write_text(text.replace("nsslapd-localhost:", f"{listens}nsslapd-localhost:", 1))
    (config / "schema").mkdir()
    shutil.copy("/etc/dirsrv/schema/99user.ldif", config / "schema")
    for file in ("certmap.conf", "slapd-collations.conf"):
        shutil.copy(f"/etc/dirsrv/config/{file}", config)


def _keep_certificate(folder: Path, authority: Authority, certificate: ServerCertificate) -> None:
    """Put the certificate where the server looks for it: into a database of NSS without a password."""
    database = ("-d", f"sql:{folder / 'config'}")
    bundle = folder / "server.p12"
    bundle.write_bytes(certificate.bundle("Server-Cert"))
    for command in (
        ("certutil", "-N", *database, "--empty-password"),
        ("certutil", "-A", *database, "-n", "CA", "-t", "CT,,", "-a", "-i", str(authority.ca_file)),
        ("pk12util", "-i", str(bundle), *database, "-W", ""),
    ):
        _run(*command)


def _hashed(password: str) -> str:
    return _run("pwdhash", "-s", "SSHA512", password).strip()


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
