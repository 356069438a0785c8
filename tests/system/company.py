"""examples/company on one machine: five real places of passwords, a controller, and capture on both sides."""

import base64
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.leaks import Leaks
from tests.servers.capture import Capture, capturing, capturing_openldap
from tests.servers.logins import LdapPlace, Logins
from tests.servers.postgresql import plain_url, running_postgresql
from tests.servers.processes import ServerProcess
from tests.servers.samba import SambaServer
from tests.servers.sdbm import SERVICE_PASSWORD as RACF_PASSWORD
from tests.servers.sdbm import Sdbm, SdbmServer, User, running_sdbm
from tests.servers.slapd import DEFAULT_POLICY_DN, SERVICE_PASSWORD, SlapdServer, running_slapd
from tests.system.controller_process import ControllerProcess, controller_process

EXAMPLE = Path(__file__).parents[2] / "examples" / "company"
SERVICE_USER = "svc-company"
INITIAL = "Initial-password-1"
RACF_NAME = "racfid={},profiletype=user,o=racf"


@dataclass(frozen=True, slots=True)
class Directories:
    """The places themselves, without a controller."""

    samba: SambaServer
    slapd: SlapdServer
    racf: SdbmServer
    postgresql: str
    htpasswd: Path

    @property
    def sdbm(self) -> Sdbm:
        """The users of RACF."""
        return self.racf.sdbm

    def logins(self) -> Logins:
        """How to log in at each of them."""
        return Logins(
            LdapPlace(self.samba.ldaps_url, str(self.samba.ca_file), f"{{}}@{self.samba.realm}"),
            LdapPlace(self.slapd.ldaps_url, str(self.slapd.ca_file), f"uid={{}},{self.slapd.people_dn}"),
            LdapPlace(f"ldaps://127.0.0.1:{self.racf.port}", str(self.racf.ca_file), RACF_NAME),
            make_url(self.postgresql).port or 0,
            str(self.htpasswd),
        )

    def add(self, people: Sequence[str]) -> None:
        """Make the accounts of these people everywhere, all with the same password."""
        for name in people:
            self.samba.add_user(name, INITIAL)
            self.slapd.add_person(name, INITIAL)
            self.sdbm.users[name.upper()] = User(phrase=INITIAL)
        with psycopg.connect(plain_url(self.postgresql)) as connection:
            for name in people:
                role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(INITIAL))
                connection.execute(role)
        hashed = bcrypt.hashpw(INITIAL.encode(), bcrypt.gensalt(4)).decode()
        with self.htpasswd.open("a", encoding="utf-8") as file:
            file.writelines(f"{name}:{hashed}\n" for name in people)


