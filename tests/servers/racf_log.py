"""A real slapd with what the reader of RACF's change log needs: ``cn=changelog`` and users with envelopes.

An imitation of the z/OS LDAP server's back ends GDBM and SDBM: entries and attributes as IBM documents them, in
ordinary databases. RACF writes them there; here the tests do.
"""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from controller.capture.racf.changelog import Kind
from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.servers.processes import ServerProcess, free_port

SUFFIX = "o=racf"
READER, READER_PASSWORD = "READER", "Reader-phrase-of-racf"
_ADMIN, _ADMIN_PASSWORD = "cn=admin,cn=changelog", "Admin-of-the-log-1"
_TEXT, _NUMBER, _OCTETS, _TIME, _DN = (f"1.3.6.1.4.1.1466.115.121.1.{n}" for n in (15, 27, 40, 24, 12))
_TYPES = {
    "changeNumber": ("integerMatch ORDERING integerOrderingMatch", _NUMBER),
    "targetDN": ("distinguishedNameMatch", _DN),
    "changeType": ("caseIgnoreMatch", _TEXT),
    "changeTime": ("generalizedTimeMatch", _TIME),
    "changes": ("octetStringMatch", _OCTETS),
    "ibm-changeInitiatorsName": ("distinguishedNameMatch", _DN),
    "racfid": ("caseIgnoreMatch", _TEXT),
    "profiletype": ("caseIgnoreMatch", _TEXT),
    "racfPasswordEnvelope": ("octetStringMatch", _OCTETS),
    "racfPassPhraseEnvelope": ("octetStringMatch", _OCTETS),
}
_CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
{types}
objectclass ( 1.3.6.1.4.1.4203.666.11.98.51 NAME 'changeLogEntry' STRUCTURAL MUST ( changeNumber $ targetDN $
  changeType $ changeTime ) MAY ( changes $ ibm-changeInitiatorsName ) )
objectclass ( 1.3.6.1.4.1.4203.666.11.98.52 NAME 'racfUser' STRUCTURAL MUST racfid
  MAY ( racfPasswordEnvelope $ racfPassPhraseEnvelope $ userPassword ) )
objectclass ( 1.3.6.1.4.1.4203.666.11.98.53 NAME 'racfProfileType' STRUCTURAL MUST profiletype )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCACertificateFile {ca_file}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
{databases}
"""
_DATABASE = """\
database mdb
suffix "{suffix}"
rootdn "{admin}"
{password}
directory {folder}
maxsize 2097152
dbnosync
sizelimit {most}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by * none
"""
_USERS = f"""\
dn: {SUFFIX}
objectClass: organization
o: racf

dn: profiletype=USER,{SUFFIX}
objectClass: racfProfileType
profiletype: USER
"""
_LOG = """\
dn: cn=changelog
objectClass: applicationProcess
cn: changelog
"""


def dn_of(user: str) -> str:
    """DN of a user's profile."""
    return f"racfid={user},profiletype=USER,{SUFFIX}"


