"""The external system of the template: a folder with one file per account, which holds a salted hash.

In your package this is the client of the real system. It knows nothing of pwsync.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

SHORTEST = 8
_NAME = re.compile(r"[A-Za-z0-9_-]+")


class Refused(Exception):
    """The system's rules refuse the password."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of one folder."""

    folder: Path

    def has(self, account: str) -> bool:
        """Whether there is such an account.

        Raises:
            OSError: The folder cannot be read.
        """
        self.folder.stat()
        return bool(_NAME.fullmatch(account)) and (self.folder / account).is_file()

    def accepts(self, account: str, password: str) -> bool:
        """Whether *password* opens an account that is there."""
        salt, _, kept = (self.folder / account).read_text().partition(":")
        return bool(kept) and hmac.compare_digest(_hash(password, salt), kept)

    def store(self, account: str, password: str) -> None:
        """Give an account that is there a new password, in one step.

        Raises:
            Refused: It is too short.
        """
        if len(password) < SHORTEST:
            raise Refused(f"at least {SHORTEST} characters are needed")
        salt = secrets.token_hex(16)
        written = self.folder / f".{account}.new"
        written.write_text(f"{salt}:{_hash(password, salt)}")
        written.replace(self.folder / account)


def _hash(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1).hex()
