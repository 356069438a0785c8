"""An imitation of the SDBM back end of the z/OS LDAP server: a real slapd in front, the answers of RACF behind it.

slapd speaks LDAP and TLS, and has a schema with RACF's attributes. Its back end ``sock`` (slapd-sock(5)) hands binds,
modifies and searches to this program, which answers as IBM documents it. What RACF itself does with a password is
imitated: no one has run this against a mainframe.
"""

import base64
import re
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.servers.processes import ServerProcess, free_port

SUFFIX = "o=racf"
SERVICE, SERVICE_PASSWORD = "PWSYNC", "Service-phrase-of-racf"
MOST_WRONG = 4
_SUCCESS, _OPERATIONS_ERROR, _NO_SUCH_OBJECT, _INVALID_CREDENTIALS, _NO_RIGHT, _OTHER = 0, 1, 32, 49, 50, 80
_USER = re.compile(r"racfid=([^,]+),profiletype=user,o=racf", re.IGNORECASE)
_ATTRIBUTES = ("racfid", "profiletype", "racfPassword", "racfPassPhrase", "racfAttributes")
_CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
{schema}
modulepath /usr/lib/ldap
moduleload back_sock
pidfile {folder}/slapd.pid
TLSCACertificateFile {ca_file}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database sock
suffix "{suffix}"
socketpath {folder}/socket
extensions binddn
access to * by * write
"""
_TYPE = (
    "attributetype ( 1.3.6.1.4.1.4203.666.11.99.{number} NAME '{name}' EQUALITY caseExactMatch"
    " SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
)


@dataclass
class User:
    """A RACF user ID: both of its passwords, and its state."""

    password: str = ""
    phrase: str = ""
    is_expired: bool = False
    is_revoked: bool = False
    wrong: int = 0
    history: tuple[str, ...] = ()

    def has(self, text: str) -> bool:
        """Whether *text* is its password, or its phrase."""
        return bool(text) and text == (self.phrase if len(text) > 8 else self.password)

    def take(self, text: str, *, expired: bool) -> None:
        """Take a new one."""
        self.history += (self.phrase, self.password)
        if len(text) > 8:
            self.phrase = text
        else:
            self.password = text
        self.is_expired = expired


class Sdbm:
    """The users, and the answers about them.

    Attributes:
        mixed_case: Whether passwords keep their case.
        most_wrong: After so many wrong passwords a user is revoked.
        scripted: The next answers (result code and words) to binds of users and to modifies.
        requests: What came, one text for each request.
    """

    def __init__(self) -> None:
        self.users: dict[str, User] = {SERVICE: User(phrase=SERVICE_PASSWORD)}
        self.mixed_case = False
        self.most_wrong = MOST_WRONG
        self.scripted: list[tuple[int, str]] = []
        self.requests: list[str] = []

    def lets_in(self, user: str, text: str) -> bool:
        """Whether RACF would take *text*, as it is, for the user's password or phrase."""
        known = self.users.get(user)
        return known is not None and known.has(self._folded(text))

    def answer(self, request: str) -> str:
        """The answer to one request, as slapd-sock(5) has it."""
        self.requests.append(request)
        operation, _, rest = request.partition("\n")
        fields = dict(line.partition(": ")[::2] for line in rest.splitlines() if ": " in line)
        match operation:
            case "BIND":
                return _result(*self._bind(fields["dn"], fields["cred"]))
            case "MODIFY":
                return _result(*self._modify(fields["binddn"], fields["dn"], rest))
            case "SEARCH":
                return self._search(fields["base"])
            case _:
                return ""

    def _bind(self, dn: str, credentials: str) -> tuple[int, str]:
        name = _name(dn)
        if self.scripted and name != SERVICE:
            return self.scripted.pop(0)
        user = self.users.get(name)
        old, slash, new = credentials.partition("/")
        if user is None or not user.has(self._folded(old)):
            return self._count_wrong(user)
        if user.is_revoked:
            return _INVALID_CREDENTIALS, "R000102 The user ID has been revoked."
        if slash:
            return self._change(user, self._folded(new), is_phrase=len(old) > 8)
        if user.is_expired:
            return _INVALID_CREDENTIALS, "R000100 The password has expired."
        return _SUCCESS, ""

    def _count_wrong(self, user: User | None) -> tuple[int, str]:
        if user is not None:
            user.wrong += 1
            user.is_revoked = user.is_revoked or user.wrong >= self.most_wrong
        words = (
            "R000104 The password is not correct or the user ID is not completely defined (missing password or UID)."
        )
        return _INVALID_CREDENTIALS, words

    def _change(self, user: User, new: str, *, is_phrase: bool) -> tuple[int, str]:
        if not new or (len(new) > 8) is not is_phrase or new in user.history or user.has(new):
            return _INVALID_CREDENTIALS, "R000101 The new password is not valid."
        user.take(new, expired=False)
        return _SUCCESS, ""

    def _modify(self, bound: str, dn: str, text: str) -> tuple[int, str]:
        if self.scripted:
            return self.scripted.pop(0)
        if _name(bound) != SERVICE:
            return _NO_RIGHT, ""
        user = self.users.get(_name(dn))
        if user is None:
            return _NO_SUCH_OBJECT, ""
        values = dict(_values(text))
        new = values.get("racfPassword", values.get("racfPassPhrase", ""))
        if ("racfPassword" in values) is (len(new) > 8):
            return _OTHER, "R000208 Unexpected racf error"
        user.take(self._folded(new), expired=values.get("racfAttributes", "").lower() != "noexpired")
        return _SUCCESS, ""

    def _search(self, base: str) -> str:
        name = _name(base)
        if name and name not in self.users:
            return _result(_NO_SUCH_OBJECT, "")
        attribute = f"racfid: {name}" if name else "profiletype: USER"
        return f"dn: {base}\nobjectClass: extensibleObject\n{attribute}\n\n{_result(_SUCCESS, '')}"

    def _folded(self, text: str) -> str:
        return text.upper() if len(text) <= 8 and not self.mixed_case else text


