"""A backup of the keyring: JSON, encrypted with a backup password, readable without anything else of pwsync.

Format version 1: ``kdf`` (Argon2id, RFC 9106) with its salt and cost, ``nonce`` and ``ciphertext`` of AES-256-GCM, and
a ``checksum`` (SHA-256) by which damage is told from a wrong password. All of it but the checksum is authenticated.
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from controller.model.errors import InvalidInput, SettingsError
from controller.model.secret import Secret
from controller.sealing.envelope import NONCE_SIZE, encode, join
from controller.sealing.keyring import SECRET_SIZE, Keyring, RandomBytes
from controller.sealing.keysource import parse_keyring, render_keyring

FORMAT = "pwsync keyring backup"
VERSION = 1
KDF = "argon2id"
MIN_PASSWORD_LENGTH = 12
"""Characters that a backup password has at least (behaviour A9, ESSO 10836)."""
_SALT_SIZE = 16
_LEAST_MEMORY_PER_LANE = 8
"""KiB; RFC 9106, section 3.1."""
_MOST_ITERATIONS, _MOST_LANES, _MOST_MEMORY = 20, 16, 1 << 20


@dataclass(frozen=True, slots=True)
class Cost:
    """What trying one password costs; the default is the second recommendation of RFC 9106, section 4.

    Attributes:
        memory: KiB.
    """

    iterations: int = 3
    lanes: int = 4
    memory: int = 64 * 1024

    def is_bearable(self) -> bool:
        """Whether a file may ask for it: a forged one must not take all memory or hours."""
        is_possible = self.iterations >= 1 and self.lanes >= 1 and self.memory >= _LEAST_MEMORY_PER_LANE * self.lanes
        return (
            is_possible
            and self.iterations <= _MOST_ITERATIONS
            and self.lanes <= _MOST_LANES
            and self.memory <= _MOST_MEMORY
        )


def encrypt_keyring(
    keyring: Keyring,
    password: Secret,
    *,
    cost: Cost = Cost(),
    random: RandomBytes = os.urandom,  # frozen
) -> bytes:
    """The content of a backup file of *keyring*.

    Raises:
        InvalidInput: The password is too short.
        SettingsError: This build of the cryptography library has no Argon2id.
    """
    check_backup_password(password)
    head: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "kdf": {
            "name": KDF,
            "salt": _to_text(random(_SALT_SIZE)),
            "iterations": cost.iterations,
            "lanes": cost.lanes,
            "memoryKiB": cost.memory,
        },
        "nonce": _to_text(random(NONCE_SIZE)),
    }
    key = _derive(password, head["kdf"])
    ciphertext = AESGCM(key).encrypt(_to_bytes(head["nonce"]), render_keyring(keyring), _canonical(head))
    document = {**head, "ciphertext": _to_text(ciphertext)}
    return json.dumps({**document, "checksum": _checksum(document)}, indent=2).encode() + b"\n"


def decrypt_keyring(content: bytes, password: Secret, name: str) -> Keyring:
    """Read what ``encrypt_keyring`` wrote; *name* is the file, for messages.

    Raises:
        InvalidInput: The password is wrong.
        SettingsError: It is no backup, damaged, or of a newer format.
    """
    document = _parse(content, name)
    head = {field: document[field] for field in ("format", "version", "kdf", "nonce")}
    key = _derive(password, document["kdf"])
    try:
        opened = AESGCM(key).decrypt(_to_bytes(document["nonce"]), _to_bytes(document["ciphertext"]), _canonical(head))
    except InvalidTag:
        raise InvalidInput(
            f"the backup {name} does not open with this password",
            hint="type the backup password; if it is right, the file was altered: use another copy",
        ) from None
    return parse_keyring(f"the keyring in {name}", opened)


def check_backup_password(password: Secret) -> None:
    """Refuse a backup password that is quickly guessed.

    Raises:
        InvalidInput: It has fewer than 12 characters.
    """
    if len(password.reveal()) < MIN_PASSWORD_LENGTH:
        raise InvalidInput(
            f"the backup password has fewer than {MIN_PASSWORD_LENGTH} characters",
            hint="whoever has the file can try passwords for years: take a long one, such as six random words",
        )


def _parse(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
        document: dict[str, Any] = found if isinstance(found, dict) else {}
    except (ValueError, RecursionError):
        document = {}
    _check_format(document, name)
    checksum = document.pop("checksum", None)
    if checksum != _checksum(document) or not _is_well_formed(document):
        raise SettingsError(f"the backup {name} is damaged", hint="use another copy of it")
    return document


def _check_format(document: dict[str, Any], name: str) -> None:
    if document.get("format") != FORMAT:
        raise SettingsError(
            f"{name} is no backup of a keyring, or is damaged",
            hint="name a file that 'pwsync secret backup' wrote, or use another copy",
        )
    if document.get("version") != VERSION:
        raise SettingsError(
            f"the backup {name} has format version {document.get('version')!r}; this program knows {VERSION}",
            hint="it was written by a newer version of pwsync: upgrade",
        )


def _is_well_formed(document: dict[str, Any]) -> bool:
    """Whether a document whose checksum is right can be opened without harm."""
    try:
        kdf = document["kdf"]
        is_bearable = Cost(kdf["iterations"], kdf["lanes"], kdf["memoryKiB"]).is_bearable()
        sizes = [len(_to_bytes(text)) for text in (kdf["salt"], document["nonce"], document["ciphertext"])]
    except (ValueError, KeyError, TypeError):
        return False
    return is_bearable and kdf["name"] == KDF and sizes[:2] == [_SALT_SIZE, NONCE_SIZE]


def _derive(password: Secret, kdf: dict[str, Any]) -> bytes:
    try:
        function = Argon2id(
            salt=_to_bytes(kdf["salt"]),
            length=SECRET_SIZE,
            iterations=kdf["iterations"],
            lanes=kdf["lanes"],
            memory_cost=kdf["memoryKiB"],
        )
    except UnsupportedAlgorithm as error:
        raise SettingsError(
            "the cryptography library of this installation has no Argon2id",
            hint="install the wheel of 'cryptography' from PyPI, or a build with OpenSSL 3.2 or newer",
        ) from error
    return function.derive(encode(password.reveal()))


def _canonical(head: dict[str, Any]) -> bytes:
    return join(b"pwsync keyring backup", json.dumps(head, sort_keys=True).encode())


def _checksum(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _to_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _to_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
