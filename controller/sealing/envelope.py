"""The sealed form of one secret: AES-256-GCM, bound to its place, padded so that its length tells nothing.

Layout: format version (1 byte), key id (8 bytes), nonce (12 bytes), ciphertext with its 16-byte tag. The associated
data is the version, the key id and the place, each part with its length before it, so that no two places read alike.
"""

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from controller.model.credential import SealPlace
from controller.model.errors import SealBroken
from controller.model.secret import MAX_PASSWORD_LENGTH

VERSION = 1
KEY_ID_SIZE = 8
NONCE_SIZE = 12
_TAG_SIZE = 16
_HEADER_SIZE = 1 + KEY_ID_SIZE + NONCE_SIZE
_LENGTH = struct.Struct(">I")
BLOCK_SIZE = _LENGTH.size + 4 * MAX_PASSWORD_LENGTH
"""Bytes to a multiple of which a secret is padded: the longest password (4 bytes per character) fits in one."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed value, taken apart."""

    key_id: bytes
    nonce: bytes
    ciphertext: bytes

    @classmethod
    def parse(cls, sealed: bytes, place: SealPlace) -> "Envelope":
        """Take *sealed* apart without opening it.

        Raises:
            SealBroken: It is truncated or of an unknown format version.
        """
        if not sealed:
            raise SealBroken(f"{_named(place)} is empty", hint=_RESTORE)
        if sealed[0] != VERSION:
            raise SealBroken(
                f"{_named(place)} has format version {sealed[0]}; this program knows {VERSION}",
                hint="it is damaged, or was written by a newer version of pwsync: upgrade",
            )
        ciphertext = sealed[_HEADER_SIZE:]
        if len(ciphertext) < BLOCK_SIZE + _TAG_SIZE or (len(ciphertext) - _TAG_SIZE) % BLOCK_SIZE:
            raise SealBroken(f"{_named(place)} is truncated or extended", hint=_RESTORE)
        return cls(sealed[1 : 1 + KEY_ID_SIZE], sealed[1 + KEY_ID_SIZE : _HEADER_SIZE], ciphertext)

    def __bytes__(self) -> bytes:
        return bytes([VERSION]) + self.key_id + self.nonce + self.ciphertext


def lock(text: str, place: SealPlace, *, key_id: bytes, key: bytes, nonce: bytes) -> Envelope:
    """Seal *text*, any ``str`` at all, for *place*.

    Args:
        text: What to seal.
        place: Where it will stand.
        key_id: Name of the key, 8 bytes.
        key: 32 bytes.
        nonce: 12 bytes, never used before with this key. Random ones keep that promise for 2**32 values per key
            (NIST SP 800-38D, section 8.3).
    """
    return Envelope(key_id, nonce, AESGCM(key).encrypt(nonce, pad(encode(text)), _associated(key_id, place)))


def unlock(envelope: Envelope, place: SealPlace, *, key: bytes) -> str:
    """Open what ``lock`` sealed for *place*.

    Raises:
        SealBroken: It was sealed for another place, or altered.
    """
    try:
        padded = AESGCM(key).decrypt(envelope.nonce, envelope.ciphertext, _associated(envelope.key_id, place))
    except InvalidTag:
        raise SealBroken(
            f"{_named(place)} was altered, or was sealed for another place",
            hint="a row was copied or edited by hand; set that credential again",
        ) from None
    return unpad(padded).decode("utf-8", "surrogatepass")


def mark_of(key_id: bytes) -> bytes:
    """The bytes with which all that a key seals begins: ``ports.MARK_SIZE`` of them."""
    return bytes([VERSION]) + key_id


def encode(text: str) -> bytes:
    """UTF-8 of any ``str``, lone surrogates included, so that nothing is lost or refused."""
    return text.encode("utf-8", "surrogatepass")


def join(*parts: bytes) -> bytes:
    """Join *parts*, each with its length before it: different lists of parts never give the same bytes."""
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def unknown_key(key_id: bytes, place: SealPlace) -> SealBroken:
    """The error for a value whose key is not in the keyring."""
    return SealBroken(
        f"{_named(place)} was sealed with key {key_id.hex()}, which is not in the keyring",
        hint="restore the newest backup of master.key; one from before the last rotation lacks newer keys",
    )


def pad(data: bytes) -> bytes:
    """*data* with its length before it, filled up to a multiple of ``BLOCK_SIZE``."""
    framed = _LENGTH.pack(len(data)) + data
    return framed + bytes(-len(framed) % BLOCK_SIZE)


def unpad(padded: bytes) -> bytes:
    """What ``pad`` was given.

    Raises:
        ValueError: It is too short to say how long that was.
    """
    if len(padded) < _LENGTH.size:
        raise ValueError("too short")
    (length,) = _LENGTH.unpack_from(padded)
    return padded[_LENGTH.size : _LENGTH.size + length]


_RESTORE = "it is damaged: set that credential again, or restore the store from its backup"


def _associated(key_id: bytes, place: SealPlace) -> bytes:
    return join(b"pwsync seal", bytes([VERSION]), key_id, encode(place.table), encode(place.row), encode(place.field))


def _named(place: SealPlace) -> str:
    return f"the sealed value {place.field!r} of {place.row!r} in {place.table!r}"
