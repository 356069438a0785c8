"""Changes made with OpenLDAP's own clients on a real slapd are captured, when they succeed and only then."""

import base64
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.capture.ldap_login import Login, LoginSocket, bind_request
from controller.capture.openldap import SockProgram
from controller.capture.settings import OpenLdapSpec
from controller.capture.sock_listener import THREADS, SockListener
from controller.capture.spool import Aside
from controller.model.secret import Secret
from tests.servers.capture import add_sock_overlay
from tests.servers.slapd import PEOPLE_DN, SlapdServer
from tests.unit.capture.bench import CaptureBench

pytestmark = pytest.mark.system


class Captured:
    """A slapd whose changes are captured into a spool."""

    def __init__(self, slapd: SlapdServer, bench: CaptureBench, spec: OpenLdapSpec) -> None:
        self.slapd = slapd
        self.bench = bench
        self.spec = spec

    @contextmanager
    def listening(self, kind: type[SockProgram] = SockProgram) -> Iterator[None]:
        """The program runs."""
        with ThreadPoolExecutor(THREADS) as logins:
            opens = LoginSocket(self.slapd.login_socket).opens
            program = kind(self.bench.capture, self.spec, opens, lambda: datetime.now(UTC), later=logins.submit)
            with self._served(program):
                yield

    @contextmanager
    def _served(self, program: SockProgram) -> Iterator[None]:
        listener = SockListener(program, self._path)
        ready = threading.Event()
        thread = threading.Thread(target=listener.serve, args=(ready.set,))
        thread.start()
        assert ready.wait(30)
        try:
            yield
        finally:
            listener.stop()
            thread.join(30)
            assert not thread.is_alive()

    def settled(self, count: int) -> list[tuple[str, str]]:
        """What waits, once it is *count* changes and nothing is pending: slapd does not wait for our last step."""
        deadline = time.monotonic() + 30
        while len(self.bench.spool.waiting()) != count or self.bench.spool.names("pending"):
            assert time.monotonic() < deadline, self.bench.spool.names("change", "pending", *Aside)
            threading.Event().wait(0.01)
        return self.bench.waiting()

    @property
    def _path(self) -> Path:
        return Path(self.spec.socket)


@pytest.fixture
def captured(own_slapd: SlapdServer, tmp_path: Path) -> Iterator[Captured]:
    with tempfile.TemporaryDirectory(prefix="pwsync-sock-") as folder:  # the path of a socket is short (unix(7))
        spec = OpenLdapSpec(socket=f"{folder}/s", login_socket=str(own_slapd.login_socket), base_dn=PEOPLE_DN)
        for name in ("alice", "bob", "carol", "grace"):
            own_slapd.add_person(name)
        add_sock_overlay(own_slapd, Path(spec.socket))
        bench = CaptureBench(tmp_path, most=50)
        bench.capture._spec = bench.spec.model_copy(update={"domain": None, "adapter": "openldap"})
        yield Captured(own_slapd, bench, spec)


def replaced(dn: str, value: str) -> str:
    encoded = base64.b64encode(value.encode()).decode()
    return f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword:: {encoded}\n"


def test_what_succeeds_is_captured_and_what_fails_is_not(captured: Captured) -> None:
    slapd = captured.slapd
    bob = slapd.person_dn("bob")
    with captured.listening():
        slapd.set_password("alice", "Ärger-\U0001f511-with-RFC-3062")
        slapd.modify(replaced(bob, " plain modify: ß "))
        slapd.modify(f"dn: {bob}\nchangetype: modify\nreplace: description\ndescription: userPassword: no\n")
        slapd.modify(replaced(bob, "{SSHA}bm90LWNsZWFyLXRleHQtYXQtYWxsLg=="))
        with pytest.raises(RuntimeError, match="object"):
            slapd.modify(replaced(f"uid=nobody,{PEOPLE_DN}", "not-there-at-all"))
        with pytest.raises(RuntimeError, match="onstraint"):
            slapd.change_own_password(slapd.person_dn("alice"), "Ärger-\U0001f511-with-RFC-3062", "short")
        slapd.modify(replaced(slapd.service_dn, "outside-of-the-base"))
        slapd.change_own_password(slapd.person_dn("alice"), "Ärger-\U0001f511-with-RFC-3062", "chosen-by-herself")

        assert captured.settled(3) == [
            ("alice", "Ärger-\U0001f511-with-RFC-3062"),
            ("bob", " plain modify: ß "),
            ("alice", "chosen-by-herself"),
        ]


def test_new_entries_with_a_password_are_captured(captured: Captured) -> None:
    with captured.listening():
        captured.slapd.add_person("erin", "in-the-new-entry")
        captured.slapd.add_person("frank", "{SSHA}bm90LWNsZWFyLXRleHQtYXQtYWxsLg==")
        assert captured.settled(1) == [("erin", "in-the-new-entry")]


