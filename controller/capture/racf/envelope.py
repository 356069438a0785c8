"""RACF's envelopes: PKCS #7 EnvelopedData, in it SignedData of RACF's own certificate, in it the password.

Facts: IBM, z/OS Security Server RACF Callable Services, "Contents of the encrypted password or password phrase
envelope"; PKCS #7 version 1.5 (RFC 2315); RFC 5652. By default RACF encrypts with Triple DES and signs with MD5, which
is why the functions for PKCS #7 of ``cryptography``, which know AES alone and check no signature, are not enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from controller.capture.racf import ber
from controller.capture.racf.algorithms import (
    CIPHERS,
    CONTENT_TYPE,
    ENVELOPED_DATA,
    HASHES,
    MESSAGE_DIGEST,
    RSA,
    RSA_WITH,
    SIGNED_DATA,
    Block,
)
from controller.capture.racf.ber import Element, Malformed
from controller.model.errors import SettingsError
from controller.model.secret import Secret

LARGEST = 1 << 18
"""Bytes of an envelope: twenty recipients need a tenth of it."""


class EnvelopeDamaged(Exception):
    """This envelope cannot be opened, or what it holds cannot be believed. Others may be well."""


class EnvelopesUnusable(Exception):
    """No envelope can be used as things are: a person must mend that first."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an envelope holds.

    Attributes:
        is_expired: The user must change it at the next logon.
    """

    is_expired: bool
    password: Secret


@dataclass(frozen=True, slots=True)
class EnvelopeOpener:
    """Opens envelopes that are meant for one certificate and signed with one of those that are pinned.

    Attributes:
        accepts_md5: Whether signatures with MD5 count, which is RACF's default.
    """

    key: RSAPrivateKey
    certificate: x509.Certificate
    signers: Sequence[x509.Certificate]
    accepts_md5: bool = False

    @classmethod
    def load(cls, key: Secret, certificate: bytes, signers: bytes, *, accepts_md5: bool) -> "EnvelopeOpener":
        """Read key and certificates in PEM form.

        Raises:
            SettingsError: One of them is none, or they do not belong together.
        """
        opened = _private_key(key)
        (own,) = _certificates(certificate, "certificateFile")[:1]
        if own.public_key() != opened.public_key():
            raise SettingsError(
                "the private key in racf.privateKeyFrom is not that of racf.certificateFile",
                hint="name the certificate that stands in RACF's key ring IRR.PWENV.KEYRING, and its key",
            )
        return cls(opened, own, _certificates(signers, "signerFile"), accepts_md5)

    def open(self, content: bytes, now: datetime) -> Opened:
        """Open an envelope and verify it.

        Raises:
            EnvelopeDamaged: It was altered, or has another form.
            EnvelopesUnusable: It is for somebody else, signed by somebody else, or with what is too weak.
        """
        if len(content) > LARGEST:
            raise EnvelopeDamaged(f"it is larger than {LARGEST:,} bytes")
        try:
            signed = self._decrypt(_content(ber.read_one(content), ENVELOPED_DATA))
            return _payload(self._verified(signed, now))
        except Malformed as error:
            raise EnvelopeDamaged(str(error)) from None  # without its cause: that frame holds the password

    def _decrypt(self, enveloped: Element) -> Element:
        """The SignedData in an EnvelopedData (RFC 2315, section 10)."""
        parts = ber.expect(enveloped, ber.SEQUENCE).parts()
        recipients = next((part for part in parts if part.tag == ber.SET), None)
        encrypted = next((part for part in parts if part.tag == ber.SEQUENCE), None)
        if recipients is None or encrypted is None:
            raise Malformed("it is no EnvelopedData")
        wrapped = self._wrapped_key(recipients.parts())
        _, algorithm, content = _at_least(encrypted.parts(), 3)[:3]
        text = content.octets(ber.CONTEXT_0_PRIMITIVE, ber.CONTEXT_0)
        signed = ber.read_one(_decrypted(self.key, wrapped, _encryption(algorithm), text))
        is_whole = signed.parts()[:1] and signed.parts()[0].tag == ber.OBJECT_IDENTIFIER
        return _content(signed, SIGNED_DATA) if is_whole else signed

    def _wrapped_key(self, recipients: list[Element]) -> bytes:
        for recipient in recipients:
            parts = recipient.parts() if recipient.tag == ber.SEQUENCE else []
            if len(parts) >= 4 and _is_of(parts[1], self.certificate):  # noqa: PLR2004  # RFC 2315, section 10.2
                if _identifier(parts[2]) != RSA:
                    raise EnvelopesUnusable("its key is not encrypted with RSA (PKCS #1 version 1.5)")
                return parts[3].octets()
        raise EnvelopesUnusable(
            "it is not for the certificate in racf.certificateFile: is that in the key ring IRR.PWENV.KEYRING?"
        )

    def _verified(self, signed: Element, now: datetime) -> bytes:
        """The content of a SignedData whose signature is right (RFC 2315, section 9)."""
        parts = _at_least(ber.expect(signed, ber.SEQUENCE).parts(), 4)
        inner = _at_least(ber.expect(parts[2], ber.SEQUENCE).parts(), 2)
        holding = ber.expect(inner[1], ber.CONTEXT_0).parts()
        content = _at_least(holding, 1)[0].octets()
        for info in ber.expect(parts[-1], ber.SET).parts():
            fields = _at_least(ber.expect(info, ber.SEQUENCE).parts(), 5)
            signer = next((one for one in self.signers if _is_of(fields[1], one)), None)
            if signer is not None:
                self._verify(signer, fields[2:], content, inner[0].content)
                if not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc:
                    raise EnvelopesUnusable(f"it is signed with a certificate that is valid until {_end(signer)}")
                return content
        raise EnvelopesUnusable("it is not signed with a certificate of racf.signerFile: has RACF a new one?")

    def _verify(self, signer: x509.Certificate, fields: list[Element], content: bytes, kind: bytes) -> None:
        """Check the signature in the last fields of a SignerInfo."""
        algorithm = self._hash(_identifier(fields[0]))
        attributes, rest = (fields[1], fields[2:]) if fields[1].tag == ber.CONTEXT_0 else (None, fields[1:])
        if _identifier(_at_least(rest, 2)[0]) not in {RSA, RSA_WITH.get(algorithm.name)}:
            raise EnvelopesUnusable(
                "it is signed in a way that pwsync does not know: it takes RSA (PKCS #1 version 1.5)"
            )
        signed = content if attributes is None else _attributes(attributes, algorithm, content, kind)
        public = signer.public_key()
        if not isinstance(public, RSAPublicKey):
            raise EnvelopesUnusable("the certificate in racf.signerFile has no RSA key")
        try:
            public.verify(rest[1].octets(), signed, PKCS1v15(), algorithm)
        except InvalidSignature:
            raise EnvelopeDamaged("its signature is wrong") from None
        except UnsupportedAlgorithm:
            raise EnvelopesUnusable(f"this machine verifies no signatures with {algorithm.name.upper()}") from None

    def _hash(self, identifier: bytes) -> hashes.HashAlgorithm:
        algorithm = HASHES.get(identifier)
        if algorithm is None:
            raise EnvelopesUnusable("it is signed with a hash that pwsync does not know")
        if isinstance(algorithm, hashes.MD5) and not self.accepts_md5:
            raise EnvelopesUnusable(
                "it is signed with MD5: set APPLDATA('SHA1/STRONG') in RACFEVNT, or racf.acceptMD5: true"
            )
        return algorithm


def _content(info: Element, kind: bytes) -> Element:
    """What a ContentInfo of this kind holds (RFC 2315, section 7)."""
    parts = _at_least(ber.expect(info, ber.SEQUENCE).parts(), 2)
    if ber.expect(parts[0], ber.OBJECT_IDENTIFIER).content != kind:
        raise Malformed("it is PKCS #7 of another kind")
    return _at_least(ber.expect(parts[1], ber.CONTEXT_0).parts(), 1)[0]


def _at_least(parts: list[Element], count: int) -> list[Element]:
    if len(parts) < count:
        raise Malformed("something is missing")
    return parts


def _identifier(algorithm: Element) -> bytes:
    parts = _at_least(ber.expect(algorithm, ber.SEQUENCE).parts(), 1)
    return ber.expect(parts[0], ber.OBJECT_IDENTIFIER).content


def _is_of(issuer_and_number: Element, certificate: x509.Certificate) -> bool:
    """Whether an IssuerAndSerialNumber names this certificate."""
    if issuer_and_number.tag != ber.SEQUENCE:
        return False
    issuer, number = _at_least(issuer_and_number.parts(), 2)[:2]
    return issuer.encoded == certificate.issuer.public_bytes() and ber.read_number(number) == certificate.serial_number


@dataclass(frozen=True, slots=True)
class _Encryption:
    """How the content is encrypted."""

    block: Block
    key_size: int
    vector: bytes


def _encryption(algorithm: Element) -> _Encryption:
    known = CIPHERS.get(_identifier(algorithm))
    if known is None:
        raise EnvelopesUnusable(
            "it is encrypted with what is too weak or unknown: set APPLDATA('SHA1/STRONG') in RACFEVNT"
        )
    block, key_size = known
    return _Encryption(block, key_size, _at_least(algorithm.parts(), 2)[1].octets())


def _decrypted(key: RSAPrivateKey, wrapped: bytes, by: _Encryption, text: bytes) -> bytes:
    """Decrypt key and content; why it fails is told nobody, and least of all who made it."""
    is_supported = True
    try:
        content_key = key.decrypt(wrapped, PKCS1v15())
        if len(content_key) == by.key_size:
            decryptor = Cipher(by.block(content_key), CBC(by.vector)).decryptor()
            padded = decryptor.update(text) + decryptor.finalize()
            unpadder = PKCS7(by.block.block_size).unpadder()
            return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        pass
    except UnsupportedAlgorithm:
        is_supported = False
    # raised out here: the frames of the error hold keys
    if not is_supported:
        raise EnvelopesUnusable("this machine does not decrypt what it is encrypted with")
    raise EnvelopeDamaged("it cannot be decrypted")


def _attributes(attributes: Element, algorithm: hashes.HashAlgorithm, content: bytes, kind: bytes) -> bytes:
    """What is signed in place of the content: attributes, which must name its kind and its hash."""
    digest = hashes.Hash(algorithm)
    digest.update(content)
    wanted = {CONTENT_TYPE: kind, MESSAGE_DIGEST: digest.finalize()}
    found = {}
    for attribute in attributes.parts():
        name, values = _at_least(ber.expect(attribute, ber.SEQUENCE).parts(), 2)[:2]
        found[name.content] = [value.content for value in values.parts()]
    if attributes.is_indefinite or any(found.get(name) != [value] for name, value in wanted.items()):
        raise EnvelopeDamaged("its signature is for something else")
    return bytes([ber.SET]) + attributes.encoded[1:]


def _payload(content: bytes) -> Opened:
    """Read SEQUENCE {version INTEGER, expired BOOLEAN, password UTF8String, ...}."""
    parts = _at_least(ber.expect(ber.read_one(content), ber.SEQUENCE).parts(), 3)
    ber.read_number(parts[0])
    expired = ber.expect(parts[1], ber.BOOLEAN).content
    try:
        password = Secret(ber.expect(parts[2], ber.UTF8_STRING).content.decode("utf-8"))
    except UnicodeDecodeError:
        password = None
    if password is None or len(expired) != 1:  # raised out here: the decoder's error carries the password
        raise Malformed("what it holds has another form")
    return Opened(expired != b"\x00", password)


def _private_key(text: Secret) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(text.reveal().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError(
            "the private key in racf.privateKeyFrom is no RSA key in PEM form without a passphrase",
            hint="see 'Make the certificate' of the page on capture in RACF",
        )
    return key


def _certificates(text: bytes, field: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError:
        raise SettingsError(
            f"racf.{field} holds no certificate in PEM form", hint="RACDCERT EXPORT ... FORMAT(CERTB64) writes that"
        ) from None


def _end(certificate: x509.Certificate) -> str:
    return certificate.not_valid_after_utc.date().isoformat()
