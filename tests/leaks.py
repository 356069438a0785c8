"""Looks for passwords in clear: every password made here carries a mark that nothing else has, in every spelling."""

import base64
import errno
import io
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

UNUSUAL = "pässwörd-密码-🔑"
MARKS = ("Zq7xKw9Vb", "271828182")
"""Part of every password that is made here: of the usual ones, and of those that look like a number."""


@dataclass
class Leaks:
    """Makes passwords, and finds them, or others, again."""

    passwords: list[str] = field(default_factory=list)

    def password(self, flavour: str = "") -> str:
        """A new password that meets usual policies."""
        return self.known(f"{flavour}{MARKS[0]}{secrets.token_hex(6)}A-1")

    def numeric(self) -> str:
        """A new password that looks like a number, with leading zeros."""
        return self.known(f"000{MARKS[1]}{secrets.randbelow(10**8):08d}")

    def known(self, password: str) -> str:
        """Search for this one too; returns it."""
        self.passwords.append(password)
        return password

    def in_text(self, text: str) -> list[str]:
        """Numbers and spellings of the passwords in *text* (never the passwords themselves)."""
        return self.in_bytes(text.encode("utf-8", "surrogateescape"))

    def in_bytes(self, content: bytes) -> list[str]:
        """Likewise, in whatever encoding they may stand there."""
        return _found(self.passwords, content)

    def in_files(self, folder: Path) -> list[str]:
        """Every file below *folder* with one of the passwords in it, or another one that was made here, and which."""
        unmarked = [password for password in self.passwords if not any(mark in password for mark in MARKS)]
        return _found_below(folder, [*MARKS, *unmarked])


def made_passwords_below(folder: Path) -> list[str]:
    """Every file below *folder* with the mark of a password that was made here."""
    return _found_below(folder, MARKS)


def _found_below(folder: Path, texts: Iterable[str]) -> list[str]:
    spellings = [(number, name, s) for number, text in enumerate(texts) for s, name in _spellings(text).items()]
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return [
        f"{path}: number {number} as {name}"
        for path in files
        for content in (_written(path),)
        for number, name, spelling in spellings
        if spelling in content
    ]


def _written(path: Path) -> bytes:
    """What a file has, without its holes: databases of servers are mostly holes. A zero stands for each of them."""
    parts = []
    with path.open("rb", buffering=0) as file:
        end, here = file.seek(0, os.SEEK_END), 0
        while here < end and (begin := _next_written(file, here)) is not None:
            here = file.seek(begin, os.SEEK_HOLE)
            file.seek(begin)
            parts.append(file.read(here - begin) + b"\0")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _next_written(file: io.FileIO, here: int) -> int | None:
    try:
        return file.seek(here, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a hole up to the end
            return None
        raise


def _found(texts: Iterable[str], content: bytes) -> list[str]:
    return [f"number {n} as {w}" for n, text in enumerate(texts) for s, w in _spellings(text).items() if s in content]


def _spellings(text: str) -> dict[bytes, str]:
    """How a text may stand somewhere, each with a name; what is spelled alike, once."""
    plain = text.encode()
    return {
        **{_inner_base64(plain, shift): f"base64, shifted by {shift}" for shift in range(3)},
        plain.hex().encode(): "hexadecimal",
        quote(text).encode(): "URL",
        json.dumps(text)[1:-1].encode(): "JSON",
        text.encode("utf-16-le"): "UTF-16",
        plain: "UTF-8",
    }


def _inner_base64(plain: bytes, shift: int) -> bytes:
    """The part of the base64 of any longer text that *plain* alone decides, when it begins at this shift."""
    encoded = base64.b64encode(b"x" * shift + plain)
    return encoded[4 if shift else 0 : (shift + len(plain)) // 3 * 4]


def assert_none(found: Iterable[str]) -> None:
    """Fail, naming the places."""
    places = list(found)
    assert not places, "passwords in clear:\n" + "\n".join(places)
