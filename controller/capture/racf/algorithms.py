"""What RACF may encrypt and sign with, by its object identifiers as they stand in an envelope.

DES with 56 bits and RC2 with 40 (RACF's MEDIUM and WEAK) are not among them: anybody opens those.
"""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.algorithms import AES


def _oid(text: str) -> bytes:
    """An object identifier, encoded (X.690, section 8.19)."""
    first, second, *rest = map(int, text.split("."))
    encoded = bytearray([first * 40 + second])
    for number in rest:
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(number & 0x7F | 0x80)
        encoded += bytes(reversed(septets))
    return bytes(encoded)


SIGNED_DATA, ENVELOPED_DATA = _oid("1.2.840.113549.1.7.2"), _oid("1.2.840.113549.1.7.3")
CONTENT_TYPE, MESSAGE_DIGEST = _oid("1.2.840.113549.1.9.3"), _oid("1.2.840.113549.1.9.4")
RSA = _oid("1.2.840.113549.1.1.1")
HASHES: dict[bytes, hashes.HashAlgorithm] = {
    _oid("1.2.840.113549.2.5"): hashes.MD5(),  # noqa: S303  # RACF's default; the settings must allow it
    _oid("1.3.14.3.2.26"): hashes.SHA1(),  # noqa: S303  # the best that RACF of z/OS 2.1 knows
    _oid("2.16.840.1.101.3.4.2.1"): hashes.SHA256(),
    _oid("2.16.840.1.101.3.4.2.2"): hashes.SHA384(),
    _oid("2.16.840.1.101.3.4.2.3"): hashes.SHA512(),
}
RSA_WITH = {
    "md5": _oid("1.2.840.113549.1.1.4"),
    "sha1": _oid("1.2.840.113549.1.1.5"),
    "sha256": _oid("1.2.840.113549.1.1.11"),
    "sha384": _oid("1.2.840.113549.1.1.12"),
    "sha512": _oid("1.2.840.113549.1.1.13"),
}
Block = type[AES] | type[TripleDES]
CIPHERS: dict[bytes, tuple[Block, int]] = {
    _oid("1.2.840.113549.3.7"): (TripleDES, 24),
    _oid("2.16.840.1.101.3.4.1.2"): (AES, 16),
    _oid("2.16.840.1.101.3.4.1.22"): (AES, 24),
    _oid("2.16.840.1.101.3.4.1.42"): (AES, 32),
}