@dataclass(slots=True)
class RacfLogServer:
    """The running server.

    Attributes:
        last: The number of the newest entry.
        users: Those that were made.
    """

    folder: Path
    url: str
    ca_file: Path
    process: ServerProcess
    last: int = 0
    users: set[str] = field(default_factory=set)

    def change(
        self,
        user: str,
        envelope: bytes | None,
        kind: Kind = Kind.PASSWORD,
        *,
        at: datetime | None = None,
        by: str = "",
    ) -> int:
        """RACF has a new password of a user, with its envelope or without; returns the number of the entry."""
        if user not in self.users:
            self._run("ldapadd", f"dn: {dn_of(user)}\nobjectClass: racfUser\nracfid: {user}\n")
            self.users.add(user)
        if envelope is not None:
            value = base64.b64encode(envelope).decode()
            self._run("ldapmodify", f"dn: {dn_of(user)}\nreplace: {kind.envelope}\n{kind.envelope}:: {value}\n")
        value = "*NoEnvelope*" if envelope is None else "*ComeAndGetIt*"
        return self.note(dn_of(user), f"replace: {kind.attribute}\n{kind.attribute}: {value}\n-\n", at=at, by=by)

    def note(self, target: str, changes: str, *, at: datetime | None = None, by: str = "") -> int:
        """An entry in the log; returns its number."""
        self._run("ldapadd", self._entry(target, changes, at or datetime.now(UTC), dn_of(by) if by else target))
        return self.last

    def note_many(self, count: int) -> None:
        """So many entries about something else."""
        now, group = datetime.now(UTC), f"racfid=STAFF,profiletype=GROUP,{SUFFIX}"
        self._run("ldapadd", "\n".join(self._entry(group, "racfOwner", now, dn_of("ADMIN")) for _ in range(count)))

    def trim(self, first: int, last: int) -> None:
        """Entries are gone."""
        self._run("ldapdelete", "".join(f"changeNumber={n},cn=changelog\n" for n in range(first, last + 1)))

    def _entry(self, target: str, changes: str, at: datetime, initiator: str) -> str:
        """The next entry, as LDIF."""
        self.last += 1
        encoded = base64.b64encode(changes.encode()).decode()
        return (
            f"dn: changeNumber={self.last},cn=changelog\nobjectClass: changeLogEntry\nchangeNumber: {self.last}\n"
            f"targetDN: {target}\nchangeType: modify\nchangeTime: {at.astimezone(UTC):%Y%m%d%H%M%S.%fZ}\n"
            f"changes:: {encoded}\nibm-changeInitiatorsName: {initiator}\n"
        )

    def _run(self, tool: str, text: str) -> None:
        command = [tool, "-x", "-H", self.url, "-D", _ADMIN, "-w", _ADMIN_PASSWORD]
        environment = {**os.environ, "LDAPTLS_CACERT": str(self.ca_file)}
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, timeout=60, env=environment
        )
        if done.returncode:
            raise RuntimeError(f"{tool}: {done.stderr}")


@contextmanager
def running_racf_log(folder: Path) -> Iterator[RacfLogServer]:
    """Run it until the end of the block; *folder* is its own."""
    authority, port = Authority(folder / "authority"), free_port()
    certificate = authority.issue(*LOOPBACK_NAMES)
    configuration, url = folder / "slapd.conf", f"ldaps://127.0.0.1:{port}"
    configuration.write_text(
        _CONFIGURATION.format(
            types="\n".join(
                f"attributetype ( 1.3.6.1.4.1.4203.666.11.98.{n} NAME '{name}' EQUALITY {rules} SYNTAX {syntax} )"
                for n, (name, (rules, syntax)) in enumerate(_TYPES.items(), 1)
            ),
            folder=folder,
            ca_file=authority.ca_file,
            certificate=certificate.certificate_file,
            key=certificate.key_file,
            databases=_database(folder, "cn=changelog", 120) + _database(folder, SUFFIX, 500),
        )
    )
    reader = f"\ndn: {dn_of(READER)}\nobjectClass: racfUser\nracfid: {READER}\nuserPassword: {READER_PASSWORD}\n"
    for suffix, tree in (("cn=changelog", _LOG), (SUFFIX, _USERS + reader)):
        command = ["slapadd", "-q", "-f", str(configuration), "-b", suffix]
        subprocess.run(command, input=tree, text=True, capture_output=True, check=True, timeout=60)
    process = ServerProcess(["slapd", "-f", str(configuration), "-h", url, "-d", "0"], folder / "slapd.log", [port])
    try:
        process.start()
        yield RacfLogServer(folder, url, authority.ca_file, process)
    finally:
        process.stop()


def _database(folder: Path, suffix: str, most: int) -> str:
    own = folder / suffix.replace("=", "-")
    own.mkdir()
    return _DATABASE.format(
        suffix=suffix,
        admin=_ADMIN,
        password=f"rootpw {_ADMIN_PASSWORD}" if suffix == "cn=changelog" else "",
        folder=own,
        most=most,
        reader=dn_of(READER),
    )
