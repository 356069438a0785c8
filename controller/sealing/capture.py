"""Captured passwords: sealed to a public key on the machine of a source, opened by the controller alone.

HPKE (RFC 9180, base mode): P-256, HKDF-SHA256, AES-256-GCM, all of which Windows has. Layout: format version (1 byte),
key id (8 bytes), encapsulated key and ciphertext. ``info`` is the version, the key id, the account as its source spells
it and the time of the change, each with its length before it, so that a seal opens for that one change only. The text
is padded to one length. ``controller/capture/windows`` seals the same in C.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from controller.model.accounts import Account
from controller.model.errors import SealBroken, SettingsError
from controller.model.secret import Secret
from controller.sealing.envelope import KEY_ID_SIZE, encode, join, pad, unpad
from controller.sealing.key_pair import derive_key_pair
from controller.sealing.keyring import Keyring, MasterSecret

VERSION = 1
_SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PREFIX = "pwsync-capture-1"
_PUBLIC_SIZE = 65
_HEADER_SIZE = 1 + KEY_ID_SIZE
_SEAL_ANEW = "print the key again with 'pwsync secret capture-key', and give it to the machine of the source"


@dataclass(frozen=True, slots=True)
class CaptureKey:
    """What seals and cannot open. It is no secret, but must be the right one.

    Attributes:
        id: Of the master secret that opens; 8 bytes.
        public: A point of P-256, not compressed; 65 bytes.
    """

    id: bytes
    public: bytes

    @classmethod
    def of(cls, master: MasterSecret) -> "CaptureKey":
        """The key whose seals *master* opens."""
        public = derive_key_pair(master.root.derive("capture")).public_key()
        return cls(master.id, public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    @classmethod
    def parse(cls, text: str) -> "CaptureKey":
        """Read what ``str`` wrote.

        Raises:
            SettingsError: It is something else.
        """
        words = text.split()
        if len(words) == 2 and words[0] == _PREFIX:  # noqa: PLR2004  # the prefix and the key
            try:
                content = base64.b64decode(words[1], validate=True)
            except binascii.Error:
                content = b""
            if _is_point(content[KEY_ID_SIZE:]):
                return cls(content[:KEY_ID_SIZE], content[KEY_ID_SIZE:])
        raise SettingsError("this is no capture key", hint=_SEAL_ANEW)

    def __str__(self) -> str:
        return f"{_PREFIX} {base64.b64encode(self.id + self.public).decode()}"

    def seal(self, secret: Secret, account: Account, occurred_at: datetime) -> bytes:
        """Seal the password that *account* has had since *occurred_at*."""
        public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), self.public)
        sealed = _SUITE.encrypt(pad(encode(secret.reveal())), public, info=_info(self.id, account, occurred_at))
        return bytes([VERSION]) + self.id + sealed


def open_captured(keyring: Keyring, sealed: bytes, account: Account, occurred_at: datetime) -> Secret:
    """Open what ``CaptureKey.seal`` has sealed, with whichever key of *keyring* it was.

    Raises:
        SealBroken: Unknown key or format, sealed for another account or time, or altered.
    """
    key_id = sealed[1:_HEADER_SIZE]
    if sealed[:1] != bytes([VERSION]):
        raise SealBroken("the captured password has an unknown format", hint=_SEAL_ANEW)
    master = keyring.find(key_id)
    if master is None:
        raise SealBroken("the captured password was sealed with a key that is not in the keyring", hint=_SEAL_ANEW)
    try:
        private = derive_key_pair(master.root.derive("capture"))
        padded = _SUITE.decrypt(sealed[_HEADER_SIZE:], private, info=_info(key_id, account, occurred_at))
        return Secret(unpad(padded).decode("utf-8", "surrogatepass"))
    except (InvalidTag, ValueError):
        pass
    # raised out here, since the decoder's own error carries the text
    raise SealBroken("the captured password was altered, or sealed for another account or time", hint=_SEAL_ANEW)


def _is_point(public: bytes) -> bool:
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public)
    except ValueError:
        return False
    return len(public) == _PUBLIC_SIZE  # a shorter one is compressed


def _info(key_id: bytes, account: Account, occurred_at: datetime) -> bytes:
    moment = occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
    return join(
        b"pwsync capture", bytes([VERSION]), key_id, encode(account.lane), encode(account.name), moment.encode()
    )
