"""What editors tell of manifests: the YAML language server that they use, over its own protocol (LSP)."""

import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import IO, Any

import pytest

from controller.capture.settings import settings_schema
from controller.connectors.registry import installed_connectors
from controller.manifests.schema import json_schema
from tests.documentation.pages import ROOT, shown_manifests

DECLARED = ROOT / "tests" / "editors"
SERVER = Path("node_modules", "yaml-language-server", "bin", "yaml-language-server")
PATIENCE = 60
BROKEN = "apiVersion: pwsync/v1\nkind: Application\nmetadata: {name: X}\nspec: {enabld: true}\n"


@pytest.fixture(scope="module")
def server_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's program, installed as the lock file says, once for each lock file."""
    if shutil.which("npm") is None:
        _give_up("npm is not installed: tests/servers/install")
    lock = (DECLARED / "package-lock.json").read_bytes()
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pwsync-tests"
    folder = kept / f"editors-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / SERVER).exists():
        made = tmp_path_factory.mktemp("editors")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(DECLARED / name, made)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False, timeout=240)
        if done.returncode != 0:
            _give_up(f"npm ci: {done.stderr[-500:]}")
        kept.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(made, folder)
    return folder / SERVER


def _give_up(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


class LanguageServer:
    """One running server, and what it has told of each file."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to, self._from = process.stdin, process.stdout
        self._folder = folder
        self._messages: Queue[dict[str, Any]] = Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self) -> None:
        """Introduce ourselves, and say which schema is whose; nothing is fetched from elsewhere."""
        introduction = {"processId": None, "rootUri": None, "capabilities": {"workspace": {"configuration": True}}}
        self._send({"id": 1, "method": "initialize", "params": introduction})
        while self._next().get("id") != 1:
            pass
        self._send({"method": "initialized", "params": {}})
        self._send({"method": "workspace/didChangeConfiguration", "params": {"settings": None}})
        while self._next().get("method") != "workspace/configuration":
            pass

    def problems(self, name: str, text: str) -> list[str]:
        """What it tells of a file that is opened."""
        uri = (self._folder / name).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while True:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                return [told["message"] for told in message["params"]["diagnostics"]]

    def _settings(self) -> dict[str, Any]:
        schemas = {(self._folder / f"{name}.json").as_uri(): f"{name}-*.yaml" for name in ("manifest", "capture")}
        return {"validate": True, "schemaStore": {"enable": False}, "schemas": schemas}

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._to.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._to.flush()

    def _next(self) -> dict[str, Any]:
        message = self._messages.get(timeout=PATIENCE)
        if message.get("method") == "workspace/configuration":
            told = [self._settings() if item["section"] == "yaml" else {} for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": told})
        elif "method" in message and "id" in message:  # another request: it needs no more than an answer
            self._send({"id": message["id"], "result": None})
        return message

    def _listen(self) -> None:
        while (message := _read(self._from)) is not None:
            self._messages.put(message)


def _read(stream: IO[bytes]) -> dict[str, Any] | None:
    """One message; None at the end."""
    length = 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    read: dict[str, Any] | None = json.loads(stream.read(length)) if length else None
    return read


@pytest.fixture(scope="module")
def server(server_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    folder = tmp_path_factory.mktemp("manifests")
    for name, schema in (("manifest", json_schema(None, installed_connectors())), ("capture", settings_schema())):
        (folder / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")
    command = ["node", str(server_file), "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        made = LanguageServer(process, folder)
        made.start()
        yield made
        process.kill()


def _without_modeline(text: str) -> str:
    """The schema is named to the server; a page's own first line names a file that only its reader has."""
    return "".join(line for line in text.splitlines(keepends=True) if "yaml-language-server:" not in line)


def test_the_language_server_of_editors_accepts_every_manifest_that_is_shown(server: LanguageServer) -> None:
    found = list(shown_manifests())
    assert len(found) > 20
    refused = []
    for number, (place, text) in enumerate(found):
        kind = "capture" if "\nkind: Capture" in f"\n{text}" else "manifest"
        refused += [(place, problem) for problem in server.problems(f"{kind}-{number}.yaml", _without_modeline(text))]
    assert refused == []


def test_the_language_server_of_editors_tells_of_a_mistake(server: LanguageServer) -> None:
    told = server.problems("manifest-broken.yaml", BROKEN)
    assert any("enabld" in problem for problem in told)
