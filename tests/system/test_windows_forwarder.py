"""The forwarder of Windows domain controllers under Wine: it keeps what it cannot hand over, and sends in order."""

import random
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES, serialize_key_and_certificates

from tests.servers.certificates import Authority
from tests.servers.forwarder import TAKEN, Answer, Answerer, ForwarderProcess, first_seen, forwarder, trust
from tests.servers.windows import Windows

pytestmark = pytest.mark.windows
IMPORT = Path(__file__).parents[1] / "servers/windows_programs/forwarder/import_certificate.c"
NAMES = [
    "alice",
    "Jürgen",
    "e\u0301",
    "Ωmega",
    "名前",
    "\U0001f511key",
    "שלום",
    "O'Neil & co",
    'with "quotes"',
    "x" * 256,
]


@pytest.fixture(autouse=True, scope="module")
def awake(windows: Windows) -> Iterator[None]:
    with windows.awake():
        yield


@pytest.fixture
def dc(windows: Windows, tmp_path: Path) -> Iterator[ForwarderProcess]:
    with forwarder(windows, tmp_path) as made:
        yield made


def refusal(status: int, reason: str = "", detail: str = "no") -> Answer:
    return status, {"status": status, "title": "Refused", "detail": detail, "reason": reason}


def test_changes_wait_for_controllers_that_are_away_and_go_out_in_order(dc: ForwarderProcess) -> None:
    nobody, controller = Answerer(), Answerer()
    dc.configure(nobody.url, controller.url, MetricsFile=dc.windows.path(dc.folder / "pwsync.prom"))
    for number, name in enumerate(NAMES):
        dc.put(name, number + 1)
    dc.start()
    dc.wait_for_log("Captured changes wait", nobody.url.removeprefix("http://"), controller.url.removeprefix("http://"))
    away = dc.status()
    assert (away["waiting"], away["sent"], away["forwarding"]) == (len(NAMES), 0, True)
    assert away["oldestSeconds"] > 0
    assert [alarm for alarm in away["alarms"] if "nothing can be sent" in alarm]

    with controller.listening():
        dc.wait_until_sent()
        dc.put("last", 100)
        dc.wait_until_sent()
    assert controller.accounts == [*NAMES, "last"]
    path, headers, body = controller.calls[0]
    assert (path, headers["Authorization"]) == ("/v1/domains/CORP/captures", "Bearer pwsync_token")
    assert body["account"] == "CORP\\alice"
    assert body["sealedPassword"] == "c2VhbGVk"
    assert datetime.fromisoformat(body["occurredAt"]) < datetime.now(UTC)

    dc.wait_for(lambda: dc.status()["sent"] == len(NAMES) + 1, "the counts")
    assert dc.stop() == 0
    ended = dc.status()
    assert (ended["waiting"], ended["forwarding"], len(ended["alarms"])) == (0, False, 1)
    assert "pwsync_capture_forwarding 1\n" in (dc.folder / "pwsync.prom").read_text()
    assert f"pwsync_capture_sent_total {len(NAMES) + 1}\n" in dc.tell("status", "metrics")[1]
    assert dc.tell("status") == (1, f"0 waiting, {len(NAMES) + 1} sent, 0 of 10000 kept\nALARM: {ended['alarms'][0]}\n")


