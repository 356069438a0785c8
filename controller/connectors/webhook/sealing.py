"""Seals bodies to the receiver's public key, so that what ends TLS before it (a proxy, a queue) reads no password.

HPKE (RFC 9180) in its base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Who sent it is proved by the
signature over the sealed body.
"""

import base64
import json
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from controller.model.errors import ChannelRefused

INFO = b"pwsync.webhook.v1"
"""What both sides give to HPKE as info: such a body opens as nothing else."""
_HINT = "openssl pkey -pubout makes one from the receiver's private key (openssl genpkey -algorithm X25519)"


def sealed(body: bytes, key_file: str) -> bytes:
    """Return ``{"sealed": base64}``: the encapsulated key and the ciphertext, one after the other.

    Raises:
        ChannelRefused: The file is not the public key of a receiver.
    """
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    ciphertext = suite.encrypt(body, _public_key(key_file), INFO)
    return json.dumps({"sealed": base64.b64encode(ciphertext).decode("ascii")}).encode("ascii")


def _public_key(file: str) -> X25519PublicKey:
    try:
        key = load_pem_public_key(Path(file).read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ChannelRefused(f"the receiverKeyFile {file} cannot be used: {error}", hint=_HINT) from error
    if not isinstance(key, X25519PublicKey):
        raise ChannelRefused(f"the receiverKeyFile {file} is of another kind than X25519", hint=_HINT)
    return key
