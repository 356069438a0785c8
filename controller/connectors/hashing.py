"""Password hashes that targets keep: bcrypt, argon2id, and PBKDF2-SHA256 in the form of Django.

bcrypt: ``$2b$12$`` + 22 characters of salt + 31 of hash; ``$2y$`` and ``$2a$`` are the same algorithm.
argon2id: the PHC string ``$argon2id$v=19$m=...,t=...,p=...$salt$hash`` (RFC 9106).
PBKDF2 (RFC 8018): ``pbkdf2_sha256$iterations$salt$hash``, the hash in base64, the salt taken as its own text.
"""

import base64
import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass
from typing import Literal

import argon2
import bcrypt

from controller.model.constraints import Constraints
from controller.model.errors import PasswordRejected
from controller.model.secret import Secret

SchemeName = Literal["bcrypt", "argon2id", "pbkdf2-sha256"]

_BCRYPT = re.compile(r"\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_PBKDF2 = re.compile(r"pbkdf2_sha256\$([1-9][0-9]{0,8})\$([^$]+)\$([A-Za-z0-9+/]{43}=)")
_SALT_ALPHABET = string.ascii_letters + string.digits
_SALT_LENGTH = 22  # 62**22 is more than 2**128


class HashUnknown(Exception):
    """A stored hash is of no known scheme, or damaged. Its message never holds the hash."""


@dataclass(frozen=True, slots=True)
class Bcrypt:
    """bcrypt: takes at most 72 bytes and no NUL. Apache needs the prefix ``2y``; ``2b`` is the common one."""

    cost: int = 12
    prefix: Literal["2b", "2y"] = "2b"

    @property
    def constraints(self) -> Constraints:
        """What it takes."""
        return Constraints(max_bytes=72, forbidden="\x00")

    def make(self, password: bytes) -> str:
        """Hash *password* with a new salt."""
        made = bcrypt.hashpw(password, bcrypt.gensalt(self.cost)).decode("ascii")
        return f"${self.prefix}{made[3:]}"


@dataclass(frozen=True, slots=True)
class Argon2id:
    """argon2id with the parameters that OWASP recommends: 19 MiB, 2 passes, 1 lane."""

    memory_kib: int = 19 * 1024
    passes: int = 2

    @property
    def constraints(self) -> Constraints:
        """What it takes: anything."""
        return Constraints()

    def make(self, password: bytes) -> str:
        """Hash *password* with a new salt."""
        hasher = argon2.PasswordHasher(time_cost=self.passes, memory_cost=self.memory_kib, parallelism=1)
        return hasher.hash(password)


@dataclass(frozen=True, slots=True)
class Pbkdf2Sha256:
    """PBKDF2 with HMAC-SHA256."""

    iterations: int = 600_000

    @property
    def constraints(self) -> Constraints:
        """What it takes: anything."""
        return Constraints()

    def make(self, password: bytes) -> str:
        """Hash *password* with a new salt."""
        salt = "".join(secrets.choice(_SALT_ALPHABET) for _ in range(_SALT_LENGTH))
        return _pbkdf2(password, salt, self.iterations)


Scheme = Bcrypt | Argon2id | Pbkdf2Sha256


def hash_password(scheme: Scheme, password: Secret, account: str) -> str:
    """Hash *password* for *account* with a new salt.

    Raises:
        PasswordRejected: The scheme cannot take it; the message does not tell it.
    """
    violation = scheme.constraints.violation(password)
    if violation is not None:
        raise PasswordRejected(f"the new password of {account!r} is {violation}", hint="choose another password")
    if not password.is_unicode():
        raise PasswordRejected(
            f"the new password of {account!r} has a character that cannot be written in UTF-8 (a lone surrogate)",
            hint="choose another password",
        )
    return scheme.make(password.reveal().encode("utf-8"))


def matches(stored: str, password: Secret) -> bool:
    """Tell whether *stored* is a hash of *password*, whichever of the three schemes it is of.

    Raises:
        HashUnknown: It is of another scheme, or damaged.
    """
    encoded = password.reveal().encode("utf-8", "surrogatepass")
    if _BCRYPT.fullmatch(stored):
        # What bcrypt would cut off or stop at was never set by us: not this password.
        return Bcrypt().constraints.violation(password) is None and bcrypt.checkpw(encoded, stored.encode("ascii"))
    if stored.startswith("$argon2"):
        return _matches_argon2(stored, encoded)
    if parts := _PBKDF2.fullmatch(stored):
        computed = _pbkdf2(encoded, parts[2], int(parts[1]))
        return hmac.compare_digest(computed.encode(), stored.encode())
    raise HashUnknown("it is not a bcrypt, argon2 or pbkdf2_sha256 hash")


def _matches_argon2(stored: str, password: bytes) -> bool:
    try:
        return argon2.PasswordHasher().verify(stored, password)
    except argon2.exceptions.VerifyMismatchError:
        return False
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        raise HashUnknown("it is a damaged argon2 hash") from None


def _pbkdf2(password: bytes, salt: str, iterations: int) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", password, salt.encode("utf-8", "surrogatepass"), iterations)
    return f"pbkdf2_sha256${iterations}${salt}${base64.b64encode(digest).decode('ascii')}"
