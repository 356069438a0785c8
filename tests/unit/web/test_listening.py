"""Addresses to listen on."""

from pathlib import Path

import pytest

from controller.model.errors import SettingsError
from controller.web.listening import Certificate, Listen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8443", Listen("127.0.0.1", 8443)),
        ("[::1]:8443", Listen("::1", 8443)),
        ("[fe80::1%eth0]:1", Listen("fe80::1%eth0", 1)),
        ("localhost:0", Listen("localhost", 0)),
        ("pwsync.example.com:65535", Listen("pwsync.example.com", 65535)),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, expected: Listen) -> None:
    assert Listen.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8443",
        ":8443",
        "127.0.0.1",
        "127.0.0.1:",
        "::1:8443",
        "[::1]",
        "h:65536",
        "h:-1",
        "h:٣",
        "a b:1",
        "http://h:1",
        "h:1/",
    ],
)
def test_what_is_no_address_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(SettingsError, match="not an address") as caught:
        Listen.parse(text)

    assert "HOST:PORT" in caught.value.hint


def test_a_key_that_every_user_can_read_is_refused_before_it_is_used(open_folder: Path) -> None:
    key = open_folder / "server.key"
    key.write_text("")
    certificate = Certificate(open_folder / "server.pem", key)
    key.chmod(0o644)
    with pytest.raises(SettingsError, match=f"TLS key {key} can be read or written by every user") as caught:
        certificate.context()
    assert caught.value.hint.startswith(f"chmod o-rw {key}")
    key.chmod(0o640)
    with pytest.raises(SettingsError, match="cannot be used"):  # what it holds is no key
        certificate.context()
