"""A real 389 Directory Server, set up as ``pwsync capture setup ds389`` says: what its change log tells is captured."""

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.capture.change_log.reader import PATIENCE
from controller.capture.ds389.directory import LdapDirectory
from controller.capture.ds389.reader import Ds389Reader
from controller.capture.ds389.setting_up import ds389_steps
from controller.capture.ds389.settings import Ds389Spec
from controller.connectors.ldap.endpoint import Endpoint
from controller.connectors.ldap.session import Session
from controller.model.secret import Secret
from tests.servers.connectors import IMPATIENT
from tests.servers.ds389 import (
    BASE_DN,
    CAPTURE_DN,
    PEOPLE_DN,
    SERVICE_DN,
    SERVICE_PASSWORD,
    Ds389Server,
    running_ds389,
)
from tests.servers.fixtures import require_server
from tests.unit.capture.bench import CaptureBench

pytestmark = pytest.mark.system
LOG_DN = "cn=changelog"
# Its log has new passwords too, as soon as the switch is on.
REPLICA = f"""\
dn: cn=replica,cn="{BASE_DN}",cn=mapping tree,cn=config
changetype: add
objectClass: nsds5Replica
objectClass: extensibleObject
cn: replica
nsds5ReplicaRoot: {BASE_DN}
nsds5ReplicaId: 7
nsds5ReplicaType: 3
nsds5Flags: 1
nsds5ReplicaBindDN: cn=replication manager,cn=config

"""


def spec_of(server: Ds389Server) -> Ds389Spec:
    return Ds389Spec.model_validate(
        {
            "url": server.ldaps_url,
            "caFile": str(server.ca_file),
            "bind": {"user": CAPTURE_DN, "passwordFrom": {"env": "X"}},
            "baseDN": PEOPLE_DN,
        }
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ds389Server]:
    """A server, one of several replicas, that was set up with the very lines that the command prints."""
    require_server("ns-slapd", "ldapsearch", "certutil", "pk12util")
    with running_ds389(tmp_path_factory.mktemp("ds389")) as server:
        first, second, third = re.split(r"^# [23]\. .*\n", ds389_steps(spec_of(server)), flags=re.MULTILINE)
        for step in (first, REPLICA + re.sub(r"^#    ", "", second, flags=re.MULTILINE)):
            server.modify(step)
            server.process.restart()
        server.modify(third)
        yield server


class Captured:
    """A server, a spool, and readers that know only what is on the disk."""

    def __init__(self, server: Ds389Server, folder: Path) -> None:
        self.server = server
        self.seconds = 0.0
        self.bench = CaptureBench(folder, most=50)
        self.bench.capture._spec = self.bench.spec.model_copy(update={"domain": None, "adapter": "ds389"})
        reader = self.reader()  # it begins after what other tests have left in the log, and cut out of it
        with closing(reader._directory):
            last = re.search(r"lastchangenumber: (\d+)", server.read("", "lastchangenumber"))
            reader.begin_with(1 + (int(last[1]) if last is not None else 0))
            reader.read_new()

    def reader(self) -> Ds389Reader:
        spec = spec_of(self.server)
        session = Session(Endpoint.of(spec), CAPTURE_DN, Secret(SERVICE_PASSWORD), IMPATIENT)
        return Ds389Reader(
            *(self.bench.capture, spec, LdapDirectory(session)),
            now=lambda: datetime.now(UTC),
            steady_time=lambda: self.seconds,
            jitter=lambda: 0.5,
        )

    def read(self) -> Ds389Reader:
        """Read all that is new, with a reader that was just started."""
        reader = self.reader()
        with closing(reader._directory):
            reader.read_new()
        return reader

    @property
    def log(self) -> str:
        """The whole log, as the administrator sees it."""
        return _search(self.server, LOG_DN)


@pytest.fixture
def captured(told: Ds389Server, tmp_path: Path) -> Captured:
    return Captured(told, tmp_path)


