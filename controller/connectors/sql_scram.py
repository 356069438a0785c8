"""The verifier that PostgreSQL keeps of a password (RFC 5802, RFC 7677), so that it never gets the password itself.

``SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey``, in base64 (PostgreSQL's manual, pg_authid).
"""

import base64
import hashlib
import hmac
import secrets
import stringprep
import unicodedata

from controller.model.secret import Secret

ITERATIONS = 4096
"""PostgreSQL's own default (scram_iterations)."""
_SALT_BYTES = 16
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)
"""Tables of RFC 3454 whose characters SASLprep does not let through (RFC 4013 section 2.3 and 2.5)."""


def scram_verifier(password: Secret, iterations: int = ITERATIONS, salt: bytes | None = None) -> str:
    """Make the verifier of *password*, with a new salt unless one is given."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    text = prepared(password.reveal()).encode("utf-8", "surrogatepass")
    salted = hashlib.pbkdf2_hmac("sha256", text, salt, iterations)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{_base64(salt)}${_base64(stored_key)}:{_base64(server_key)}"


def prepared(text: str) -> str:
    """SASLprep as PostgreSQL and its clients do it (saslprep.c): what it would refuse is taken as it is."""
    if text.isascii():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    is_refused = not normal or any(is_in(character) for character in normal for is_in in _PROHIBITED)
    return text if is_refused or _mixes_directions(normal) else normal


def _mixes_directions(text: str) -> bool:
    """Whether text that is read from the right breaks the rules of RFC 3454 section 6."""
    if not any(map(stringprep.in_table_d1, text)):
        return False
    framed = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return not framed or any(map(stringprep.in_table_d2, text))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
