"""Addresses to listen on."""

import pytest

from controller.model.errors import SettingsError
from controller.web.listening import Listen


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
