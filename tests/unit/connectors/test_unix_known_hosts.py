"""The unix connector, when ``knownHosts`` is another file than it should be: told before any host is reached."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from controller.connectors.unix.connector import CONNECTOR_TYPE
from controller.connectors.unix.options import UnixOptions
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import ChannelRefused, Unavailable
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.doubles.secrets import secrets_from

KEY = paramiko.ECDSAKey.generate()
PUBLIC = f"{KEY.get_name()} {KEY.get_base64()}"
NO_FORM = "is not in the form of known_hosts"


def private_text() -> str:
    text = io.StringIO()
    KEY.write_private_key(text)
    return text.getvalue()


def connector(known_hosts: Path, port: int) -> Connector:
    options = {
        "host": "127.0.0.1",
        "port": port,
        "user": "root",
        "knownHosts": str(known_hosts),
        "privateKeyFrom": {"env": "KEY"},
        "timeout": "2s",
    }
    return CONNECTOR_TYPE.connect(UnixOptions.model_validate(options), secrets_from({"KEY": private_text()}))


def attempts(target: Connector) -> list[Callable[[], object]]:
    return [target.check, lambda: target.set_password("alice", Secret("New-password-1"))]


OTHER_FILES = {
    "public key": f"{PUBLIC}\n".encode(),
    "public key with a comment that passes for base64": f"{PUBLIC} root@host\n".encode(),
    "public key with a comment that does not": f"{PUBLIC} root@hosts\n".encode(),
    "private key": private_text().encode(),
    "empty": b"",
    "comment": b"# a comment alone\n",
    "binary": b"\xff\xfe\x00\x01" * 100,
    "zeros": b"\x00" * 100,
    "words": b"some words, or other ones\n",
    "hashed name that is no base64": f"|1|xx|yy {PUBLIC}\n".encode(),
    "hashed name that is too short": f"|1|YQ==|YQ== {PUBLIC}\n".encode(),
    "key cut off": b"host ssh-ed25519 " + base64.b64encode(b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x01a"),
    "key of negative numbers": b"host ssh-rsa "
    + base64.b64encode(b"\x00\x00\x00\x07ssh-rsa" + b"\x00\x00\x00\x01\xf0" * 2),
}


@pytest.mark.parametrize("content", OTHER_FILES.values(), ids=OTHER_FILES)
def test_a_file_that_is_no_known_hosts_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "known"
    file.write_bytes(content)
    for attempt in attempts(connector(file, 2222)):
        with pytest.raises(ChannelRefused) as caught:
            attempt()
        assert caught.value.message == f"knownHosts {file} {NO_FORM}"
        assert caught.value.hint.startswith("make it with: ssh-keyscan -p 2222 127.0.0.1, ")
        assert caught.value.__context__ is None  # it quotes a line of the file


def test_lines_that_paramiko_cannot_use_are_told_from_a_wrong_file(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"host {PUBLIC}\n@cert-authority *.example.com {PUBLIC}\n")
    with pytest.raises(ChannelRefused, match="has a line with @cert-authority or @revoked"):
        connector(file, 22).check()


@pytest.mark.parametrize(("name", "why"), [("", "Is a directory"), ("missing", "No such file or directory")])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, why: str) -> None:
    file = tmp_path / name
    for attempt in attempts(connector(file, 22)):
        with pytest.raises(ChannelRefused) as caught:
            attempt()
        assert caught.value.message == f"knownHosts {file} cannot be read: {why}"
        assert caught.value.hint.startswith("make it with: ssh-keyscan 127.0.0.1, ")


def test_doctor_tells_it_as_a_failed_check(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(f"{PUBLIC} root@hosts\n")
    (found,) = connector(file, 22).diagnose(())
    hint = "make it with: ssh-keyscan 127.0.0.1, and ask the host's administrator if it is right"
    assert found == Finding("channel", Verdict.FAILED, f"knownHosts {file} {NO_FORM}", hint)


@pytest.mark.parametrize("name", ["host", paramiko.HostKeys.hash_host("host")], ids=["plain", "hashed"])
def test_a_file_in_that_form_is_used(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(client: paramiko.SSHClient, *_: object, **__: object) -> None:
        assert client.get_host_keys().check("host", KEY)
        raise ConnectionRefusedError

    monkeypatch.setattr(paramiko.SSHClient, "connect", refuse)
    file = tmp_path / "known_hosts"
    file.write_text(f"# a comment\n\n{name} {PUBLIC} a comment\n")
    with pytest.raises(Unavailable, match="cannot be reached"):
        connector(file, 22).check()