@dataclass(frozen=True, slots=True)
class SdbmServer:
    """A running imitation and how to reach it."""

    sdbm: Sdbm
    port: int
    ca_file: Path


@contextmanager
def running_sdbm(folder: Path) -> Iterator[SdbmServer]:
    """Run it until the end of the block; *folder* is its own."""
    sdbm, authority, port = Sdbm(), Authority(folder / "authority"), free_port()
    certificate = authority.issue(*LOOPBACK_NAMES)
    configuration = folder / "slapd.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            schema="\n".join(_TYPE.format(number=n, name=name) for n, name in enumerate(_ATTRIBUTES, 1)),
            folder=folder,
            ca_file=authority.ca_file,
            certificate=certificate.certificate_file,
            key=certificate.key_file,
            suffix=SUFFIX,
        )
    )
    command = ["slapd", "-f", str(configuration), "-h", f"ldaps://127.0.0.1:{port}", "-d", "0"]
    process = ServerProcess(command, folder / "slapd.log", [port])
    with socketserver.ThreadingUnixStreamServer(str(folder / "socket"), _handler(sdbm)) as answering:
        answering.daemon_threads = True
        thread = threading.Thread(target=answering.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            process.start()
            yield SdbmServer(sdbm, port, authority.ca_file)
        finally:
            process.stop()
            answering.shutdown()
            thread.join(10)


def _handler(sdbm: Sdbm) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines: list[str] = []
            while (line := self.rfile.readline().decode()) not in {"", "\n"}:
                lines.append(line)
            answer = sdbm.answer("".join(lines)).encode()
            if answer:  # an unbind has none, and slapd does not wait for one
                self.wfile.write(answer)

    return Handler


def _result(code: int, words: str) -> str:
    return f"RESULT\ncode: {code}\nmatched:\ninfo: {words}\n"


def _name(dn: str) -> str:
    found = _USER.fullmatch(dn)
    return found.group(1).upper() if found else ""


def _values(text: str) -> Sequence[tuple[str, str]]:
    """The attributes of a modify and their values."""
    found = re.findall(r"^(racf\w+)(::?) (.*)$", text, re.MULTILINE)
    return [(name, base64.b64decode(value).decode() if mark == "::" else value) for name, mark, value in found]