def test_an_account_is_spelled_as_its_entry_is_and_stands_directly_below_the_base(captured: Captured) -> None:
    slapd = captured.slapd
    own = f"ou=own,{PEOPLE_DN}"
    with captured.listening():
        slapd.add(f"dn: {own}\nobjectClass: organizationalUnit\nou: own\n")
        slapd.modify(replaced(f"UID=Alice, {PEOPLE_DN}", "by-another-spelling"))
        spellings = [
            f"uid = alice , {PEOPLE_DN}",
            f"userid=aLice,{PEOPLE_DN.replace('ou=', 'organizationalUnitName=')}",
        ]
        for number, dn in enumerate(spellings):
            slapd.set_password("alice", f"with-RFC-3062-{number}", dn=dn)
        slapd.add(
            f"dn: uid=bob,{own}\nobjectClass: inetOrgPerson\nuid: bob\ncn: bob\nsn: bob\n"
            "userPassword: of-an-entry-that-takes-a-name\n"
        )
        passwords = ("by-another-spelling", "with-RFC-3062-0", "with-RFC-3062-1")
        assert captured.settled(3) == [("alice", password) for password in passwords]


@pytest.mark.parametrize("size", [1_200_000, 1_200_001, 1_200_002, 2_900_000])
def test_what_is_large_is_captured_whole(captured: Captured, size: int) -> None:
    dn = captured.slapd.person_dn("alice")
    photo = base64.b64encode(b"\xff\xd8" + b"p" * size).decode()
    with captured.listening():
        captured.slapd.modify(
            f"dn: {dn}\nchangetype: modify\nreplace: jpegPhoto\njpegPhoto:: {photo}\n-\n"
            "replace: userPassword\nuserPassword: behind-a-photo\n"
        )
        assert captured.settled(1) == [("alice", "behind-a-photo")]


class HoldingProgram(SockProgram):
    """Lets slapd wait with a modification until it has told the end of another operation."""

    held, told = threading.Event(), threading.Event()

    def answer(self, content: bytes) -> bytes:
        answer = super().answer(content)
        if content.startswith(b"MODIFY") and b"\nuserPassword" in content:
            self.told.clear()
            self.held.set()
            assert self.told.wait(60)
        elif content.startswith(b"RESULT"):
            self.told.set()
        return answer


def test_a_refused_change_is_not_taken_for_made_when_another_operation_of_its_id_ends_well(captured: Captured) -> None:
    """A client sends a modification that is refused, and a search with the same id (RFC 4511 forbids that)."""
    slapd = captured.slapd
    with captured.listening(HoldingProgram):
        collide(slapd, slapd.person_dn("grace"), "Initial-password-1", new="short", base=slapd.base_dn)
        assert captured.settled(0) == []
        assert captured.bench.spool.names(Aside.DOUBTFUL) == []
        assert slapd.can_bind(slapd.person_dn("grace"), "Initial-password-1")


def test_a_change_is_not_taken_for_failed_when_another_operation_of_its_id_fails(captured: Captured) -> None:
    """Nobody can keep a change to himself so."""
    slapd = captured.slapd
    with captured.listening(HoldingProgram):
        collide(
            slapd, slapd.person_dn("grace"), "Initial-password-1", new="long-enough-1", base=f"cn=no,{slapd.base_dn}"
        )
        assert captured.settled(1) == [("grace", "long-enough-1")]


def test_searches_that_an_overlay_makes_by_itself_end_no_change(captured: Captured) -> None:
    """slapo-unique(5) searches with the id of the operation that it checks, and slapd tells the end of that too."""
    slapd = captured.slapd
    file = slapd.folder / "slapd.conf"
    unique = "overlay unique\nunique_uri ldap:///?mail?sub\noverlay sock\n"
    text = file.read_text().replace("moduleload back_sock\n", "moduleload back_sock\nmoduleload unique\n")
    file.write_text(text.replace("overlay sock\n", unique))
    slapd.process.restart()
    names = [f"erin{number}" for number in range(10)]
    with captured.listening():
        for name in names:
            dn = slapd.person_dn(name)
            slapd.add(
                f"dn: {dn}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: e\nsn: e\nmail: {name}@x\n"
                f"userPassword: in-the-new-entry-{name}\n"
            )
            slapd.modify(
                f"dn: {dn}\nchangetype: modify\nreplace: mail\nmail: new-{name}@x\n-\n"
                f"replace: userPassword\nuserPassword: of-the-change-{name}\n"
            )
        both = [(n, f"{where}-{n}") for n in names for where in ("in-the-new-entry", "of-the-change")]
        assert captured.settled(len(both)) == both


def test_what_cannot_be_captured_is_an_alarm(captured: Captured) -> None:
    slapd = captured.slapd
    with captured.listening():
        slapd.modify(replaced(slapd.person_dn("bob"), "{SSHA}bm90LWNsZWFyLXRleHQtYXQtYWxsLg=="))
        slapd.run_client(["ldappasswd", slapd.person_dn("carol")], slapd.admin_dn, slapd.admin_password, "")
        with pytest.raises(RuntimeError, match="at most 256 characters"):
            slapd.modify(replaced(slapd.person_dn("alice"), "x" * 257))
        with pytest.raises(RuntimeError, match="ldappasswd"):
            slapd.set_password("alice", "x" * 257)
        deadline = time.monotonic() + 30
        while captured.bench.spool.missed() != 2:
            assert time.monotonic() < deadline
            threading.Event().wait(0.01)
    assert slapd.can_bind(slapd.person_dn("alice"), "Initial-password-1")
    assert captured.bench.spool.count() == 0


