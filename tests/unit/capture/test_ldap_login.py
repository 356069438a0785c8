"""A login over ldapi, against a socket that answers as told."""

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.capture.ldap_login import Login, LoginSocket, bind_request, read_bind_answer
from controller.capture.ldap_operation import ber_elements
from controller.model.errors import InvalidInput, SettingsError
from controller.model.secret import Secret

DN = "uid=alice,ou=people,dc=example,dc=com"
LOGIN = Login(DN, Secret("n3w-pässword"))
TAKEN = bytes.fromhex("300c02010161070a010004000400")
WRONG = bytes.fromhex("300c02010161070a013104000400")


def told(identity: bytes | None) -> bytes:
    """An answer to "Who am I?"; None: it is refused, to somebody who must change the password first."""
    code = b"\x0a\x01\x32" if identity is None else b"\x0a\x01\x00"
    value = b"" if identity is None else b"\x8b" + bytes([len(identity)]) + identity
    answer = code + b"\x04\x00\x04\x00" + value
    message = b"\x02\x01\x02" + b"\x78" + bytes([len(answer)]) + answer
    return b"\x30" + bytes([len(message)]) + message


@contextmanager
def answering(*parts: bytes) -> Iterator[LoginSocket]:
    """One connection is taken, and answered in these parts."""
    with tempfile.TemporaryDirectory(prefix="pwsync-") as folder, socket.socket(socket.AF_UNIX) as listening:
        path = Path(folder) / "ldapi"
        listening.bind(str(path))
        listening.listen(1)

        def work() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                for part in parts:
                    if part is not parts[0] and parts[0] == TAKEN:
                        connection.recv(4096)
                    connection.sendall(part)
                if parts:
                    connection.recv(4096)

        thread = threading.Thread(target=work)
        thread.start()
        yield LoginSocket(path)
        thread.join(30)


@pytest.mark.parametrize("length", [1, 120, 200, 70_000])
def test_a_bind_names_the_entry_and_has_the_password_whatever_its_length(length: int) -> None:
    ((_, message),) = ber_elements(bind_request(Login(DN, Secret("x" * length))))
    number, (tag, bind) = ber_elements(message)

    assert (number, tag) == ((0x02, b"\x01"), 0x60)
    assert list(ber_elements(bind)) == [(0x02, b"\x03"), (0x04, DN.encode()), (0x80, b"x" * length)]


@pytest.mark.parametrize(
    ("parts", "dn"),
    [
        ([TAKEN, told(b"dn:uid=Alice,ou=people,dc=example,dc=com")], "uid=Alice,ou=people,dc=example,dc=com"),
        ([TAKEN, told(None)], DN),
        ([TAKEN, told(b"u:alice")], DN),
        ([WRONG[:3], WRONG[3:]], None),
    ],
)
def test_slapd_says_which_entry_the_password_opens(parts: list[bytes], dn: str | None) -> None:
    with answering(*parts) as login_socket:
        assert login_socket.opens(LOGIN) == dn


@pytest.mark.parametrize("content", [b"", b"HTTP/1.1 400 Bad Request", bytes.fromhex("3003020101")])
def test_what_is_no_answer_to_a_bind_is_told(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_bind_answer(content)


def test_a_socket_that_cannot_be_used_is_told_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not answer") as found:
        LoginSocket(tmp_path / "missing").check()
    assert "loginSocket" in found.value.hint
    with answering() as login_socket, pytest.raises(SettingsError, match="no LDAP server"):
        login_socket.check()
    with answering(WRONG) as login_socket:
        login_socket.check()