def test_what_succeeds_is_captured_and_no_longer_in_the_log_nor_anywhere_on_the_disk(
    captured: Captured, fresh_name: Callable[[str], str]
) -> None:
    server, alice, bob = captured.server, fresh_name("alice"), fresh_name("bob")
    server.add_person(alice, "Initial-password-1")
    server.add_person(bob)
    before = datetime.now(UTC).replace(microsecond=0)
    server.replace_password(alice, "Ärger-\U0001f511-by-modify")
    server.change_own_password(server.person_dn(alice), "Ärger-\U0001f511-by-modify", "Chosen-by-herself-3062")
    with pytest.raises(RuntimeError, match="onstraint"):
        server.replace_password(bob, "Tiny-1")
    server.modify(
        f"dn: {server.person_dn(bob)}\nchangetype: modify\nreplace: userPassword\nuserPassword: Übers Admin\n"
    )
    server.modify(f"dn: {SERVICE_DN}\nchangetype: modify\nadd: description\ndescription: outside of the suffix\n")
    assert "unhashed#user#password" in captured.log

    assert captured.read().state.problem == ""
    assert captured.bench.waiting() == [
        (alice, "Ärger-\U0001f511-by-modify"),
        (alice, "Chosen-by-herself-3062"),
        (bob, "Übers Admin"),
    ]
    change = captured.bench.spool.read(captured.bench.spool.waiting()[0])
    assert before <= change.occurred_at <= datetime.now(UTC)
    assert "unhashed#user#password" not in captured.log
    server.process.restart()  # so that everything is written
    (captured.bench.spool.path / "control").write_bytes(_as_the_log_writes("Chosen-by-herself-3062"))
    assert [path.name for path in _files_with(captured.bench.spool.path, "Chosen-by-herself-3062")] == ["control"]
    assert _files_with(server.folder, "Chosen-by-herself-3062") == []
    assert captured.read().state.counts.missing == 0
    assert len(captured.bench.waiting()) == 3


def test_a_hash_that_was_sent_is_told_and_one_that_the_server_made_is_not(
    captured: Captured, fresh_name: Callable[[str], str]
) -> None:
    server, name = captured.server, fresh_name("alice")
    dn = server.add_person(name)
    server.modify(
        f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: {{SSHA}}bm90LWNsZWFyLWF0LWFsbA==\n"
    )
    reader = captured.read()
    assert (reader.state.counts.refused, reader.state.missed[-1].user) == (1, name)
    server.replace_password(name, "Then-in-clear-1")
    server.modify("dn: cn=config\nchangetype: modify\nreplace: passwordStorageScheme\npasswordStorageScheme: SSHA256\n")
    assert server.can_bind(dn, "Then-in-clear-1")
    assert "{SSHA256}" in base64.b64decode(server.read(dn, "userPassword").rpartition("userPassword:: ")[2]).decode()

    assert captured.read().state.counts.refused == 1
    assert captured.bench.waiting() == [(name, "Then-in-clear-1")]


def test_an_account_is_spelled_as_its_entry_is(captured: Captured, fresh_name: Callable[[str], str]) -> None:
    server, name = captured.server, fresh_name("alice")
    dn = server.add_person(name, "Initial-password-1").replace("uid=alice", "UID=Alice")
    server.modify(f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: Chosen-password-1\n")
    captured.read()
    assert captured.bench.waiting() == [(name, "Chosen-password-1")]


def test_nobody_can_write_a_clear_text_of_his_own_into_the_log(
    captured: Captured, fresh_name: Callable[[str], str]
) -> None:
    server, name = captured.server, fresh_name("alice")
    dn = server.add_person(name, "Initial-password-1")
    forged = "replace: unhashed#user#password\nunhashed#user#password: Forged-password-1\n"
    real = "replace: userPassword\nuserPassword: Chosen-password-1\n-\n"
    with pytest.raises(RuntimeError, match="unwilling to perform"):
        server.modify(f"dn: {dn}\nchangetype: modify\n{forged}")
    server.modify(f"dn: {dn}\nchangetype: modify\n{real}{forged}")
    captured.read()
    assert captured.bench.waiting() == [(name, "Chosen-password-1")]


def test_only_the_reader_sees_the_log(captured: Captured, fresh_name: Callable[[str], str]) -> None:
    server, name = captured.server, fresh_name("alice")
    dn = server.add_person(name)
    server.replace_password(name, "Not-for-others-1")

    for who, password in ((dn, "Not-for-others-1"), (SERVICE_DN, SERVICE_PASSWORD)):
        assert "changes" not in _search(server, LOG_DN, who, password)
    assert "changes" in _search(server, LOG_DN, CAPTURE_DN, SERVICE_PASSWORD)
    captured.read()  # so that it does not stay there


def test_a_reader_that_may_not_clear_the_log_says_so_and_goes_on_once_it_may(
    captured: Captured, fresh_name: Callable[[str], str]
) -> None:
    server, name = captured.server, fresh_name("alice")
    server.add_person(name)
    server.replace_password(name, "First-password-1")
    server.replace_password(name, "Second-password-2")
    (aci,) = (line for line in server.read(LOG_DN, "aci").splitlines() if "takes passwords out" in line)
    server.modify(f"dn: {LOG_DN}\nchangetype: modify\ndelete: aci\n{aci}\n")
    reader = captured.reader()
    with closing(reader._directory):
        reader.read_new()
        reader.read_new()
        assert "the password cannot be taken out" in reader.state.problem
        assert captured.bench.waiting() == [(name, "First-password-1")]
        server.modify(f"dn: {LOG_DN}\nchangetype: modify\nadd: aci\n{aci}\n")
        reader.read_new()

    assert captured.bench.waiting() == [(name, "First-password-1"), (name, "Second-password-2")]
    assert "unhashed#user#password" not in captured.log


def test_what_was_trimmed_before_it_was_read_is_reported(captured: Captured, fresh_name: Callable[[str], str]) -> None:
    server, name = captured.server, fresh_name("alice")
    server.add_person(name)
    done = captured.read().state.number
    server.replace_password(name, "Trimmed-password-1")
    server.replace_password(name, "Present-password-2")
    trimmed = re.findall(r"dn: changenumber=(\d+),cn=changelog", captured.log)[:-2]
    lost = [number for number in map(int, trimmed) if done is not None and number > done]
    for number in lost:
        server.modify(f"dn: changenumber={number},{LOG_DN}\nchangetype: delete\n")
    reader = captured.reader()
    with closing(reader._directory):
        reader.read_new()
        assert reader.state.number == done  # they may come yet
        captured.seconds += (PATIENCE + timedelta(seconds=1)).total_seconds()
        reader.read_new()

    assert reader.state.counts.missing == len(lost) > 0
    assert captured.bench.waiting() == [(name, "Present-password-2")]


def _files_with(folder: Path, password: str) -> list[Path]:
    """Files of the server in which a password stands in clear, or in base64 of LDIF, once or twice."""
    needles = _encodings(password.encode())
    contents = ((path, path.read_bytes().replace(b"\n ", b"")) for path in folder.rglob("*") if path.is_file())
    return [path for path, content in contents if any(needle in content for needle in needles)]


def _as_the_log_writes(password: str) -> bytes:
    """As it stands in the database of a log that is not encrypted: a folded value in base64."""
    changes = f"replace: unhashed#user#password\nunhashed#user#password: {password}\n-\n\0"
    return base64.encodebytes(changes.encode()).replace(b"\n", b"\n ")


def _encodings(text: bytes) -> set[bytes]:
    """*text*, and the middle of its base64 at each of the three places where it may begin."""
    found = {text}
    for inner in (text, base64.b64encode(text)[:-4]):
        for before in range(3):
            found.add(base64.b64encode(b"x" * before + inner)[4:-4])
    return found


def _search(server: Ds389Server, base: str, dn: str | None = None, password: str = "") -> str:
    command = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", base]
    who = (dn, password) if dn is not None else ("cn=Directory Manager", "Admin-of-389-1")
    done = server.run_client(command, *who)
    return re.sub(
        r"^changes:: (.*)$",
        lambda found: "changes: " + base64.b64decode(found[1]).decode("utf-8", "replace"),
        done.stdout,
        flags=re.MULTILINE,
    )
