"""Looks for passwords in clear: every password a test uses is made here, and searched for everywhere afterwards."""

import base64
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

UNUSUAL = "pässwörd-密码-🔑"
LONG_ENOUGH = 8
"""Shorter ones occur by chance, and "New-1" in names of tests."""
_everywhere: set[str] = set()


def remember(password: str) -> str:
    """Search for this password in every file that the test run has written, when it ends; returns it."""
    if len(password) >= LONG_ENOUGH:
        _everywhere.add(password)
    return password


def places_in_files(folder: Path) -> list[str]:
    """Every file below *folder* with a password that was remembered."""
    return Leaks(sorted(_everywhere)).in_files(folder)


@dataclass
class Leaks:
    """Makes passwords that nothing else looks like, and finds them again in whatever spelling."""

    passwords: list[str] = field(default_factory=list)

    def password(self, flavour: str = "Zq7-") -> str:
        """A new password that meets usual policies."""
        made = f"{flavour}{secrets.token_hex(6)}Aa1"
        self.passwords.append(made)
        return remember(made)

    def numeric(self) -> str:
        """A new password that looks like a number, with leading zeros."""
        made = f"000{secrets.randbelow(10**17):017d}"
        self.passwords.append(made)
        return remember(made)

    def known(self, password: str) -> str:
        """Search for this one too."""
        self.passwords.append(password)
        return password

    def in_text(self, text: str) -> list[str]:
        """Positions in the list of passwords that occur in *text* (never the passwords themselves)."""
        return self.in_bytes(text.encode("utf-8", "surrogateescape"))

    def in_bytes(self, content: bytes) -> list[str]:
        """Likewise, in whatever encoding they may stand there."""
        return [
            f"password {number} as {name}"
            for number, password in enumerate(self.passwords)
            for name, spelling in _spellings(password)
            if spelling in content
        ]

    def in_files(self, folder: Path) -> list[str]:
        """Every file below *folder* with a password in it, and which."""
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
        return [f"{path}: {found}" for path in files for found in self.in_bytes(path.read_bytes())]


def _spellings(password: str) -> Iterator[tuple[str, bytes]]:
    yield "UTF-8", password.encode()
    yield "UTF-16", password.encode("utf-16-le")
    yield "JSON", json.dumps(password)[1:-1].encode()
    yield "URL", quote(password).encode()
    for shift in range(3):
        # Base64 of the middle of the text, whatever stands before it.
        encoded = base64.b64encode(b"x" * shift + password.encode())
        yield f"base64 shifted by {shift}", encoded[4 : len(encoded) - 4]
    yield "hexadecimal", password.encode().hex().encode()


def assert_none(found: Iterable[str]) -> None:
    """Fail, naming the places."""
    places = list(found)
    assert not places, "passwords in clear:\n" + "\n".join(places)
