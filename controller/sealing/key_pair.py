"""A pair of keys from a secret: ``DeriveKeyPair`` of RFC 9180, section 7.1.3, for DHKEM(P-256, HKDF-SHA256)."""

import hmac
from itertools import count

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key

_LABEL = b"HPKE-v1" + b"KEM" + (0x0010).to_bytes(2)
_ORDER = SECP256R1().group_order
_SIZE = 32


def derive_key_pair(material: bytes) -> EllipticCurvePrivateKey:
    """The pair of keys of *material*: at least 32 bytes that nobody else knows."""
    prk = hmac.digest(b"", _LABEL + b"dkp_prk" + material, "sha256")
    numbers = (int.from_bytes(_expand(prk, b"candidate", bytes([step]))) for step in count())
    return derive_private_key(next(number for number in numbers if 0 < number < _ORDER), SECP256R1())


def _expand(prk: bytes, label: bytes, context: bytes) -> bytes:
    """``LabeledExpand`` to 32 bytes: one block of HKDF-Expand."""
    return hmac.digest(prk, _SIZE.to_bytes(2) + _LABEL + label + context + b"\x01", "sha256")