_MODIFIED = b"\x67\x07\x0a\x01\x00"
"""The beginning of the answer to a modification that was made."""


def collide(slapd: SlapdServer, dn: str, password: str, *, new: str, base: str) -> None:
    """On one connection: bind, a modification, and, while slapd waits with that, a search at *base* of the same id."""
    scope = element(0x04, base.encode()) + element(0x0A, b"\x00") * 2
    rest = element(0x02, b"\x00") * 2 + element(0x01, b"\x00") + element(0x87, b"objectClass") + element(0x30, b"")
    with connected(slapd, dn, password) as connection:
        HoldingProgram.held.clear()
        connection.sendall(message(2, modification(dn, new)))
        assert HoldingProgram.held.wait(60)
        connection.sendall(message(2, element(0x63, scope + rest)))
        answers = b""
        while _MODIFIED not in answers and b"quality" not in answers:  # ppolicy's words when it refuses
            part = connection.recv(65536)
            assert part, answers
            answers += part


@contextmanager
def connected(slapd: SlapdServer, dn: str, password: str) -> Iterator[socket.socket]:
    """A connection that is logged in."""
    host, _, port = slapd.ldap_url.removeprefix("ldap://").rpartition(":")
    with socket.create_connection((host, int(port)), 60) as connection:
        connection.sendall(bind_request(Login(dn, Secret(password))))
        connection.recv(4096)
        yield connection


def modification(dn: str, password: str) -> bytes:
    """Replaces the password of an entry."""
    values = element(0x31, element(0x04, password.encode()))
    change = element(0x30, element(0x0A, b"\x02") + element(0x30, element(0x04, b"userPassword") + values))
    return element(0x66, element(0x04, dn.encode()) + element(0x30, change))


def element(tag: int, content: bytes) -> bytes:
    """BER with lengths of two bytes."""
    return bytes([tag, 0x82]) + len(content).to_bytes(2) + content


def message(number: int, operation: bytes) -> bytes:
    """A message of LDAP."""
    return element(0x30, element(0x02, bytes([number])) + operation)


def test_a_full_spool_refuses_the_write_at_once_and_a_restarted_program_goes_on(captured: Captured) -> None:
    slapd = captured.slapd
    with captured.listening():
        for number in range(captured.bench.spec.max_changes):
            captured.bench.take(f"u{number}")
        with pytest.raises(RuntimeError, match=r"busy.*\n.*pwsync cannot keep"):
            slapd.modify(replaced(slapd.person_dn("carol"), "while-it-was-full"))
        with pytest.raises(RuntimeError, match="ldappasswd"):
            slapd.set_password("carol", "while-it-was-full")
    assert slapd.can_bind(slapd.person_dn("carol"), "Initial-password-1")

    with pytest.raises(RuntimeError, match="socket"):
        slapd.modify(replaced(slapd.person_dn("carol"), "while-nobody-listened"))
    for name in captured.bench.spool.waiting():
        captured.bench.spool.remove(name)
    with captured.listening():
        slapd.set_password("carol", "after-the-restart")
        assert captured.settled(1) == [("carol", "after-the-restart")]


def test_more_clients_than_slapd_has_threads_wait_for_nobody(captured: Captured) -> None:
    slapd, (clients, each) = captured.slapd, (32, 12)
    captured.bench.spool._most = 1000
    names = [f"m{number}" for number in range(clients * each)]
    people = "\n".join(
        f"dn: {slapd.person_dn(name)}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: m\nsn: m\n" for name in names
    )

    def change(client: int) -> None:
        with connected(slapd, slapd.admin_dn, slapd.admin_password) as connection:
            for number in range(each):
                name = names[client * each + number]
                connection.sendall(message(2 + number, modification(slapd.person_dn(name), f"of-{name}-new")))
                assert _MODIFIED in connection.recv(4096)

    begun = time.monotonic()
    with captured.listening(), ThreadPoolExecutor(clients) as threads:
        slapd.add(people)
        for done in [threads.submit(change, client) for client in range(clients)]:
            done.result(60)
        assert sorted(captured.settled(len(names))) == sorted((name, f"of-{name}-new") for name in names)
    assert time.monotonic() - begun < 60
    assert captured.bench.spool.names(*Aside) == []


def test_many_at_once_are_all_captured(captured: Captured, fresh_name: Callable[[str], str]) -> None:
    names = [fresh_name("d") for _ in range(8)]
    with captured.listening():
        for name in names:
            captured.slapd.add_person(name)
        threads = [threading.Thread(target=captured.slapd.set_password, args=(n, f"new-password-{n}")) for n in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        both = [(n, password) for n in names for password in ("Initial-password-1", f"new-password-{n}")]
        assert sorted(captured.settled(2 * len(names))) == sorted(both)
