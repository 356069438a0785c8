"""Envelopes as RACF makes them: signed with its certificate, then encrypted for the recipients'. By OpenSSL."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, eq=False)
class Party:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """PEM, not encrypted."""
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


RACF, PWSYNC, STRANGER, OLD = "RACF envelopes", "pwsync", "Stranger", "RACF before"


@cache
def party(name: str) -> Party:
    """A certificate signed by itself, made once in a process; that of OLD ends on 2026-01-31."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=30 if name == OLD else 18_000))
    return Party(builder.sign(key, hashes.SHA256()), key)


def payload(password: str, *, expired: bool = False) -> bytes:
    """SEQUENCE {version, expired, password, time, language}: the last two stand for what may follow."""
    text = password.encode()
    body = b"\x02\x01\x01" + (b"\x01\x01\xff" if expired else b"\x01\x01\x00")
    return tlv(0x30, body + tlv(0x0C, text) + tlv(0x0C, b"20260506070809Z") + tlv(0x0C, b"en"))


def tlv(tag: int, content: bytes) -> bytes:
    """One element with a definite length."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def sign(content: bytes, signer: Party, *options: str) -> bytes:
    """SignedData that holds its content, in a ContentInfo."""
    with TemporaryDirectory() as folder:
        files = {"signer": signer.certificate_pem, "key": signer.key_pem}
        paths = _written(Path(folder), files)
        command = ["openssl", "cms", "-sign", "-nodetach", "-binary", "-outform", "DER", "-nosmimecap"]
        return _run([*command, "-signer", paths["signer"], "-inkey", paths["key"], *options], content)


def envelop(content: bytes, recipients: Sequence[Party], *options: str) -> bytes:
    """EnvelopedData for the recipients, in a ContentInfo."""
    with TemporaryDirectory() as folder:
        files = {f"r{number}": one.certificate_pem for number, one in enumerate(recipients)}
        paths = _written(Path(folder), files)
        named = [word for path in paths.values() for word in ("-recip", path)]
        return _run(["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", *named, *options], content)


def envelop_here(content: bytes, recipient: Party) -> bytes:
    """EnvelopedData, with AES and without a process of OpenSSL, which takes too long for each of many."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(recipient.certificate)
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


@cache
def envelope_of(
    password: str,
    *,
    expired: bool = False,
    signer: str = RACF,
    recipients: tuple[str, ...] = (PWSYNC,),
    signing: tuple[str, ...] = ("-md", "sha1"),
    encrypting: tuple[str, ...] = ("-des3",),
) -> bytes:
    """An envelope; by default with APPLDATA('SHA1/STRONG')."""
    signed = sign(payload(password, expired=expired), party(signer), *signing)
    return envelop(signed, [party(name) for name in recipients], *encrypting)


def _written(folder: Path, files: dict[str, bytes]) -> dict[str, str]:
    for name, content in files.items():
        (folder / name).touch(0o600)
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in files}


def _run(command: list[str], content: bytes) -> bytes:
    done = subprocess.run(command, check=False, input=content, capture_output=True, timeout=60)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return done.stdout