def test_what_is_refused_is_set_aside_and_what_a_person_must_mend_holds_up_the_row(dc: ForwarderProcess) -> None:
    answers: dict[str, Answer] = {
        "invalid": refusal(422, detail="no such \u201caccount\u201d"),
        "broken": refusal(403, "sealBroken"),
        "late": refusal(422, "expired"),
        "forbidden": refusal(403, "sourceNotAllowed", "name this principal"),
    }
    controller = Answerer(lambda account: answers.get(account, TAKEN))
    dc.configure(controller.url, MaxAgeMinutes=60)
    for number, name in enumerate(["invalid", "one", "broken", "late", "two", "forbidden", "three"]):
        dc.put(name, number + 1)
    dc.put("old", 5_000, datetime.now(UTC) - timedelta(minutes=61))
    dc.put("young", 5_001, datetime.now(UTC) - timedelta(minutes=59))
    with controller.listening():
        dc.start()
        dc.wait_for_log("Captured changes wait: problem=name this principal")
        dc.wait_for(lambda: dc.status()["refused"] == 2, "the counts")
        held = dc.status()
        assert dc.files("change") == [6, 7, 5_000, 5_001]
        assert dc.files("refused") == [1, 3]
        assert held["alarms"][0] == "nothing can be sent: name this principal"

        answers.clear()
        dc.wait_until_sent()
        assert dc.tell("retry") == (0, "2 put back\n")
        dc.wait_until_sent()
        dc.wait_for(lambda: dc.status()["sent"] == 7, "the counts")
    assert [name for name in controller.accounts if name != "forbidden"][4:] == [
        "two",
        "three",
        "young",
        "invalid",
        "broken",
    ]
    end = dc.status()
    assert (end["expired"], end["refused"], end["setAside"], end["alarms"]) == (2, 2, {"refused": 0, "damaged": 0}, [])
    assert "account=CORP\\old" in dc.log
    assert "no such \u201caccount\u201d" in dc.log


def test_what_answers_otherwise_is_no_controller_and_is_asked_again(dc: ForwarderProcess) -> None:
    luck: list[Answer | None] = [
        (200, b"<html>Welcome</html>"),
        (202, {"trackingId": 7}),
        (202, b'{"trackingId": "t"'),
        (302, {}),
        (500, b""),
        (429, {"detail": "slow down"}),
        None,
    ]
    controller = Answerer(lambda _: luck.pop(0) if luck else TAKEN)
    dc.configure(controller.url, controller.url)
    dc.put("alice", 1)
    with controller.listening():
        dc.start()
        dc.wait_until_sent()
    assert luck == []
    assert dc.files("refused") == []
    assert set(controller.accounts) == {"alice"}


def test_records_of_another_form_are_set_aside_as_damaged(dc: ForwarderProcess) -> None:
    controller = Answerer()
    dc.configure(controller.url)
    dc.put("good", 1)
    good = (dc.spool / f"{1:020d}.change").read_text()
    damaged = [
        "",
        good[:-1],
        good + " ",
        good + "\n" * 5000,
        good.replace('"account": ', '"account":'),
        good.replace("domain/CORP", "domain/corp"),
        good.replace("domain/CORP", "domain/" + "C" * 16),
        good.replace("domain/CORP", "adapter/x"),
        good.replace('"good"', '""'),
        good.replace('"good"', '"' + "x" * 257 + '"'),
        good.replace('"good"', r'"a\u00zz"'),
        good.replace('"good"', r'"a\n"'),
        good.replace('"good"', '"\u00e9"'),
        good.replace("+00:00", "+01:00"),
        good.replace('"20', '"99', 1).replace("-", "/", 1),
        good.replace("c2VhbGVk", "c2VhbGV"),
        good.replace("c2VhbGVk", "c2Vh bGVk"),
        good.replace("c2VhbGVk", ""),
    ]
    for number, record in enumerate(damaged):
        assert record != good
        dc.put_record(number + 2, record)
    dc.put("end", 1000)
    with controller.listening():
        dc.start()
        dc.wait_until_sent()
    assert dc.files("damaged") == [number + 2 for number in range(len(damaged))]
    assert controller.accounts == ["good", "end"]


def test_a_burst_of_a_thousand_and_kills_lose_nothing_and_keep_the_order(dc: ForwarderProcess) -> None:
    chance = random.Random(seed := random.randrange(1 << 30))
    controller = Answerer(lambda _: None if chance.random() < 0.003 else TAKEN)
    dc.configure(controller.url)
    names = [f"u{number}" for number in range(1000)]
    for number, name in enumerate(names):
        dc.put(name, number + 1)
    with controller.listening():
        for killed in range(4):
            dc.start()
            _wait_for_reports(dc, controller, (killed + 1) * 150 + chance.randrange(50))
            time.sleep(chance.uniform(0, 0.01))  # the moment of the kill is the subject
            dc.kill()
        dc.start()
        dc.wait_until_sent()
        assert dc.stop() == 0
    assert first_seen(controller.accounts) == names, f"seed {seed}"
    assert dc.status()["setAside"] == {"refused": 0, "damaged": 0}


def _wait_for_reports(dc: ForwarderProcess, controller: Answerer, least: int) -> None:
    dc.wait_for(lambda: len(controller.accounts) >= least or not dc.files("change"), "some to be sent")


def test_a_second_forwarder_of_one_spool_and_settings_that_cannot_be_used_are_refused(dc: ForwarderProcess) -> None:
    controller = Answerer()
    dc.configure(controller.url)
    dc.start()
    dc.wait_for_log("The forwarder has started")
    assert dc.tell("run") == (1, "error: another forwarder works on this spool: end it first\n")
    assert dc.stop() == 0
    for servers, values, words in (
        ([], {}, "Servers has to name one to eight controllers"),
        (["http://pwsync.example.com"], {}, "has to begin with https://"),
        (["http://127.example.com"], {}, "has to begin with https://"),
        (["https://pwsync.example.com/path"], {}, "more than scheme, host and port"),
        (["https://u:p@ss@pwsync.example.com/"], {}, "address '...@pwsync.example.com/' has more than scheme"),
        (
            [controller.url],
            {"Certificate": "00" * 20, "TokenFile": "Z:\\token"},
            "exactly one of TokenFile and Certificate",
        ),
        ([controller.url], {"Certificate": "00" * 20}, "no certificate of this thumbprint"),
        ([controller.url], {"Domain": ""}, "the settings of the filter"),
    ):
        dc.configure(*servers, **values)
        code, told = dc.tell("run")
        assert (code, words in told) == (1, True), told
    dc.configure(controller.url, TokenFile="Z:\\nowhere\\token")
    dc.put("alice", 1)
    dc.start()
    dc.wait_for_log("the token file cannot be read")
    assert dc.files("change") == [1]


