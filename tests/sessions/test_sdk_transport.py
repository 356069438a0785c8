"""The kit's way to the controller over real sockets: connections that are kept, TLS, and being interrupted."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from controller.sdk.errors import ControllerAway
from controller.sdk.transport import MOST_BYTES, Answer, ClientCertificate, Controller, Request
from tests.servers.certificates import Authority

PING = Request("GET", "/v1/ping")
WAITING = Request("GET", "/v1/wait", may_wait=True)


@dataclass
class Server:
    """A server that answers as it is told.

    Attributes:
        connections: How many were opened.
        waiting: Set while a call waits for ``go_on``.
    """

    body: bytes = b"{}"
    cuts: bool = False
    hangs_up: bool = False
    connections: int = 0
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    waiting: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    port: int = 0


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            server.connections += 1
            super().setup()

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            server.seen.append((f"{self.command} {self.path}", body))
            if self.path == "/v1/wait":
                server.waiting.set()
                server.go_on.wait(60)
            self.send_response(200)
            self.send_header("Content-Length", str(len(server.body) + 10 * server.cuts))
            self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(server.body)
            if server.cuts or server.hangs_up:
                self.close_connection = True

        do_POST = do_GET  # noqa: N815  # as http.server names it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class _QuietServer(ThreadingHTTPServer):
    """Callers that do not trust it hang up, and that is no news."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(server: Server, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that runs until the end of the block."""
    with _QuietServer(("127.0.0.1", 0), _handler(server)) as http:
        if context is not None:
            http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
        server.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            http.shutdown()
            thread.join()


@contextmanager
def controller(server: Server, make: Callable[[], Controller] | None = None) -> Iterator[Controller]:
    """The controller at that server."""
    made = Controller(f"http://127.0.0.1:{server.port}") if make is None else make()
    try:
        yield made
    finally:
        made.close()


def tls_of(authority: Authority, *names: str, asks: bool = False) -> ssl.SSLContext:
    """The context of a server; with *asks* it wants a certificate of the same authority."""
    issued = authority.issue(*names)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(issued.certificate_file, issued.key_file)
    if asks:
        context.load_verify_locations(authority.ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_calls_go_over_one_connection() -> None:
    with serving(Server()) as server, controller(server) as at:
        for _ in range(3):
            assert at.send(Request("POST", "/v1/x", body=b"{}")) == Answer(200, b"{}", 7)
        assert server.seen == [("POST /v1/x", b"{}")] * 3
        assert server.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    with serving(Server(hangs_up=True)) as server, controller(server) as at:
        for _ in range(3):
            assert at.send(PING).status == 200
        assert server.connections == 3


def test_a_call_that_waits_does_not_hold_up_others() -> None:
    with serving(Server()) as server, controller(server) as at:
        answers: list[Answer] = []
        thread = threading.Thread(target=lambda: answers.append(at.send(WAITING)))
        thread.start()
        assert server.waiting.wait(30)
        assert at.send(PING).status == 200
        server.go_on.set()
        thread.join(30)
        assert [answer.status for answer in answers] == [200]


@pytest.mark.parametrize("is_secure", [False, True])
def test_a_call_that_waits_is_interrupted_at_once_and_none_waits_any_more(tmp_path: Path, *, is_secure: bool) -> None:
    authority = Authority(tmp_path)
    context = tls_of(authority, "localhost", "127.0.0.1") if is_secure else None
    with serving(Server(), context) as server:
        address = f"{'https' if is_secure else 'http'}://127.0.0.1:{server.port}"
        with controller(server, lambda: Controller(address, ca_file=authority.ca_file)) as at:
            errors: list[Exception] = []

            def wait() -> None:
                try:
                    at.send(WAITING)
                except ControllerAway as error:
                    errors.append(error)

            thread = threading.Thread(target=wait)
            start = time.monotonic()
            thread.start()
            assert server.waiting.wait(30)
            at.interrupt()
            thread.join(30)
            assert len(errors) == 1
            assert time.monotonic() - start < 20, "long before the call would have ended"
            with pytest.raises(ControllerAway, match="the adapter ends"):
                at.send(WAITING)
            assert at.send(PING).status == 200, "the answer to what is under way still gets through"


def test_an_answer_that_is_cut_off_is_none() -> None:
    with (
        serving(Server(cuts=True)) as server,
        controller(server) as at,
        pytest.raises(ControllerAway, match="cut off"),
    ):
        at.send(PING)


def test_an_answer_that_is_too_long_is_none() -> None:
    with (
        serving(Server(body=b"x" * (MOST_BYTES + 1))) as server,
        controller(server) as at,
        pytest.raises(ControllerAway, match="too long"),
    ):
        at.send(PING)


def test_a_controller_that_is_not_there_is_away() -> None:
    with serving(Server()) as server:
        at = Controller(f"http://127.0.0.1:{server.port}")
    with pytest.raises(ControllerAway, match=f"at 127.0.0.1:{server.port} gives no answer: .*refused"):
        at.send(PING)


def test_a_certificate_of_the_authority_and_for_the_name_is_asked_for(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    with serving(Server(), tls_of(authority, "localhost")) as server:
        good, name = f"https://localhost:{server.port}", f"https://127.0.0.1:{server.port}"
        with controller(server, lambda: Controller(good, ca_file=authority.ca_file)) as at:
            assert at.send(PING).status == 200
        for url, ca_file in ((good, other.ca_file), (good, None), (name, authority.ca_file)):
            with pytest.raises(ControllerAway, match="CERTIFICATE_VERIFY_FAILED"):
                Controller(url, ca_file=ca_file).send(PING)


def test_the_adapter_may_show_a_certificate_of_its_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(Server(), tls_of(authority, "localhost", asks=True)) as server:
        issued = authority.issue("host-agent")
        url, own = f"https://localhost:{server.port}", ClientCertificate(issued.certificate_file, issued.key_file)
        with controller(server, lambda: Controller(url, ca_file=authority.ca_file, certificate=own)) as at:
            assert at.send(PING).status == 200
        with pytest.raises(ControllerAway):
            Controller(url, ca_file=authority.ca_file).send(PING)