@dataclass(frozen=True, slots=True)
class Company:
    """Everything runs.

    Attributes:
        folder: The manifests stand here, and all that they name.
        capture: Of the domain controller.
        openldap_forwarder: Of OpenLDAP: it may be paused.
    """

    folder: Path
    directories: Directories
    controller: ControllerProcess
    capture: Capture
    openldap_forwarder: ServerProcess
    logins: Logins
    environment: dict[str, str]

    def change_in_windows(self, user: str, old: str, new: str) -> None:
        """The user changes the password in Active Directory."""
        samba = self.directories.samba
        samba.modify(
            f"dn: {samba.user_dn(user)}\nchangetype: modify\n"
            f"delete: unicodePwd\nunicodePwd:: {_unicode(old)}\n-\nadd: unicodePwd\nunicodePwd:: {_unicode(new)}\n"
        )

    def reset_in_windows(self, user: str, new: str) -> None:
        """An administrator sets it there."""
        samba = self.directories.samba
        samba.modify(
            f"dn: {samba.user_dn(user)}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {_unicode(new)}\n"
        )

    def change_in_openldap(self, user: str, old: str, new: str) -> None:
        """The user changes the password with ldappasswd."""
        self.directories.slapd.change_own_password(self.directories.slapd.person_dn(user), old, new)

    def changes(self, *, until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """All reports, oldest first, once they are as *until* says and none is under way."""
        found: list[dict[str, Any]] = []

        def are_as_wanted() -> bool:
            found[:] = reversed(self.listed("changes"))
            return until(found) and all(change["state"] != "accepted" for change in found)

        self.controller.wait_for(are_as_wanted, "the reports that are wanted")
        return found

    def settle(self) -> None:
        """Hand over what Windows has to tell, and wait until nothing is under way any more."""
        self.capture.hand_over()
        self.controller.wait_for(lambda: not self._waiting(), "both spools to be empty")
        self.changes(until=lambda _: True)
        self.controller.wait_for(lambda: not self._waiting(), "both spools to stay empty")

    def _waiting(self) -> list[Path]:
        return [path for ending in ("change", "pending") for path in self.folder.glob(f"capture-*/spool/*.{ending}")]

    def listed(self, kind: str) -> list[dict[str, Any]]:
        """What the API lists, newest first."""
        answer = self.controller.get(f"/v1/{kind}?limit=500", by="ops")
        items: list[dict[str, Any]] = answer["items"]
        return items


def _unicode(password: str) -> str:
    return base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()


@contextmanager
def running_company(
    folder: Path, samba: SambaServer, people: Sequence[str], *, leaks: Leaks | None = None, warm: Path | None = None
) -> Iterator[Company]:
    """Run the example until the end of the block. Everybody's first password is handed over.

    Args:
        folder: Of its own.
        samba: A domain controller that keeps passwords for capture.
        people: Who has accounts.
        leaks: Searches for the passwords of service accounts too.
        warm: What commands are started with that run to their end.
    """
    service_password = (leaks or Leaks()).password("Svc-")
    with ExitStack() as stack:
        directories = _directories(stack, folder, samba)
        samba.add_user(SERVICE_USER, service_password)
        directories.add(people)
        _write_manifests(folder, directories, people)
        environment = {
            "CORP_BIND_PASSWORD": service_password,
            "OPENLDAP_BIND_PASSWORD": SERVICE_PASSWORD,
            "RACF_BIND_PASSWORD": RACF_PASSWORD,
            "POSTGRESQL_URL": directories.postgresql,
        }
        controller = stack.enter_context(controller_process(folder, folder / "manifests", environment, warm=warm))
        controller.command("apply", str(controller.manifests), "--yes")
        for principal in ("dc1", "openldap-agent", "ops"):
            controller.make_token(principal)
        controller.start()
        url = f"http://127.0.0.1:{controller.port}"
        of_domain, of_openldap = (_made(folder / name) for name in ("capture-dc1", "capture-openldap"))
        token = controller.tokens["openldap-agent"]
        forwarder = stack.enter_context(
            capturing_openldap(
                directories.slapd, of_openldap, controller.command, adapter="openldap", url=url, token=token
            )
        )
        token = controller.tokens["dc1"]
        capture = stack.enter_context(
            capturing(samba, of_domain, controller.command, users=people, url=url, token=token)
        )
        capture.hand_over()
        yield Company(folder, directories, controller, capture, forwarder, directories.logins(), environment)


def _directories(stack: ExitStack, folder: Path, samba: SambaServer) -> Directories:
    slapd = stack.enter_context(running_slapd(_made(folder / "slapd")))
    short = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pwsync-racf-")))  # sockets: unix(7)
    racf = stack.enter_context(running_sdbm(short))
    postgresql = stack.enter_context(running_postgresql())
    # Whoever waits for a password tries it before it is there, which must not lock the account.
    racf.sdbm.most_wrong = sys.maxsize
    slapd.modify(f"dn: {DEFAULT_POLICY_DN}\nchangetype: modify\nreplace: pwdLockout\npwdLockout: FALSE\n")
    return Directories(samba, slapd, racf, postgresql, folder / "htpasswd")


def _write_manifests(folder: Path, directories: Directories, people: Sequence[str]) -> None:
    """The example's, with the ports of these servers, their authorities, and these people."""
    shutil.copytree(EXAMPLE / "manifests", folder / "manifests")
    shutil.copy(directories.samba.ca_file, folder / "samba-ca.pem")
    shutil.copy(directories.slapd.ca_file, folder / "openldap-ca.pem")
    shutil.copy(directories.racf.ca_file, folder / "racf-ca.pem")
    for manifest in (folder / "manifests").glob("*.yaml"):
        text = manifest.read_text().replace("ldaps://127.0.0.1:1636", directories.slapd.ldaps_url)
        manifest.write_text(text.replace("127.0.0.1:2636", f"127.0.0.1:{directories.racf.port}"))
    for file, external in (("staff.csv", str), ("mainframe.csv", str.upper)):
        lines = "".join(f"{name},{external(name)}\n" for name in people)
        (folder / "manifests" / file).write_text(f"windows,external\n{lines}")


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder
