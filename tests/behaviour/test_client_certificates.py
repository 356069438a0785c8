"""Callers that prove themselves with a certificate: real ones, over TLS, to a server on a real socket."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPResponse
from pathlib import Path
from threading import Event

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from controller.model.errors import SettingsError, Unauthenticated
from controller.model.topology import Domain, Kind, Source
from controller.web import server
from controller.web.client_authority import ClientAuthority
from controller.web.client_certificate import ClientCertificate, extensions_of
from controller.web.limiting import FAILURES
from controller.web.listening import Certificate
from controller.web.renewal import Renewal
from controller.web.tls_listening import HandshakeWatch
from tests.behaviour.test_api_server import ALICE, connect, read_all, while_serving
from tests.doubles.api import SWITCHES, WINDOWS, ApiBench
from tests.servers.certificates import Authority, ServerCertificate

SPIFFE = "spiffe://example.com/capture/dc2"
Called = Callable[[httpx.Client], httpx.Response]


class Site:
    """A server with a certificate, the authority of its callers, and who is a source of CORP."""

    def __init__(self, folder: Path) -> None:
        self.api = ApiBench(folder)
        self.servers, self.callers = Authority(folder / "servers"), Authority(folder / "callers")
        self.issued = self.servers.issue("127.0.0.1")
        self.failed: list[str] = []  # handshakes
        sources = (Source("dc1"), Source("dc2.corp.example.com"), Source(SPIFFE), Source("mim@example.com"))
        self.api.bench.put(Kind.DOMAIN, "CORP", Domain("corp.example.com", sources))

    def certificate(self, crl_file: Path | None = None) -> Certificate:
        """What the server is given."""
        clients = ClientAuthority(self.callers.ca_file, crl_file)
        return Certificate(self.issued.certificate_file, self.issued.key_file, clients)

    def client(self, shown: ServerCertificate | None, host: str, port: int) -> httpx.Client:
        """A caller that shows a certificate, or none."""
        return httpx.Client(verify=self.client_context(shown), base_url=f"https://{host}:{port}")

    def client_context(self, shown: ServerCertificate | None) -> ssl.SSLContext:
        """What such a caller is made of."""
        context = ssl.create_default_context(cafile=str(self.servers.ca_file))
        if shown is not None:
            context.load_cert_chain(shown.certificate_file, shown.key_file)
        return context

    def call(self, shown: ServerCertificate | None, called: Called, crl_file: Path | None = None) -> httpx.Response:
        """Make a call while the server runs."""

        def work(host: str, port: int) -> httpx.Response:
            with self.client(shown, host, port) as client:
                return called(client)

        watch = HandshakeWatch(self.failed.append, self.api.installation.admission.note_unproven)
        return while_serving(self.api, work, certificate=self.certificate(crl_file), watch=watch)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.api.close()


def report(client: httpx.Client) -> httpx.Response:
    return client.post(WINDOWS, json=ALICE)


def mine(client: httpx.Client) -> httpx.Response:
    return client.get("/v1/changes")


@pytest.mark.parametrize(
    ("common_names", "names", "principal"),
    [
        (("dc1",), (), "dc1"),
        (("ignored",), (x509.DNSName("dc2.corp.example.com"),), "dc2.corp.example.com"),
        ((), (x509.UniformResourceIdentifier(SPIFFE),), SPIFFE),
        (("a", "b"), (x509.RFC822Name("mim@example.com"),), "mim@example.com"),
    ],
)
def test_the_one_name_of_a_certificate_is_the_caller(
    site: Site, common_names: tuple[str, ...], names: tuple[x509.GeneralName, ...], principal: str
) -> None:
    answer = site.call(site.callers.issue_client(*common_names, names=names), report)

    assert answer.status_code == 202
    (accepted,) = site.api.events("windowsChangeAccepted")
    assert accepted.fields["caller"] == principal


@pytest.mark.parametrize(
    ("common_names", "names", "problem"),
    [
        ((), (), "names nobody"),
        (("dc1", "dc2"), (), "several principals"),
        (("dc1",), (x509.DNSName("dc2.corp.example.com"), x509.DNSName("corp.example.com")), "several principals"),
        (("dc1\x00.example.com",), (), "nobody that a manifest could name"),
        (("dc1 ",), (), "nobody that a manifest could name"),
        (("dc1\u202e",), (), "nobody that a manifest could name"),
        ((), (x509.UniformResourceIdentifier("local:root"),), "nobody that a manifest could name"),
    ],
)
def test_a_certificate_that_names_no_one_principal_proves_nothing(
    site: Site, common_names: tuple[str, ...], names: tuple[x509.GeneralName, ...], problem: str
) -> None:
    answer = site.call(site.callers.issue_client(*common_names, names=names), report)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert problem in answer.json()["detail"]
    (event,) = site.api.events("callerUnproven")
    assert problem in event.fields["problem"]


def refused_in_the_handshake(site: Site, shown: ServerCertificate, crl_file: Path | None = None) -> bool:
    """Whether a caller gets no answer at all; with TLS 1.3 it learns of it when it reads."""
    with pytest.raises((httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)):
        site.call(shown, mine, crl_file)
    return site.api.count_changes() == 0 and not site.api.events("callRefused")


def test_a_certificate_of_another_authority_is_refused_in_the_handshake(site: Site, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")  # of the same name
    assert refused_in_the_handshake(site, other.issue_client("dc1"))


def test_a_refused_certificate_is_recorded_with_its_address_and_why_and_counted(site: Site) -> None:
    assert refused_in_the_handshake(site, site.callers.issue_client("dc1", valid_for=-timedelta(minutes=1)))
    assert refused_in_the_handshake(site, site.callers.issue_client("dc1", valid_for=-timedelta(minutes=1)))

    (event,) = site.api.events("callerUnproven")  # of one problem, one in a minute
    problem = "its certificate was refused in the handshake: certificate has expired"
    assert event.fields == {"address": "127.0.0.1", "problem": problem}
    assert site.failed == ["certificate", "certificate"]


def test_what_is_no_tls_is_counted_alone(site: Site) -> None:
    def work(host: str, port: int) -> bytes:
        with connect(host, port) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            return read_all(plain)

    watch = HandshakeWatch(site.failed.append, site.api.installation.admission.note_unproven)
    assert b"HTTP/1.1" not in while_serving(site.api, work, certificate=site.certificate(), watch=watch)
    assert site.failed == ["other"]
    assert not site.api.events("callerUnproven")


def test_an_authority_below_another_is_believed_alone_and_those_beside_it_are_not(site: Site, tmp_path: Path) -> None:
    root = Authority(tmp_path / "root", "Root")
    beside = Authority(tmp_path / "beside", "Beside", above=root)
    site.callers = Authority(tmp_path / "below", "Below", above=root)

    assert site.call(site.callers.issue_client("dc1"), mine).status_code == 200
    for other in (root, beside):
        assert refused_in_the_handshake(site, other.issue_client("dc1"))


def test_a_certificate_that_has_expired_is_refused_in_the_handshake(site: Site) -> None:
    assert refused_in_the_handshake(site, site.callers.issue_client("dc1", valid_for=-timedelta(minutes=1)))


def test_a_server_s_certificate_is_no_caller_s(site: Site) -> None:
    shown = site.callers.issue_client("dc1", usage=ExtendedKeyUsageOID.SERVER_AUTH)
    assert refused_in_the_handshake(site, shown)


def test_a_revoked_certificate_is_refused_in_the_handshake_and_others_are_not(site: Site) -> None:
    stolen, good = site.callers.issue_client("dc1"), site.callers.issue_client("dc1")
    crl_file = site.callers.revoke(stolen)

    assert site.call(good, mine, crl_file).status_code == 200
    assert refused_in_the_handshake(site, stolen, crl_file)


def test_a_session_from_before_a_revocation_is_not_resumed_and_others_are(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOOK_EVERY", 1)
    stolen, good = site.callers.issue_client("dc1"), site.callers.issue_client("dc1")
    crl_file, renewed = site.callers.revoke(age=timedelta(hours=2)), Event()

    def work(host: str, port: int) -> None:
        thief, caller = site.client_context(stolen), site.client_context(good)
        for context in (thief, caller):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        sessions = [resumed(host, port, context)[1] for context in (thief, caller)]
        site.callers.revoke(stolen)
        assert renewed.wait(30)

        for context, session in zip((thief, caller), sessions, strict=True):
            with pytest.raises(OSError, match=r"reset|EOF|closed"):
                resumed(host, port, context, session)
        with pytest.raises(OSError, match=r"revoked|EOF"):
            resumed(host, port, thief, sessions[0])
        status, session = resumed(host, port, caller, sessions[1])
        assert status == 200
        assert session != sessions[1]

    while_serving(site.api, work, certificate=site.certificate(crl_file), on_renewed=renewed.set)


def resumed(
    host: str, port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[int, ssl.SSLSession]:
    """Call with a session of an earlier connection; returns the status, and the session there was then."""
    with (
        socket.create_connection((host, port), 20) as plain,
        context.wrap_socket(plain, server_hostname=host, session=session) as encrypted,
    ):
        encrypted.sendall(b"GET /v1/changes HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        answer = HTTPResponse(encrypted)
        answer.begin()
        answer.read()
        assert encrypted.session is not None
        return answer.status, encrypted.session


def test_a_principal_that_manifests_no_longer_name_has_no_role_at_once(site: Site) -> None:
    shown = site.callers.issue_client("dc1")

    def work(host: str, port: int) -> list[httpx.Response]:
        with site.client(shown, host, port) as client:
            first = mine(client)
            site.api.bench.put(Kind.DOMAIN, "CORP", Domain("corp.example.com"))
            return [first, mine(client), report(client)]  # on the same connection

    answers = while_serving(site.api, work, certificate=site.certificate())

    assert [a.status_code for a in answers] == [200, 403, 403]
    assert [a.json()["reason"] for a in answers[1:]] == ["noRole", "sourceNotAllowed"]


def test_without_a_certificate_a_token_proves_the_caller_as_ever(site: Site) -> None:
    token = {"Authorization": f"Bearer {site.api.tokens['dc1']}"}

    assert site.call(None, lambda client: client.get("/v1/changes", headers=token)).status_code == 200
    assert site.call(None, mine).status_code == 401
    assert site.call(None, lambda client: client.get("/healthz")).status_code == 200


def test_a_token_goes_before_the_certificate_and_a_bad_one_is_not_made_good_by_it(site: Site) -> None:
    site.api.system(replace(SWITCHES, administrators=("ops",)))
    shown = site.callers.issue_client("dc1")

    def work(host: str, port: int) -> list[int]:
        with site.client(shown, host, port) as client:
            tokens = (site.api.tokens["ops"], "pwsync_bad")
            return [client.get("/v1/status", headers={"Authorization": f"Bearer {t}"}).status_code for t in tokens]

    assert while_serving(site.api, work, certificate=site.certificate()) == [200, 401]


def test_neighbours_who_prove_nothing_do_not_hold_up_who_shows_a_certificate(site: Site) -> None:
    shown = site.callers.issue_client("dc1")

    def work(host: str, port: int) -> tuple[list[int], int]:
        with site.client(None, host, port) as stranger, site.client(shown, host, port) as caller:
            statuses = [mine(stranger).status_code for _ in range(FAILURES.burst + 1)]
            return statuses[-2:], mine(caller).status_code

    assert while_serving(site.api, work, certificate=site.certificate()) == ([401, 429], 200)


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
def test_a_page_in_a_browser_cannot_use_the_certificate_that_the_browser_has(site: Site, header: str) -> None:
    answer = site.call(
        site.callers.issue_client("dc1"),
        lambda client: client.get("/v1/changes", headers={header: "https://evil.test"}),
    )

    assert answer.status_code == 401


def test_in_clear_there_is_no_certificate() -> None:
    assert extensions_of(None) == {}


def test_a_certificate_that_expires_during_a_connection_proves_nothing_any_more() -> None:
    fields = {"subject": ((("commonName", "dc1"),),), "notAfter": "Jan  1 00:00:00 2026 GMT"}
    assert ClientCertificate(fields | {"notAfter": "Jan  1 00:00:00 2999 GMT"}).principal() == "dc1"
    with pytest.raises(Unauthenticated, match="expired"):
        ClientCertificate(fields).principal()


def test_files_that_are_not_what_they_should_be_are_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    leaf = site.callers.issue_client("dc1").certificate_file
    wrong = [
        ClientAuthority(tmp_path / "missing.pem"),
        ClientAuthority(tmp_path / "empty.pem"),
        ClientAuthority(leaf),
        ClientAuthority(site.callers.ca_file, tmp_path / "missing.pem"),
        ClientAuthority(site.callers.ca_file, leaf),
    ]
    for clients in wrong:
        with pytest.raises(SettingsError, match=str(clients.crl_file or clients.ca_file)):
            replace(site.certificate(), clients=clients).context()


def test_a_renewed_certificate_is_used_without_a_restart(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LOOK_EVERY", 1)
    renewed: list[bool] = []

    def serial(host: str, port: int) -> str:
        context = ssl.create_default_context(cafile=str(site.servers.ca_file))
        with (
            socket.create_connection((host, port), 20) as plain,
            context.wrap_socket(plain, server_hostname=host) as encrypted,
        ):
            shown = encrypted.getpeercert()
        assert shown is not None
        return str(shown["serialNumber"])

    def work(host: str, port: int) -> tuple[str, str]:
        before = serial(host, port)
        site.servers.issue("127.0.0.1")  # into the same files
        deadline = time.monotonic() + 30
        while not renewed and time.monotonic() < deadline:
            serial(host, port)
        return before, serial(host, port)

    before, after = while_serving(
        site.api, work, certificate=site.certificate(), on_renewed=lambda: renewed.append(True)
    )

    assert before != after


def test_half_a_renewal_changes_nothing_until_it_is_whole(site: Site) -> None:
    certificate, renewed = site.certificate(), []
    renewal = Renewal(certificate, certificate.context(), lambda: renewed.append(True))
    renewal.look()
    key = site.issued.key_file.read_bytes()
    site.servers.issue("127.0.0.1")
    new_key = site.issued.key_file.read_bytes()
    site.issued.key_file.write_bytes(key)
    renewal.look()
    site.issued.key_file.unlink()
    renewal.look()
    assert renewed == []
    site.issued.key_file.touch(mode=0o600)
    site.issued.key_file.write_bytes(new_key)
    renewal.look()
    renewal.look()
    assert renewed == [True]