def server_side(authority: Authority, *names: str) -> ssl.SSLContext:
    certificate = authority.issue(*names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    return context


def trusted(windows: Windows, folder: Path) -> Authority:
    """A new authority that the machine trusts."""
    authority = Authority(folder)
    root = x509.load_pem_x509_certificate(authority.ca_file.read_bytes())
    trust(windows, root.public_bytes(Encoding.DER), thumbprint_of(root).upper())
    return authority


def thumbprint_of(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA1()).hex()  # noqa: S303  # so Windows names certificates


def test_a_certificate_that_does_not_verify_gets_nothing(dc: ForwarderProcess) -> None:
    authority, other = trusted(dc.windows, dc.folder / "known"), Authority(dc.folder / "unknown", "Unknown")
    stranger = Answerer(certificate=server_side(other, "localhost"))
    misnamed = Answerer(certificate=server_side(authority, "elsewhere.example.com"))
    good = Answerer(certificate=server_side(authority, "localhost"))
    dc.configure(stranger.url, misnamed.url, good.url)
    dc.put("alice", 1)
    with stranger.listening(), misnamed.listening():
        dc.start()
        dc.wait_for_log("its certificate is not trusted here", str(stranger.port), str(misnamed.port))
        with good.listening():
            dc.wait_until_sent()
    assert (stranger.calls, misnamed.calls) == ([], [])
    assert good.accounts == ["alice"]


def key_for_wine() -> rsa.RSAPrivateKey:
    """A new key of RSA: Wine imports no other, and none with a number that begins with a byte of zeros."""
    while True:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = key.private_numbers()
        halves = (numbers.dmp1, numbers.dmq1, numbers.iqmp)
        if numbers.d.bit_length() > 2040 and all(number.bit_length() > 1016 for number in halves):
            return key


def test_a_client_certificate_proves_the_agent_in_the_place_of_a_token(dc: ForwarderProcess) -> None:
    authority = trusted(dc.windows, dc.folder / "authority")
    key = key_for_wine()
    certificate = authority.certify_client(key.public_key(), "dc1")
    old = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2000).hmac_hash(SHA1())  # noqa: S303  # so Wine reads it
    sealed = old.key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC).build(b"pw")
    file = dc.folder / "agent.pfx"
    file.write_bytes(serialize_key_and_certificates(b"dc1", key, certificate, None, sealed))
    program = dc.windows.compile("import_certificate.exe", IMPORT, options=("-lcrypt32",))
    dc.windows.run(program, dc.windows.path(file), "pw")

    context = server_side(authority, "localhost")
    context.load_verify_locations(authority.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    controller = Answerer(certificate=context)
    dc.configure(controller.url, Certificate=thumbprint_of(certificate))
    dc.put("alice", 1)
    with controller.listening():
        dc.start()
        dc.wait_until_sent()
        assert dc.stop() == 0
    ((_, headers, _),) = controller.calls
    assert "Authorization" not in headers
    dc.configure(Answerer().url, Certificate=thumbprint_of(certificate))
    assert dc.tell("run") == (1, "error: a client certificate is shown over https:// only\n")


def test_groups_decide_and_what_cannot_be_told_waits(windows: Windows, tmp_path: Path) -> None:
    with forwarder(windows, tmp_path, "pwsync-forwarder-for-tests.exe") as dc:
        controller = Answerer()
        dc.configure(controller.url, IncludeGroups=["staff", "Teachers"], ExcludeGroups=["service accounts", "robots"])
        dc.put("alice", 1)
        with controller.listening():
            dc.start()
            dc.wait_for_log("the directory is away")
            assert dc.files("change") == [1]

            _write(dc, "alice staff\nBob teachers\nrobot staff robots\ncarol pupils\nerin ?\nmallory ? robots\n")
            for number, name in enumerate(["bob", "robot", "carol", "nobody", "erin", "mallory", "Erin", "ALICE"]):
                dc.put(name, number + 2)
            dc.wait_for(lambda: dc.files("change") == [6, 8], "all to be decided that can be")
            dc.wait_for(lambda: dc.status()["leftOut"] == 4, "the counts")
            waiting = dc.status()
            assert (waiting["undecided"], waiting["sent"]) == (2, 3)
            assert waiting["alarms"] == [
                "2 wait, since nobody can tell whether to send them: the directory does not know erin"
            ]
            assert controller.accounts == ["alice", "bob", "ALICE"]
            assert dc.stop() == 0

            _write(dc, "erin staff\n")
            dc.start()
            dc.wait_until_sent()
            assert controller.accounts[3:] == ["erin", "Erin"]
            dc.wait_for(lambda: dc.status()["alarms"] == [], "the alarm to end")


def _write(dc: ForwarderProcess, text: str) -> None:
    unfinished = dc.folder / "memberships.new"
    unfinished.write_text(text)
    unfinished.rename(dc.memberships)


def test_without_a_directory_that_tells_groups_nothing_is_sent_or_dropped(dc: ForwarderProcess) -> None:
    controller = Answerer()
    dc.configure(controller.url, ExcludeGroups=["robots"])
    dc.put("alice", 1)
    with controller.listening():
        dc.start()
        dc.wait_for_log("the directory does not tell who is in which group")
        assert [alarm for alarm in dc.status()["alarms"] if "the directory does not tell" in alarm]
    assert (controller.calls, dc.files("change")) == ([], [1])
