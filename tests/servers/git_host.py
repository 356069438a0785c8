"""A host of git repositories over HTTPS, with a user and password: git's own http-backend behind a small server."""

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.servers.certificates import LOOPBACK_NAMES, Authority


@dataclass
class GitHost:
    """What is served, to whom.

    Attributes:
        root: The folder with the repositories.
        login: ``user:password``; empty when everybody may read.
        redirect_to: Answers every request with a redirection to there.
        logins: What callers logged in with, in order; None where they did not.
    """

    root: Path
    login: str = ""
    redirect_to: str = ""
    port: int = 0
    logins: list[str | None] = field(default_factory=list)

    def address(self, repository: str) -> str:
        """As pwsync takes it."""
        return f"git+https://localhost:{self.port}/{repository}"


@contextmanager
def git_host(root: Path, authority: Authority, login: str = "") -> Iterator[GitHost]:
    """Serve the repositories in *root* on a free port."""
    host = GitHost(root, login)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(host))
    certificate = authority.issue(*LOOPBACK_NAMES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    host.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(host: GitHost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            """Tests look at what was asked, not at a log."""

        def _answer(self) -> None:
            header = self.headers.get("Authorization", "")
            given = base64.b64decode(header.removeprefix("Basic ")).decode() if header else None
            host.logins.append(given)
            if host.redirect_to:
                self.send_response(302)
                self.send_header("Location", host.redirect_to + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif host.login and given != host.login:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._run_backend()

        def _run_backend(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            environment = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(host.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
            }
            command = ["git", "http-backend"]
            answered = subprocess.run(command, env=environment, input=body, capture_output=True, check=True)
            head, _, content = answered.stdout.partition(b"\r\n\r\n")
            fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
            self.send_response(next((int(value[:3]) for name, value in fields if name == "Status"), 200))
            for name, value in fields:
                if name != "Status":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
